package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
)

// mostTelling is how many events a worker sends at once. A worker has 1,000 slots for activities: an
// application that hangs must leave those of changes alone. An attempt beyond it fails at once.
const mostTelling = 100

// untold is why an attempt of an event failed: the cause is no fault of the store.
type untold struct{ why error }

func (u *untold) Error() string { return u.why.Error() }
func (u *untold) Unwrap() error { return u.why }

var (
	errManyEvents = errors.New("too many events are being sent at once")
	errNoReceiver = errors.New("this worker tells no application: start each worker with --events-url, or none")
)

// TellHost sends an event to the application. The store has to confirm a change, and that its notice
// reached no address: a thief of the payload keyset can make an input of its own. The other events
// are those of the run. An event without an account is told to nobody.
//
// An error means a retry. Each attempt has the same ID and the same event. An event that is given up
// is recorded: in the audit log and in the metric rekey_events_failed.
func (a *Activities) TellHost(ctx context.Context, e flow.HostEvent) (flow.Told, error) {
	if err := checkSender(ctx, e.Sender, e.Run); err != nil {
		return flow.Told{}, err
	}
	return flow.Told{Of: e.Name()}, withType(ctx, a.tellHost(ctx, e))
}

func (a *Activities) tellHost(ctx context.Context, e flow.HostEvent) error {
	owner, at, err := a.confirmed(ctx, e)
	switch {
	case err != nil || owner == "":
		return err
	case e.GivenUp:
		return a.eventFailed(ctx, e, owner, "nothing received it for a day")
	case a.Receiver == nil:
		return &untold{errNoReceiver}
	}
	event, err := a.hostEvent(ctx, e, owner, at)
	if err != nil {
		return err
	}
	err = a.receive(ctx, eventID(e), event)
	if err == nil {
		a.eventAttempts(e.Type, sent).Inc(1)
		return nil
	}
	a.eventAttempts(e.Type, fault).Inc(1)
	if errors.Is(err, account.ErrNoMoreEvents) {
		return a.eventFailed(ctx, e, owner, err.Error())
	}
	return &untold{err}
}

// confirmed returns the account of an event and its time. The account is empty when there is none,
// or when the store knows nothing of the event.
func (a *Activities) confirmed(ctx context.Context, e flow.HostEvent) (owner string, at time.Time, err error) {
	switch {
	case !a.knows(e.Type):
		return "", e.At, fmt.Errorf("this build knows no event %.40q", e.Type)
	case e.Type.OfRun():
		return e.Account, e.At, nil
	}
	n, err := a.Store.Notice(ctx, e.Run, e.Submission)
	switch {
	case errors.Is(err, account.ErrNotFound): // forgotten, or restored from a backup: see unknownNotice
		return "", e.At, nil
	case err != nil:
		return "", e.At, err
	case e.Type != flow.HostNoticeFailed:
		return n.AccountID, n.Changed, nil
	case !n.Untold():
		return "", e.At, nil
	}
	return n.AccountID, e.At, nil
}

// hostEvent is the event as the application reads it: Standard Webhooks, "Payload structure".
func (a *Activities) hostEvent(ctx context.Context, e flow.HostEvent, owner string, at time.Time) ([]byte, error) {
	type data struct {
		Account string `json:"account"`
		Run     string `json:"run"`
		Address string `json:"address,omitempty"`
	}
	event := struct {
		Type      flow.HostEventType `json:"type"`
		Timestamp time.Time          `json:"timestamp"`
		Data      data               `json:"data"`
	}{e.Type, at.UTC(), data{Account: owner, Run: e.Run}}
	if a.WithAddress {
		found, err := a.Store.Account(ctx, owner)
		if err != nil && !errors.Is(err, account.ErrNotFound) {
			return nil, err
		}
		event.Data.Address = found.Address
	}
	return json.Marshal(event)
}

// eventID is the webhook-id of an event, the same on all its attempts.
func eventID(e flow.HostEvent) string {
	sum := sha256.Sum256([]byte("rekey/v1 event|" + e.Name()))
	return hex.EncodeToString(sum[:16])
}

// receive hands an event over, unless too many are in progress.
func (a *Activities) receive(ctx context.Context, id string, event []byte) error {
	defer a.telling.Add(-1)
	if a.telling.Add(1) > mostTelling {
		return errManyEvents
	}
	return a.Receiver.Receive(ctx, id, event)
}

// eventFailed records that the application was not told an event. It records nothing of an account
// that is gone: it may be one that was erased on demand.
func (a *Activities) eventFailed(ctx context.Context, e flow.HostEvent, owner, why string) error {
	_, err := a.Store.Account(ctx, owner)
	if errors.Is(err, account.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	err = a.Store.Record(ctx, account.Entry{
		At: a.Now().UTC(), Event: account.EventEventFailed, Run: e.Run, AccountID: owner, Detail: string(e.Type) + ": " + why,
	})
	if err == nil {
		a.counter(eventsFailed, nil).Inc(1)
	}
	return err
}
