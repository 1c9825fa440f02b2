//go:build !race

package mutants

import "github.com/rekeyhq/rekey/internal/testkit/overlay"

// mutants are changes of a run. Each is a possible mistake.
func mutants() []mutant {
	const (
		theQueue = "a history names the queue of its own run"
		noRun    = "no release has recorded a run that was kept waiting"
		noBounce = "no release has recorded a run whose mail bounced"
	)
	return []mutant{
		// Commands and their order.
		{what: "the mail before the wait", changes: one("MailFirstLink", "ExprStmt(openWait)", "")},
		{what: "the notice before the change", changes: one("Apply", "ForStmt", "_, _ = Notify({ctx}, {r})\n$")},
		{what: "no wait before the first mail is out", changes: one("Run.openWait", "IfStmt.Cond", "$ || {r}.mails == 0")},
		{what: "a pause before the change", changes: one("Apply", "ForStmt", "_ = {CallExpr(Sleep)}\n$")},
		{what: "the change without a pause between two attempts", changes: one("Apply", "CallExpr(Sleep)", "error(nil)")},
		{what: "no notice", changes: one("Notify", "CallExpr(deliver)", "Delivery{}")},
		{what: "a notice that any completion ends", changes: one("deliver", "IfStmt.Cond.Y", "true")},
		{what: "a late request that waits for pending notices", changes: one("Run.end", "BinaryExpr(||).X", "false")},
		{what: "a run that drops the pending notices of the run before", changes: one("begin", "RangeStmt", "")},
		{what: "no audit of a cancel", changes: one("Run.end", "ExprStmt(recordCancel)", "")},
		{what: "no timer for the expiry", changes: one("Run.restartExpiry", "CallExpr(NewTimerWithOptions)",
			"func() (none workflow.Future) {\n_ = func() workflow.Future { return $ }\nnone, _ = workflow.NewFuture({ctx})\nreturn none\n}()")},
		{what: "a timer that a new mail does not start again", changes: one("Run.linkMailed", "ExprStmt(restartExpiry)", "if {r}.expiry == nil {\n$\n}")},
		{what: "an old timer that goes on beside the new one", changes: one("Run.restartExpiry", "ExprStmt(stopExpiry)", "")},
		{what: "no search attribute at the end", changes: one("Run.fire", "ExprStmt(showState)", "")},
		{what: "the search attribute in each state", changes: one("Run.fire", "CallExpr(Final)", "true")},
		{what: "no search attribute at the start of a run that continues one", changes: one("begin", "ExprStmt(showState)", "")},

		// Names.
		{what: "send-email renamed", changes: text("SendEmail", "send-mail")},
		{what: "await-token-submission renamed", changes: text("AwaitTokenSubmission", "await-submission")},
		{what: "change-password renamed", changes: text("ChangePassword", "set-password")},
		{what: "record-cancel renamed", changes: text("RecordCancel", "note-cancel")},
		{what: "the ID of the first wait", changes: one("waitID", "ReturnStmt", `return "wait"`)},
		{what: "the ID of the second wait", changes: text("waitID", "")},
		{what: "the search attribute renamed", changes: text("StateAttribute", "State")},
		{what: "the task queue renamed", lives: theQueue, changes: text("TaskQueue", "reset")},
		{what: "the workflow renamed", changes: []overlay.Change{{Package: "..", In: "ResetPassword", Node: "KeyValueExpr(Name).Value", With: `"Reset"`}}},
		{what: "the update renamed", changes: text("OutcomeUpdate", "result")},
		{what: "the signal of a request renamed", changes: text("RequestSignal", "ask")},
		{what: "the cancel signal renamed", changes: text("DisownSignal", "not-me")},

		{what: "another version of a change that old runs have not seen", changes: mailFirst(`workflow.GetVersion({ctx}, "mail-first", 1, 1) == 1`)},

		// Values that another build wrote, or reads.
		{what: "a field of Request renamed", changes: one("Request", "Field(LinkLife).Type", "$ `json:\"Pause\"`")},
		{what: "a field of Outcome renamed", changes: one("Outcome", "Field(State).Type", "$ `json:\"Status\"`")},
		{what: "a field of Delivery renamed", changes: one("Delivery", "Field(Notice).Tag", "`json:\"About,omitempty\"`")},
		{what: "a link mail with another life", changes: one("Run.sendLink", "KeyValueExpr(Life).Value", "$ + grace")},
		{what: "the time of a cancel left out", changes: one("Run.recordCancel", "KeyValueExpr(At).Value", "time.Time{}")},
		{what: "an expiry at another time", changes: one("Run.restartExpiry", "BinaryExpr(+)", "$ + grace")},

		// Priorities, limits and strangers.
		{what: "a cancel in Temporal ignored", changes: ignored("CallExpr(canceled)", "CallExpr(canceled)")},
		{what: "a disowned link ignored", changes: ignored("BinaryExpr(!=)", "BinaryExpr(>)")},
		{what: "a used link wins over a cancel", changes: one("Run.awaitEvent", "CaseClause 1", "{CaseClause 2}\n$")},
		{what: "the expiry wins over a used link", changes: one("Run.awaitEvent", "CaseClause 2", "{CaseClause 6}\n$")},
		{what: "a mail that was sent wins over a used link", changes: one("Run.awaitEvent", "CaseClause 2", "{CaseClause 3}\n$")},
		{what: "a request wins over a used link", changes: one("Run.awaitEvent", "CaseClause 2", "{CaseClause 4}\n$")},
		{what: "a submission ignored", changes: one("Run.somethingHappened", "CallExpr(IsReady)", "false")},
		{what: "an expiry while a mail is on its way", changes: one("Run.expired", "BinaryExpr(==)", "true")},
		{what: "no cool-down", changes: one("Links.Unanswered", "AssignStmt/BinaryExpr(<)", "false")},
		{what: "one mail at most", changes: one("MaxMails", "BasicLit", "1")},
		{what: "two mails at most", changes: one("MaxMails", "BasicLit", "2")},
		{what: "four mails at most", changes: one("MaxMails", "BasicLit", "4")},
		{what: "a request of another account counts", changes: one("Run.takeRequests", "BinaryExpr(==)", "true")},
		{what: "a cancel signal of another account counts", changes: one("Run.takeDisowns", "BinaryExpr(==)", "true")},
		{what: "a bounce of another account counts", lives: noBounce, changes: one("Run.takeBounces", "BinaryExpr(!=)", "false")},
		{what: "a bounce that an earlier build ignored is recorded", lives: noBounce, changes: one("notesBounces", "ReturnStmt", "return true")},
		{what: "a run ends before its bounces are recorded", lives: noBounce, changes: one("Run.told", "BinaryExpr(==) 2", "true")},
		{what: "a verdict about another submission counts", changes: one("Apply", "SwitchStmt/BinaryExpr(==) 2", "true")},
		{what: "a verdict of 0.2.0, which names no run, does not count", changes: one("Run.namesThisRun", "BinaryExpr(&&)", "false")},
		{what: "a delivery of 0.2.0, which names no link, does not count", changes: one("Run.delivered", "CaseClause 4/BinaryExpr(==)", "false")},
		{what: "the input of another account counts", changes: one("Definition.Run", "IfStmt.Cond", "false")},

		// The way on.
		{what: "a submission without a link ends the reset", changes: one("Run.dropSubmission", "SelectorExpr(TokenUnknown)", "statemachine.ChangeRefused")},
		{what: "no new wait after a submission without a link", changes: one("Run.openWait", "IfStmt.Cond", "$ || {r}.waits > 0")},
		{what: "a link mail goes on after the password was changed", changes: one("Notify", "ExprStmt(stopMail)", "")},
		{what: "a link mail goes on after a cancel", changes: one("Run.recordCancel", "ExprStmt(stopMail)", "")},
		{what: "a request that comes too late is not answered", changes: one("Run.end", "ForStmt/IfStmt.Cond", "$ && {r}.mails == 0")},
		{what: "a refused change is tried again", changes: one("Apply", "CaseClause 2/Ident", "$ && {CaseClause 1/SelectorExpr(Event)} != statemachine.ChangeRefused")},
		{what: "no wait for updates at the end", changes: one("Run.end", "CallExpr(AllHandlersFinished)", "true")},
		{what: "a withheld link ends the reset", changes: one("Run.linkMailed", "SelectorExpr(LinkWithheld)", "statemachine.Expire")},

		// Runs that are kept waiting.
		{what: "a run that is kept waiting does not say so", lives: noRun, changes: one("Run.showWaiting", "ExprStmt(setAttribute)", "")},
		{what: "a run that goes on still says that it is kept waiting", lives: noRun, changes: one("Run.endWaiting", "ExprStmt(setAttribute)", "")},
		{what: "the waiting of another mail counts", lives: noRun, changes: one("Run.mailWaits", "BinaryExpr(!=)", "false")},
		{what: "a mail that was kept waiting is begun again at once", lives: noRun, changes: one("Run.sendAgain", "CallExpr(max)/SelectorExpr(pause)", "0")},
	}
}

// flowMutants are those of flows that no release has recorded.
func flowMutants() []mutant {
	const noFlow = "no release has recorded a run of another flow than a reset"
	all := []mutant{
		{what: "the request of another flow starts a run", changes: one("Definition.Run", "IfStmt.Cond", "{IfStmt.Cond.X}")},
		{what: "what came with the start is another request", changes: one("Definition.Run", "ExprStmt(takeRequests)", "")},
		{what: "no reminder", changes: one("Run.linkMailed", "IfStmt.Cond", "false && ($)")},
		{what: "a reminder of an invitation that was withheld", changes: one("Run.linkMailed", "IfStmt.Cond", "{IfStmt.Cond.X}")},
		{what: "a reminder after a further mail", changes: one("Run.reminds", "BinaryExpr(==) 2", "($ || {r}.mails == 2)")},
		{what: "nobody is told of an invitation that expired", changes: one("Run.end", "SelectorExpr(TellsExpiry)", "false")},
		{what: "an applied invitation is told as a changed password", changes: one("Run.tellChange", "SelectorExpr(Applied) 2", "HostPasswordChanged")},
		{what: "a decision of another run counts", changes: one("Run.Decide", "BinaryExpr(==) 2", "true")},
		{what: "a decision that the state does not allow counts", changes: one("Run.Decide", "CallExpr(Can)", "true")},
		{what: "an order without its name", changes: one("Run.Decide", "KeyValueExpr(Order).Value", `""`)},
		{what: "a further link of a forced reset blocks again", changes: in("blockPassword", "IfStmt.Cond", "false")},
		{what: "a forced reset that blocks nothing", changes: in("blockPassword", "IfStmt.Cond", "true")},
		{what: "two accounts of one address have two runs", changes: in("campaign.page", "CallExpr(distinct)", "page.Accounts")},
		{what: "a campaign goes on behind the last page, not the last account", changes: in("campaign.progress", "CallExpr(Or)", "cmp.Or(c.in.After, c.last)")},
		{what: "old pages are read again at once", changes: in("campaign.page", "ExprStmt(pause)", "")},
		{what: "a page of another campaign counts", changes: in("campaign.ask", "BinaryExpr(==) 2", "true")},
		{what: "the order of an account without the campaign's name", changes: in("campaign.begin", "KeyValueExpr(Order).Value", "a.Key")},
	}
	for i := range all {
		all[i].lives = noFlow
	}
	return all
}

// in changes package workflow itself.
func in(decl, node, with string) []overlay.Change {
	return []overlay.Change{{Package: "..", In: decl, Node: node, With: with}}
}

// allowed are changes that an open run does not notice, or is protected from.
func allowed() []mutant {
	return []mutant{
		{what: "other timeouts and retries", changes: []overlay.Change{
			change("mailOptions", "KeyValueExpr(StartToCloseTimeout).Value", "$ + time.Minute"),
			change("heartbeatTimeout", "BasicLit", "4"),
			change("changeOptions", "KeyValueExpr(MaximumInterval).Value", "2 * $"),
		}},
		{what: "a new field", changes: one("Request", "Field(LinkLife)", "Language string `json:\",omitempty\"`\n$")},
		{what: "other texts", changes: []overlay.Change{
			change("Apply", "CallExpr(changeOptions)/BasicLit", `"set the new password"`),
			change("Run.details", "BasicLit(STRING)", `"%s: %d mails of %d"`),
			change("Run.restartExpiry", "KeyValueExpr(Summary).Value", `"end of the link"`),
		}},
		{what: "the mail before the wait, behind `workflow.GetVersion`", changes: mailFirst(
			`workflow.GetVersion({ctx}, "mail-first", workflow.DefaultVersion, 1) == 1`,
		)},
	}
}

// mailFirst mails before it waits, on a condition.
func mailFirst(condition string) []overlay.Change {
	return one("MailFirstLink", "ExprStmt(openWait)", "if !("+condition+") {\n$\n}")
}

// ignored removes an event that decides or ends a wait.
func ignored(event, condition string) []overlay.Change {
	return []overlay.Change{change("Run.awaitEvent", event, "false"), change("Run.somethingHappened", condition, "false")}
}

// text puts another text in the place of the only one in a declaration.
func text(in, with string) []overlay.Change { return one(in, "BasicLit(STRING)", `"`+with+`"`) }

func one(in, node, with string) []overlay.Change { return []overlay.Change{change(in, node, with)} }

func change(in, node, with string) overlay.Change {
	return overlay.Change{Package: "../../flow", In: in, Node: node, With: with}
}
