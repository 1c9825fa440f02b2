// Package storetest holds the duties of every [account.Store], as one suite: a store that
// passes it can carry resets.
//
// The suite is itself under test: for each check there is a store with a fault, and the
// check must find it.
package storetest

import (
	"context"
	"testing"

	"github.com/rekeyhq/rekey/account"
)

// Harness is a store under test, with the part of a host application that the suite plays. It
// reads the audit log too. The suite holds an [account.Lister] to its duties, and skips them for
// another one.
type Harness interface {
	account.Store
	account.Archive
	App

	// Audit returns the audit log of an account in the order of writing. The empty ID selects
	// entries without an account.
	Audit(ctx context.Context, accountID string) ([]account.Entry, error)
}

// Run runs the suite. Each check gets an empty store of its own from open, which also
// closes it when the test is over; checks run in parallel.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(&suite{t, open(t)})
		})
	}
}

// check is one thing that a store must do.
type check struct {
	name string
	run  func(*suite)
}

var checks = []check{
	{"accounts/read", readsAccounts},
	{"accounts/locale", readsLocales},
	{"accounts/find", findsByAddress},
	{"accounts/move", findsWhereItMoved},
	{"accounts/list", listsAccounts},
	{"accounts/list, changing", listsWhileAccountsChange},
	{"mails/limit", limitsMails},
	{"mails/complaint", restsAfterComplaint},
	{"mails/refill", refillsMails},
	{"mails/first attempt", countsFirstAttempts},
	{"mails/copies", limitsCopies},
	{"mails/asked", countsWhatWasAskedFor},
	{"mails/audit", auditsMails},
	{"mails/revoke", revokes},
	{"change/effects", changes},
	{"change/again", repeats},
	{"change/other submission", takesOneSubmission},
	{"change/unknown", knowsItsTokens},
	{"change/expired", leavesExpiryToOthers},
	{"change/refused", refuses},
	{"change/form", keepsForms},
	{"change/spelling", comparesAddresses},
	{"first/effects", setsFirst},
	{"first/refused", refusesFirst},
	{"first/purposes", keepsPurposes},
	{"sessions/stale", holdsNoStaleSession},
	{"block/effects", blocks},
	{"block/again", blocksAgain},
	{"block/another run", blocksForAnotherRun},
	{"block/closed", blocksClosedAccounts},
	{"block/refused", refusesBlocks},
	{"block/races", racesBlock},
	{"notice/addresses", owesEveryAddress},
	{"notice/language", owesInALanguage},
	{"notice/progress", notesWhoIsTold},
	{"notice/given up", givesUp},
	{"notice/owed", listsWhatIsOwed},
	{"notice/kept", keepsWhatIsOwed},
	{"notice/races", racesTelling},
	{"end/applied", endsAfterAChange},
	{"end/not applied", endsBeforeAChange},
	{"end/races", racesEnd},
	{"races/one submission", racesOneSubmission},
	{"races/one token", racesOneToken},
	{"races/one account", racesOneAccount},
	{"races/sign-in", racesSignIn},
	{"races/issue", racesIssue},
	{"races/mail limit", racesMailLimit},
	{"races/one mail", racesOneMail},
	{"audit/record", records},
	{"audit/filter", filters},
	{"forget/account", forgets},
	{"forget/invited", forgetsInvited},
	{"sweep/audit", sweepsAudit},
	{"sweep/tokens", sweepsTokens},
	{"sweep/submissions", sweepsSubmissions},
	{"sweep/mails", sweepsMails},
	{"context/canceled", heedsContext},
}
