// Package flow runs flows: durable runs that mail a link, wait until it is used, apply what its
// user submitted, notify the owner, and end.
//
// A flow is one value, a [Definition]: its table of states, and a [Step] for each state that is not
// final. Steps of this package do what most flows have in common. They are in steps.go, which tells
// a run downwards. Each waits or acts and returns the event that ended its state. [Definition.Run]
// fires that event, and the table has the state that follows:
//
//	MailFirstLink  -> link_sent, link_withheld, token_submitted, cancel
//	AwaitToken     -> the same, and expire
//	Apply          -> password_changed or applied, change_refused, token_unknown
//	Notify         -> notice_sent, notice_failed
//
// Several events can have happened when a run wakes. Their priority is the order of the cases in
// awaitEvent: a cancel, a used link, a mail, a request, the expiry. So a link that was used in
// time wins over its expiry.
//
//	definition.go         a flow as a value, and its loop
//	steps.go              the steps that flows have in common
//	run.go, end.go        what a run remembers, its wait, its outcome and its end
//	link.go, requests.go  mail a link and start its life, answer further requests
//	notice.go             mail a notice until it has reached every address
//	hostevent.go          tell the application what happened, where it wants to be told
//	finish.go             follow a run that was ended from outside
//	operators.go          details, metrics and the search attribute
//	contract.go           names and types that other processes must know of a run
//	policies.go           timeouts and retries of each activity, and durations that are history
//
// The flows of rekey are in package workflow, with the tests of this package.
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
//   - The order and the kind of all commands are history: activities, timers, search attributes,
//     continue-as-new. So are the IDs and inputs of activities and the durations of timers. The
//     SDK replays another input or duration; package replay refuses it (docs/adr/0542).
//     Texts (summaries, details) and policies (timeouts, retries, task queues) are not.
//   - Durations that a timer, a loop or an input uses are history: grace, retryPause,
//     withheldPause, mailRetry, recordRetry, lastTry and NoticeDay. So are the counts MaxMails and
//     tries.
//   - The code of an activity is no history. It reads the inputs of earlier builds, and its
//     results keep their fields.
//   - Fields of the types that [Values] lists never change their names: builds read each other's
//     values. New fields have omitempty or omitzero. The file workflow/testdata/contract.json has them all.
//   - Names, kinds and steps of a Definition are history.
//   - A transition is history too when the state it leads to issues a command.
//   - A branch must not depend on the keys of a worker. A payload under an unknown key fails the
//     workflow task, and the run waits for a worker that can read it.
//   - Any other change of the way of an open run goes behind workflow.GetVersion, see below.
//
// # Replays
//
// workflow/testdata/histories holds the runs of every release, one for each way that a reset can
// go, recorded on a real Temporal server. `go test ./workflow -run TestRecorded` replays
// them under the code as it is, without a server. `rekey replay` does the same with the
// runs of a namespace, before a worker is deployed there.
//
// Where the code leaves a run, the report names the missed event and the code's own step:
//
//	--- FAIL: TestRecordedRunsReplay/v0.1.0/happy
//	    event 19 ActivityTaskScheduled change-password: the code starts a timer
//
// Read the event's place in the run in workflow/testdata/histories/v0.1.0/happy.json, and the
// change that you made before that event. Then one of these is true:
//
//   - You did not mean to change the order, the kind, the ID or the values of a command:
//     change the code back.
//   - You did. Put the new way behind a version, and keep the old one for the runs that
//     are open.
//   - The recorded run is wrong: no. It is the work of a release, and it stays.
//
// A version in code:
//
//	if workflow.GetVersion(ctx, "tell-before-change", workflow.DefaultVersion, 1) == 1 {
//		// the new way
//	}
//
// A run remembers the way that it took at the first call. The call is an Action for each run, and
// a version that runs have taken never gets another meaning. The old way stays as long as a
// recorded release has runs of it. When upgrades from a release are no longer supported, one
// change deletes its recorded runs and the old way.
//
// The recorded runs replay nothing else: a branch that no story takes is not covered. A new way
// through the workflow gets a story in dev/e2e.
//
// # Recording a release
//
// From the code that is released, once, before its tag:
//
//	go test -timeout 30m ./dev/e2e -run TestStories -parallel 8 -record v1.2.3
//	go test ./workflow -run TestCost -update
//
// and a line for it in releases, in recorded_test.go. The second command puts the cost of each run
// into docs/performance.md; a reset that costs more than before is a decision.
//
// # Trust
//
// Every client of the Temporal namespace can signal a run, and complete or fail its activities. So
// the arrival of a payload proves nothing. The data converter refuses every payload that is not
// sealed under a key of the keyset. Only a sealed result decides about a password, never the name
// of an error.
package flow
