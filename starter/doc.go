// Package starter is the side of rekey that users and backends talk to: a [Client]
// that requests, inspects, uses and cancels resets, and the HTTP handler with the
// routes and pages around it.
//
// A starter holds no state and reads no account. It needs a Temporal server and
// nothing else, so that with every worker down both a request and a new password
// are still accepted durably, and so that no answer can depend on who has an
// account: what could tell is not in this process.
package starter
