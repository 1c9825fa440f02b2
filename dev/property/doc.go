// Package property plays random stories of a reset on the whole product, in HTTP, mail and a
// real Temporal server. It compares every answer with that of a small model. It has tests only.
//
// The clock of starter and worker is the test's, so that links expire at once. Temporal's
// is real: that a run ends when its link does is tested in package workflow, where time
// is skipped.
package property
