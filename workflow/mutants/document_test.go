//go:build !race

package mutants

// page is docs/replay.md.
const page = `# Mistakes that the replay finds

The runs of every release are recorded in ` + "`workflow/testdata/histories`" + `, and a test replays them on the present code.
Another test makes one mistake at a time in a copy of the workflow and sees the replay fail. It wrote this page:
` + "`REKEY_TEST=all go test ./workflow/mutants -update`" + `.

Package replay does the same for a workflow of yours: [packages.md](packages.md#replay-a-workflow-of-yours).

## Found by a recorded run

| mistake | by |
|---|---|
%s
## Found by other tests only

A replay compares the workflow's commands, the values it passes and the fields it reads with a history. A run shows only
the paths that it took. These mistakes pass the replay and fail another test of package workflow. When a release
records a run that finds one, the test asks to move it up.

| mistake | why not by a run | by |
|---|---|---|
%s
## May change freely

These pass, as they must:

%s`
