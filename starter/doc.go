// Package starter is the client of rekey: a [Client] requests, inspects, uses and cancels
// resets. Package web has routes and pages around it.
//
// A starter holds no state and reads no account. It needs only a Temporal server, so it accepts
// requests and new passwords durably while every worker is down. No answer can depend on whether
// an account exists: no source of that fact is in this process.
package starter
