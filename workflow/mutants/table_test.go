//go:build !race

package mutants

import "github.com/rekeyhq/rekey/internal/overlay"

// Files of the workflow, as seen from this folder.
const (
	run      = "../run.go"
	links    = "../link.go"
	requests = "../requests.go"
	reset    = "../resetpassword.go"
	contract = "../contract.go"
	policies = "../policies.go"
	notice   = "../notice.go"
	details  = "../details.go"
	table    = "../../statemachine/table.go"
)

// mutants are changes of what a run does. Each is a mistake that somebody could make.
func mutants() []mutant {
	return []mutant{
		// What is begun, and in which order.
		{what: "the mail before the wait", changes: mailFirst("r.mails == 0")},
		{what: "the notice before the change", changes: one(run, "\tfor {\n\t\tvar v Verdict", "\t_, _ = r.notify(ctx)\n\tfor {\n\t\tvar v Verdict")},
		{what: "no wait before the first mail is out", changes: one(run, "if r.wait != nil {\n\t\treturn", "if r.wait != nil || r.mails == 0 {\n\t\treturn")},
		{what: "a pause before the change", changes: one(run, "\tfor {\n\t\tvar v Verdict", "\t_ = workflow.Sleep(ctx, again)\n\tfor {\n\t\tvar v Verdict")},
		{what: "the change without a pause between two attempts", changes: one(run, "if err := workflow.Sleep(ctx, again); err != nil {\n\t\t\treturn \"\", err\n\t\t}", "_ = again")},
		{what: "no notice", changes: one(notice, "d := tell(ctx, notice, until)", "var d Delivery")},
		{what: "a notice that is over when anybody says so", changes: one(notice, "err == nil && d.Notice == notice.Run", "err == nil")},
		{what: "a late request that waits until everybody is told", changes: one(reset, "r.requests.Len() > 0 || len(r.owing()) == 0", "len(r.owing()) == 0")},
		{what: "a run that does not go on telling for the one before", changes: one(reset, "\tfor _, notice := range in.Owed {\n\t\tr.owe(steps, notice)\n\t}\n", "")},
		{what: "no audit of a cancel", changes: one(reset, "\t\tr.recordCancel(ctx)\n", "")},
		{what: "no timer for the expiry", changes: one(run, `r.expiry = workflow.NewTimerWithOptions(timer, life, workflow.TimerOptions{Summary: "the link expires"})`, "r.expiry, _ = workflow.NewFuture(timer)\n\t_ = life")},
		{what: "a timer that a new mail does not start again", changes: one(run, "\tr.restartExpiry(ctx)\n", "\tif r.expiry == nil {\n\t\tr.restartExpiry(ctx)\n\t}\n")},
		{what: "an old timer that goes on beside the new one", changes: one(run, "\t\tr.stopExpiry()\n", "")},
		{what: "no search attribute at the end", changes: one(reset, "\tif r.machine.Final() {\n\t\tr.tellOperators(ctx)\n\t}\n", "")},
		{what: "the search attribute in each state", changes: one(reset, "\tif r.machine.Final() {\n\t\tr.tellOperators(ctx)\n\t}\n", "\tr.tellOperators(ctx)\n")},
		{what: "no search attribute at the start of a run that continues one", changes: one(reset, "\t\tr.tellOperators(steps) // the attribute still says how the previous run ended\n", "")},

		// Names.
		{what: "send-email renamed", changes: one(contract, `"send-email"`, `"send-mail"`)},
		{what: "await-token-submission renamed", changes: one(contract, `"await-token-submission"`, `"await-submission"`)},
		{what: "change-password renamed", changes: one(contract, `"change-password"`, `"set-password"`)},
		{what: "record-cancel renamed", changes: one(contract, `"record-cancel"`, `"note-cancel"`)},
		{what: "the ID of the first wait", changes: one(contract, "if n == 1 {\n\t\treturn AwaitTokenSubmission", "if n == 1 {\n\t\treturn \"wait\"")},
		{what: "the ID of the second wait", changes: one(contract, `AwaitTokenSubmission + "-" + strconv.Itoa(n)`, `AwaitTokenSubmission + strconv.Itoa(n)`)},
		{what: "the search attribute renamed", changes: one(contract, `NewSearchAttributeKeyKeyword("RekeyState")`, `NewSearchAttributeKeyKeyword("State")`)},
		{what: "the task queue renamed", lives: "a history names the queue of its own run", changes: one(contract, `TaskQueue = "rekey"`, `TaskQueue = "reset"`)},
		{what: "the workflow renamed", changes: one(contract, `Name = "ResetPassword"`, `Name = "Reset"`)},
		{what: "the update renamed", changes: one(contract, `OutcomeUpdate   = "outcome"`, `OutcomeUpdate   = "result"`)},
		{what: "the signal of a request renamed", changes: one(contract, `RequestSignal = "request"`, `RequestSignal = "ask"`)},
		{what: "the signal of who disowns a reset renamed", changes: one(contract, `DisownSignal = "disown"`, `DisownSignal = "not-me"`)},

		{what: "another version of a change that old runs have not seen", changes: mailFirst(
			`r.mails == 0 && workflow.GetVersion(ctx, "mail-first", 1, 1) == 1`,
		)},

		// Values that another build wrote, or reads.
		{what: "a field of Request renamed", changes: one(contract, "\tCoolDown time.Duration // how", "\tCoolDown time.Duration `json:\"Pause\"` // how")},
		{what: "a field of Outcome renamed", changes: one(contract, "\tState    statemachine.State\n", "\tState    statemachine.State `json:\"Status\"`\n")},
		{what: "a field of Delivery renamed", changes: one(contract, "\tNotice string `json:\",omitempty\"`", "\tNotice string `json:\"About,omitempty\"`")},
		{what: "a link mail with another life", changes: one(links, "Life: r.in.LinkLife, Address", "Life: r.in.LinkLife + grace, Address")},
		{what: "the time of a cancel left out", changes: one(run, ", At: workflow.Now(ctx)}", "}")},
		{what: "an expiry at another time", changes: one(run, "life := r.in.LinkLife + grace", "life := r.in.LinkLife + 2*grace")},

		// Who is heard, and who first.
		{what: "a cancel in Temporal ignored", changes: canceledOnlyBy("r.disowned()", "r.canceled()")},
		{what: "a disowned link ignored", changes: canceledOnlyBy("r.canceled()", "r.disowned()")},
		{what: "a used link wins over a cancel", changes: swap("case r.canceled(), r.disowned():\n\t\t\treturn statemachine.Cancel, nil", "case r.wait.IsReady():\n\t\t\tr.submittedAt = workflow.Now(ctx)\n\t\t\treturn statemachine.TokenSubmitted, nil")},
		{what: "the expiry wins over a used link", changes: one(run, "\t\tcase r.wait.IsReady():\n", "\t\tcase r.expired():\n\t\t\treturn statemachine.Expire, nil\n\t\tcase r.wait.IsReady():\n")},
		{what: "a mail that was sent wins over a used link", changes: swap("case r.wait.IsReady():\n\t\t\tr.submittedAt = workflow.Now(ctx)\n\t\t\treturn statemachine.TokenSubmitted, nil", "case r.mailDone():\n\t\t\tif d, ours := r.delivered(ctx); ours {\n\t\t\t\treturn r.linkMailed(ctx, d), nil\n\t\t\t}\n\t\t\tr.sendAgain()")},
		{what: "a request wins over a used link", changes: one(run, "\t\tcase r.wait.IsReady():\n", "\t\tcase r.requests.Len() > 0 && r.mayMailAgain(ctx):\n\t\t\tif caller, asked := r.requestedAgain(); asked {\n\t\t\t\tr.sendLink(ctx, caller)\n\t\t\t}\n\t\tcase r.wait.IsReady():\n")},
		{what: "a submission ignored", changes: one(run, "r.disowned() || r.wait.IsReady() || r.mailDone()", "r.disowned() || r.mailDone()")},
		{what: "an expiry while a mail is on its way", changes: one(run, "return r.mail == nil && r.expiry != nil", "return r.expiry != nil")},
		{what: "no cool-down", changes: one("../unanswered.go", "age < l.CoolDown", "false")},
		{what: "one mail at most", changes: one(contract, "MaxMails = 3", "MaxMails = 1")},
		{what: "two mails at most", changes: one(contract, "MaxMails = 3", "MaxMails = 2")},
		{what: "four mails at most", changes: one(contract, "MaxMails = 3", "MaxMails = 4")},
		{what: "a request of another account counts", changes: one(requests, "if c.AccountKey == r.in.AccountKey {", "{")},
		{what: "who disowns another account counts", changes: one(run, "c.AccountKey == r.in.AccountKey && r.disowner == nil", "r.disowner == nil")},
		{what: "a verdict about another submission counts", changes: one(run, "err == nil && v.Submission == r.accepted.ID", "err == nil")},
		{what: "a verdict of 0.2.0, which names no run, does not count", changes: one(run, "\n\t\tv.Run == \"\" && workflow.GetVersion(ctx, \"verdict-names-its-run\", workflow.DefaultVersion, 1) == workflow.DefaultVersion", " false")},
		{what: "a delivery of 0.2.0, which names no link, does not count", changes: one(links, "case workflow.GetVersion(ctx, \"delivery-names-its-link\", workflow.DefaultVersion, 1) == workflow.DefaultVersion:", "case false:")},
		{what: "the input of another account counts", changes: one(reset, "if ID(in.AccountKey) != workflow.GetInfo(ctx).WorkflowExecution.ID {", "if in.AccountKey == \"\" {")},

		// How it goes on.
		{what: "nobody's submission ends the reset", changes: one(run, "\treturn statemachine.TokenUnknown\n", "\treturn statemachine.ChangeRefused\n")},
		{what: "no new wait after nobody's submission", changes: one(run, "if r.wait != nil {\n\t\treturn", "if r.wait != nil || r.waits > 0 {\n\t\treturn")},
		{what: "a link mail goes on after the password was changed", changes: one(notice, "\tr.stopMail() // a link that is still on its way would be dead on arrival\n", "")},
		{what: "a link mail goes on after a cancel", changes: one(run, "\tr.stopMail() // the run may stay open, and nobody is to get a link of it\n", "")},
		{what: "a request that comes too late is not answered", changes: one(reset, "r.lateRequest(); asked {", "r.lateRequest(); asked && r.mails == 0 {")},
		{what: "what came with the start is another request", same: true, lives: "a request that is taken while a mail is on its way mails nothing", changes: one(run, "\t\tr.requestedAgain() // what came with the start is the start\n", "")},
		{what: "a refused change is tried again", changes: one(run, "\t\tcase ours:\n", "\t\tcase ours && v.Event != statemachine.ChangeRefused:\n")},
		{what: "no wait for updates at the end", changes: one(reset, "return workflow.AllHandlersFinished(ctx)", "return true")},
		{what: "a withheld link ends the reset", changes: one(run, "return statemachine.LinkWithheld", "return statemachine.Expire")},
	}
}

// allowed are changes that an open run does not notice, or that it is protected from.
func allowed() []mutant {
	return []mutant{
		{what: "other timeouts and retries", changes: append(
			one(policies, "StartToCloseTimeout:    16 * time.Minute", "StartToCloseTimeout:    17 * time.Minute"),
			overlay.Change{File: policies, Old: "silence = 3 * Heartbeat", New: "silence = 4 * Heartbeat"},
			overlay.Change{File: policies, Old: "MaximumInterval: 30 * time.Second},\n\t\tSummary:             \"change", New: "MaximumInterval: time.Minute},\n\t\tSummary:             \"change"},
		)},
		{what: "a new field", changes: one(contract, "\tCoolDown time.Duration // how", "\tLanguage string `json:\",omitempty\"`\n\tCoolDown time.Duration // how")},
		{what: "other texts", changes: append(
			one(policies, `"change the password"`, `"set the new password"`),
			overlay.Change{File: details, Old: "**Mails:**", New: "**Mails so far:**"},
			overlay.Change{File: run, Old: `"the link expires"`, New: `"end of the link"`},
		)},
		{what: "the mail before the wait, behind `workflow.GetVersion`", changes: mailFirst(
			`r.mails == 0 && workflow.GetVersion(ctx, "mail-first", workflow.DefaultVersion, 1) == 1`,
		)},
	}
}

// mailFirst mails before it waits, on a condition.
func mailFirst(condition string) []overlay.Change {
	return one(run, "\tr.arm(ctx)\n", "\tif "+condition+" {\n\t\tr.requestedAgain()\n\t\tr.sendLink(ctx, Caller{Client: r.in.Client, Operator: r.in.Operator})\n\t}\n\tr.arm(ctx)\n")
}

// canceledOnlyBy is heard by one of the two ways to cancel, and deaf to the other.
func canceledOnlyBy(heard, deaf string) []overlay.Change {
	return append(
		one(run, "case r.canceled(), r.disowned():", "case "+heard+":"),
		overlay.Change{File: run, Old: deaf + " || ", New: ""},
	)
}

// swap swaps two cases, the second of which follows the first.
func swap(first, second string) []overlay.Change {
	return one(run, first+"\n\t\t"+second, second+"\n\t\t"+first)
}

func one(file, from, to string) []overlay.Change {
	return []overlay.Change{{File: file, Old: from, New: to}}
}
