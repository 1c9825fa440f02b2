// Package starter is the client of rekey: a [Client] requests, inspects, uses and cancels
// resets. Package web has routes and pages around it.
//
// A starter holds no state and reads no account. It needs a Temporal server and
// nothing else, so that with every worker down both a request and a new password
// are still accepted durably, and so that no answer can depend on who has an
// account: what could tell is not in this process.
package starter
