package activities_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
)

// security 43: a bounce and a complaint are in the audit log. After a complaint no link is mailed for
// a day. Nothing is noted of an address without one account.
func TestNoteBounce(t *testing.T) {
	t.Parallel()
	at := start.Add(time.Minute)
	twin := ann
	twin.ID = "twin"
	for name, tc := range map[string]struct {
		accounts []account.Account
		kind     flow.BounceKind
		want     account.Event
		withheld flow.Reason
	}{
		"bounce":           {[]account.Account{ann}, flow.MailBounced, account.EventMailBounced, ""},
		"complaint":        {[]account.Account{ann}, flow.MailComplaint, account.EventMailComplaint, flow.MailLimit},
		"of nobody":        {nil, flow.MailComplaint, "", flow.NoAccount},
		"of more than one": {[]account.Account{ann, twin}, flow.MailComplaint, "", flow.Ambiguous},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tc.accounts...)
			b := flow.Bounced{Run: run, Sender: run, Address: ann.Address, Kind: tc.kind, At: at}
			_, err := s.attempt(t, "note-bounce", b, nil, nil)
			must(t, err)
			for _, id := range []string{"", ann.ID} {
				got, err := s.store.Audit(t.Context(), id)
				must(t, err)
				var want []account.Entry
				if tc.want != "" && id != "" {
					want = []account.Entry{{At: at, Event: tc.want, Run: run, AccountID: id}}
				}
				diff(t, "audit log of "+id, got, want)
			}
			s.now = start.Add(23 * time.Hour)
			d, err := s.sendLink(t, wanted(ann.Address))
			must(t, err)
			diff(t, "withheld", d.Withheld, tc.withheld)
		})
	}
}

// security 33: a sealed input that was copied to another run notes nothing.
func TestBounceOfAnotherRun(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	b := flow.Bounced{Run: run, Sender: "5c2e9d10-0000-4000-8000-000000000000", Address: ann.Address, Kind: flow.MailComplaint, At: start}
	if _, err := s.attempt(t, "note-bounce", b, nil, nil); err == nil {
		t.Error("the input of another run is taken")
	}
	d, err := s.sendLink(t, wanted(ann.Address))
	must(t, err)
	diff(t, "withheld", d.Withheld, flow.Reason(""))
}

// The Message-ID of a link leads to its run, and is the same on all attempts.
func TestMessageIDLeadsToItsRun(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	ids := map[string]bool{}
	for range 2 {
		_, err := s.sendLink(t, wanted(ann.Address))
		must(t, err)
		ids[s.mailer.last(t).ID] = true
	}
	diff(t, "Message-IDs", len(ids), 1)
	for id := range ids {
		got, err := s.MessageIDs.Open(id)
		must(t, err)
		diff(t, "name", len(got.Name), 16)
		got.Name = ""
		diff(t, "mail", got, keys.LinkMail{Flow: "reset", AccountKey: key, RunID: run})
		if line := "Message-ID: <" + id + ">"; len(line) > 160 || strings.Contains(id, "ann") {
			t.Errorf("%d bytes: %s", len(line), line)
		}
	}
}
