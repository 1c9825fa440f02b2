// Package workflow is the durable run of one password reset.
//
// [ResetPassword] is a table of steps, one for each state of the machine in
// package statemachine. A step waits or acts and returns the event it ended
// with; the loop fires that event and takes the step of the new state:
//
//	requested         mail a link, wait           -> link_sent, link_withheld, token_submitted, cancel
//	awaiting_token    wait                        -> the same, and expire
//	token_submitted   change the password         -> password_changed, change_refused, token_unknown
//	password_changed  tell the owner              -> notice_sent, notice_failed
//
// A canceled run notes who canceled it before it ends.
//
// Everything another process must know of a run is a name or a type in
// contract.go. How long each activity may take stands in policies.go.
//
// # Changing this package while resets are open
//
// Temporal rebuilds a run by calling this code again with the run's history, so
// the same history must always lead to the same commands:
//
//   - The clock, timers, goroutines and waiting come from the SDK
//     (workflow.Now, workflow.NewTimer, workflow.Await). Nothing here ranges
//     over a map, reads configuration or logs by other means. workflowcheck
//     proves the most of it on every build.
//   - The order, the kind and the IDs of activities and timers are history.
//     Texts (summaries, details) and policies (timeouts, retries) are not.
//   - A transition is history too when the step it leads to issues a command.
//   - A branch must not depend on which keys a worker holds: a payload under an
//     unknown key fails the workflow task, and the run waits for a worker that
//     can read it.
//   - Anything else that changes what an open run would do goes behind
//     workflow.GetVersion.
//
// # Who is believed
//
// Whoever may talk to the Temporal namespace can signal a run, and complete or
// fail its activities. So nothing that arrives is believed for its arrival: the
// data converter refuses every payload that is not sealed under our keys, and
// what decides about a password is a sealed result, never the name of an error.
package workflow
