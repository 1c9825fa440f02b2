package activities_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/mail"
)

// brokenStore is a store without any account, as worker has it.
type brokenStore struct {
	account.Store
	err error
}

func (s brokenStore) Find(context.Context, string) ([]account.Account, error) { return nil, s.err }

func (s brokenStore) ChangePassword(context.Context, account.Change) (string, error) {
	return "", s.err
}

// typeOf is the public type of an error in a run.
func typeOf(t *testing.T, err error) string {
	t.Helper()
	failed, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok {
		t.Fatalf("no failure of an activity: %v", err)
	}
	if failed.NonRetryable() {
		t.Errorf("%v is not tried again", err)
	}
	return failed.Type()
}

// Failures have types in clear that name the missing service, and no person.
func TestFailuresHaveTypes(t *testing.T) {
	t.Parallel()
	for want, failed := range map[string]*mail.Error{
		"mail_deferred_connect": {Outcome: mail.Deferred, Step: "connect"},
		"mail_deferred_login":   {Outcome: mail.Deferred, Step: "login", Code: 535},
		"mail_deferred_4xx":     {Outcome: mail.Deferred, Step: "recipient", Code: 451},
		"mail_deferred_5xx":     {Outcome: mail.Deferred, Step: "content", Code: 554},
		"mail_deferred_data":    {Outcome: mail.Deferred, Step: "data"},
		"mail_unknown_content":  {Outcome: mail.Unknown, Step: "content"},
		"mail_deferred":         {Outcome: mail.Deferred, Step: "ann@example.com"},
	} {
		s := newSite(t, ann)
		s.mailer.fail = func(context.Context, mail.Message) error { return failed }
		_, err := s.sendLink(t, wanted(ann.Address))
		if got := typeOf(t, err); got != want {
			t.Errorf("%v: %s, want %s", failed, got, want)
		}
	}
	s := newSite(t, ann)
	s.Store = brokenStore{s.store, activities.StoreFault{Err: errors.New("connection refused")}}
	_, err := s.sendLink(t, wanted(ann.Address))
	diff(t, "type", typeOf(t, err), flow.StoreAway)
	_, err = s.change(t, flow.Change{Run: run, Submission: s.submission(t, keys.NewPassword{Hash: "$argon2id$new", Accepted: s.now})})
	diff(t, "type", typeOf(t, err), flow.StoreAway)
	if strings.Contains(typeOf(t, err), "refused") {
		t.Error("the type quotes the error")
	}
}

// After two minutes the run gets one sealed result, if it asks for it. Temporal retries an attempt
// that is over sooner.
func TestRunIsToldThatItWaits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		after time.Duration
		asks  bool
		fail  error
		want  flow.Delivery
	}{
		"early":       {time.Minute, true, &mail.Error{Outcome: mail.Deferred, Step: "connect"}, flow.Delivery{}},
		"not asked":   {3 * time.Minute, false, &mail.Error{Outcome: mail.Deferred, Step: "connect"}, flow.Delivery{}},
		"mail server": {3 * time.Minute, true, &mail.Error{Outcome: mail.Deferred, Step: "connect"}, flow.Delivery{Waits: flow.WaitingForMail, Of: wanted("").Name()}},
		"it may have arrived": {
			3 * time.Minute, true, &mail.Error{Outcome: mail.Unknown, Step: "content"},
			flow.Delivery{Waits: flow.WaitingForMail, Of: wanted("").Name(), Pause: 30 * time.Second},
		},
	} {
		s := newSite(t, ann)
		s.now = time.Now().Add(test.after) // the attempt was scheduled now
		s.mailer.fail = func(context.Context, mail.Message) error { return test.fail }
		m := wanted(ann.Address)
		m.Waits = test.asks
		got, err := s.sendLink(t, m)
		if (err == nil) != (test.want.Waits != "") {
			t.Errorf("%s: %v", name, err)
		}
		diff(t, name, got, test.want)
	}
	s := newSite(t, ann)
	s.now = time.Now().Add(3 * time.Minute)
	s.Store = brokenStore{s.store, activities.StoreFault{Err: errors.New("connection refused")}}
	m := wanted(ann.Address)
	m.Waits = true
	got, err := s.sendLink(t, m)
	must(t, err)
	diff(t, "store", got, flow.Delivery{Waits: flow.WaitingForStore, Of: m.Name()})
	v, err := s.change(t, flow.Change{Run: run, Submission: s.submission(t, keys.NewPassword{Hash: "$argon2id$new", Accepted: s.now}), Waits: true})
	must(t, err)
	diff(t, "change", v, flow.Verdict{Run: run, Waits: flow.WaitingForStore})
}
