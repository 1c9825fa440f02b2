// Package property tells random stories of a reset to the whole product, in HTTP, mail
// and a real Temporal server, and compares every answer with what a small model says. It
// has tests only.
//
// The clock of starter and worker is the test's, so that links expire at once. Temporal's
// is real: that a run ends when its link does is tested in package workflow, where time
// is skipped.
package property
