package activities_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/converter"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/mail"
)

// slow waits until Temporal hears that the attempt runs, and returns the details for the next
// attempt.
func (s *site) slow() (converter.EncodedValues, error) {
	select {
	case details := <-s.beaten:
		return details, nil
	case <-time.After(6 * flow.Heartbeat):
		return nil, errors.New("no heartbeat")
	}
}

// security 23: a long attempt goes on with its heartbeats. Otherwise a second one would begin
// beside it.
func TestSlowLinkMailSaysThatItIsAtWork(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	s.mailer.fail = func(context.Context, mail.Message) error {
		_, err := s.slow()
		return err
	}
	_, err := s.sendLink(t, wanted(ann.Address))
	must(t, err)
}

// The store has the progress of a notice: a heartbeat holds nothing.
func TestSlowNoticeSaysThatItIsAtWork(t *testing.T) {
	t.Parallel()
	s := changedSite(t, told())
	var details converter.EncodedValues
	s.mailer.fail = func(_ context.Context, m mail.Message) (err error) {
		if m.To == ann.Address {
			details, err = s.slow()
		}
		return err
	}
	_, err := s.notify(t)
	must(t, err)
	if details.HasValues() {
		t.Error("a heartbeat of a notice has details")
	}
}

// slowStore is a database that waits for a lock.
type slowStore struct {
	account.Store
	wait func() (converter.EncodedValues, error)
}

func (s slowStore) ChangePassword(ctx context.Context, c account.Change) (string, error) {
	if _, err := s.wait(); err != nil {
		return "", err
	}
	return s.Store.ChangePassword(ctx, c)
}

func TestSlowChangeSaysThatItIsAtWork(t *testing.T) {
	t.Parallel()
	s := linked(t)
	s.Store = slowStore{s.store, s.slow}
	_, err := s.change(t, flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, fresh))})
	must(t, err)
	diff(t, "credential", s.credential(t), fresh)
}

// A heartbeat is a billed call. A quick attempt needs none.
func TestFastWorkCostsNoHeartbeat(t *testing.T) {
	t.Parallel()
	s := linked(t)
	_, err := s.change(t, flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, fresh))})
	must(t, err)
	diff(t, "heartbeats", s.beats, 0)
}
