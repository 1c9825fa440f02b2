// Package failpoint stops a process in the middle of its work, so that a test can kill it
// exactly there.
//
// It does so only in a program built with the tag "failpoint". In any other, [Hit] is empty,
// the compiler removes the calls, and nothing of it is in the binary. A test in dev/crash looks
// for it there.
package failpoint

// The failpoints. Each is where a crash would do the most harm.
const (
	// BeforeCommit is in the transaction that changes a password, when all is written
	// and nothing is durable.
	BeforeCommit = "store.before-commit"
	// AfterCommit is after that transaction, when no caller knows of it yet.
	AfterCommit = "store.after-commit"
	// AfterCompletion is in a starter that has handed over a submission and has not
	// answered.
	AfterCompletion = "starter.after-completion"
)
