//go:build !race

package mutants

// page is docs/replay.md.
const page = `# What the replay finds

The runs of every release are recorded in ` + "`workflow/testdata/histories`" + `, and a test replays them on the code as it is. Another test makes one mistake at a time in
a copy of the workflow, sees the replay fail, and wrote this page: ` + "`REKEY_TEST=all go test ./workflow/mutants -update`" + `.

## Found by a recorded run

| mistake | by |
|---|---|
%s
## Found by other tests only

A replay compares what the workflow begins, passes and reads with what a history says, and a run tells only of the ways that it took.
These mistakes pass it, and fail another test of package workflow. When a release records a run that finds one, the test asks to move it up.

| mistake | why not by a run | by |
|---|---|---|
%s
Makes no difference:

%s
## May change freely

These pass, as they must:

%s`
