package faults

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/statemachine"
)

// application takes mails by POST. It fails at the first one and is well from the second on.
type application struct {
	fail  func(w http.ResponseWriter) // answers the first one
	keeps bool                        // the first one is sent all the same

	mu    sync.Mutex
	tries int
	mails []inbox.Message // sent ones
}

func (a *application) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var m struct {
		ID   string `json:"message_id"`
		Text string `json:"text"`
	}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a.tries++
	fails := a.tries == 1 && a.fail != nil
	if !fails || a.keeps {
		a.mails = append(a.mails, inbox.Message{MessageID: m.ID, Text: m.Text})
	}
	if fails {
		a.fail(w)
	}
}

// sent are the links that were mailed, without the notice.
func (a *application) sent() []inbox.Message {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mails
}

// newPostWorld is a world whose mails go to an application.
func newPostWorld(t *testing.T, app *application) *world {
	t.Helper()
	w := newWorldAt(t, "127.0.0.1:1", nil)
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	mailer, err := mail.NewHTTP(server.URL, "whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 32)), "no-reply@example.com")
	must(t, err)
	t.Cleanup(mailer.Close)
	w.acts.Mailer = mailer
	return w
}

func answers(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(status); fmt.Fprint(w, body) }
}

func hangsUp(http.ResponseWriter) { panic(http.ErrAbortHandler) }

// security 23: a link is kept alive exactly when the application may have sent it. A mail that is sent
// twice has one Message-ID, and either link works.
func TestApplicationFailsOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fail  func(http.ResponseWriter)
		keeps bool
		audit []account.Event
		mails int
	}{
		"503":                        {answers(503, ""), false, tookBack, 1},
		"429":                        {answers(429, `{"reason":"slow down"}`), false, tookBack, 1},
		"401":                        {answers(401, ""), false, tookBack, 1},
		"422 of a proxy":             {answers(422, "<html>"), false, tookBack, 1},
		"504":                        {answers(504, ""), false, leftOpen, 1},
		"504 after it was sent":      {answers(504, ""), true, leftOpen, 2},
		"hangs up":                   {hangsUp, false, leftOpen, 1},
		"hangs up after it was sent": {hangsUp, true, leftOpen, 2},
	} {
		for which := range tc.mails {
			t.Run(fmt.Sprintf("%s, link %d", name, which), func(t *testing.T) {
				t.Parallel()
				app := &application{fail: tc.fail, keeps: tc.keeps}
				w := newPostWorld(t, app)
				w.at(10*time.Minute, func() {
					mails := app.sent()
					if len(mails) != tc.mails {
						t.Fatalf("%d mails, want %d", len(mails), tc.mails)
					}
					for _, m := range mails {
						diff(t, "Message-ID", m.MessageID, mails[0].MessageID)
					}
					if !w.use(mails[which]) {
						t.Error("the link is refused")
					}
				})
				diff(t, "outcome", w.run(), done)
				diff(t, "audit log", w.audit(), tc.audit)
				diff(t, "credential", w.credential(), newHash)
			})
		}
	}
}

// A refused mail is not tried again, and its link is dead. No word of the application is told.
func TestApplicationRefuses(t *testing.T) {
	t.Parallel()
	app := &application{fail: answers(422, `{"reason":"no such user `+ann.Address+`"}`), keeps: true}
	w := newPostWorld(t, app)
	w.at(10*time.Minute, func() {
		if !w.use(app.sent()[0]) {
			t.Error("a starter would not have taken the link, so this proves little")
		}
	})
	diff(t, "outcome", w.run(), flow.Outcome{State: statemachine.StateExpired, Mails: 1, Withheld: flow.MailRefused})
	diff(t, "attempts", w.tries, 1)
	diff(t, "credential", w.credential(), ann.Credential)
	w.checkNoToken(1)
	w.checkSecrets(app.sent()[0])
}

// security 25: after a complaint about a mail the account gets no further one, and its link works.
// The Message-ID of the mail names the run.
func TestComplaintStopsMails(t *testing.T) {
	t.Parallel()
	app := &application{}
	w := newPostWorld(t, app)
	w.at(5*time.Minute, func() {
		m, err := w.acts.MessageIDs.Open(app.sent()[0].MessageID)
		must(t, err)
		diff(t, "account key in the Message-ID", m.AccountKey, accountKey)
		w.SignalWorkflow(flow.BounceSignal, flow.Bounce{AccountKey: m.AccountKey, Run: m.RunID, Kind: flow.MailComplaint})
	})
	w.at(10*time.Minute, func() { w.SignalWorkflow(flow.RequestSignal, flow.Caller{AccountKey: accountKey}) })
	w.at(15*time.Minute, func() {
		diff(t, "mails", len(app.sent()), 1)
		if !w.use(app.sent()[0]) {
			t.Error("the link is refused")
		}
	})
	diff(t, "outcome", w.run(), flow.Outcome{State: statemachine.StateCompleted, Mails: 2, Withheld: flow.MailLimit})
	diff(t, "audit log", w.audit(), []account.Event{
		account.EventMailIssued, account.EventMailComplaint, account.EventMailWithheld, account.EventPasswordChanged,
	})
	if !strings.Contains(w.details(), "**Complaints about mails:** 1") {
		t.Errorf("details: %s", w.details())
	}
}
