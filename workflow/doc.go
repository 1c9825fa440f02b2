// Package workflow has the flows of rekey, each of them one value of package flow.
//
// The tests of both packages are here: they run whole flows. testdata/histories holds the recorded
// runs of every release, which each change has to replay. Package flow says how to change a flow
// while runs of it are open.
package workflow
