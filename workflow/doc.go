// Package workflow has the flows of rekey, each of them one value of package flow.
//
// A campaign, [ForceAll], begins forced resets of many accounts. It is no flow: it has no account and
// mails nothing. Its files are campaign.go (names and types), forceall.go (the run), pace.go (the
// rate) and commands.go (updates, the query and details).
//
// The tests of both packages are here: they run whole flows. testdata/histories holds the recorded
// runs of every release, which each change has to replay. Package flow says how to change a flow
// while runs of it are open.
package workflow
