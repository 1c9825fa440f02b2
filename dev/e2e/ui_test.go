package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/statemachine"
)

// finishedRun is a person whose reset is completed.
func finishedRun(t *testing.T, s *stack.Stack) account.Account {
	t.Helper()
	who := newPerson(t, s, nil)
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Fatalf("reset: %+v", a)
	}
	waitFor(t, s, who, statemachine.StateCompleted)
	return who
}

// listed opens the list of the runs of an account in a state.
func (b *tab) listed(uiURL, id string, state statemachine.State) {
	b.t.Helper()
	query := fmt.Sprintf("RekeyState=%q AND WorkflowId=%q", state, id)
	b.visit(uiURL + "/namespaces/default/workflows?query=" + url.QueryEscape(query))
}

// part opens a part of a run's page.
func (b *tab) part(name string) {
	b.t.Helper()
	b.do("open "+name, chromedp.Click(fmt.Sprintf("//a[contains(normalize-space(), '%s')]", name)))
}

// An operator finds a run by its state. Without a codec server nothing on its pages reveals its
// owner, or the mails.
func TestRunInTemporalUI(t *testing.T) {
	t.Parallel()
	who := finishedRun(t, shared)
	id := workflowID(t, shared, who.Address)
	b := browse(t, []string{shared.UIURL})
	b.listed(shared.UIURL, id, statemachine.StateCanceled)
	b.see("No Workflows")
	b.listed(shared.UIURL, id, statemachine.StateCompleted)
	b.see(id)
	b.do("resize", chromedp.EmulateViewport(1280, 800))
	b.keep("temporal-list")
	pages := []string{b.text()}
	b.click(id)
	for _, part := range []struct{ name, shows string }{
		{"Timeline", "send-email"},
		{"Search Attributes", "RekeyState"},
		{"Event History", "Workflow Execution Completed"},
		{"User Metadata", "Current Details"},
	} {
		b.part(part.name)
		b.see(part.shows)
		pages = append(pages, b.text())
	}
	read := strings.Join(pages, "\n")
	if !strings.Contains(read, `"RekeyState": "completed"`) {
		t.Error("the run's page does not tell the state")
	}
	for _, secret := range []string{who.Address, "@example.com", "password_changed", "/account/"} {
		if strings.Contains(read, secret) {
			t.Errorf("%q can be read in\n%s", secret, read)
		}
	}
}

// With a codec server the run shows its story: the purpose of each step, and the reason of its
// state.
func TestRunInTemporalUIDecoded(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	s := withCodec(t)
	who := finishedRun(t, s)
	b := browse(t, []string{s.UIURL, s.CodecURL})
	id := workflowID(t, s, who.Address)
	b.listed(s.UIURL, id, statemachine.StateCompleted)
	b.click(id)
	b.part("Timeline")
	for _, summary := range []string{"wait for the link to be used", "mail a link", "change the password", "notify the owner"} {
		b.see(summary)
	}
	b.part("User Metadata")
	b.see("token_submitted")
	b.do("resize", chromedp.EmulateViewport(1280, 840, chromedp.EmulateScale(.85)))
	b.keep("temporal-run")
}
