//go:build !race

package mutants

const head = `# What the replay finds

The runs of every release are recorded in ` + "`workflow/testdata/histories`" + `, and a test replays them on the code as it is. Another test
(` + "`go test ./workflow/mutants -update`" + ` wrote this page) makes one mistake at a time in a copy of the workflow and sees the replay fail.

## Found

| mistake | by |
|---|---|
`

const unseen = `
## Not found

A replay compares what the workflow begins with what a history says that it began, and no more: not what is inside a payload.

| mistake | why |
|---|---|
`

const free = `
## May change freely

These pass, as they must:

`
