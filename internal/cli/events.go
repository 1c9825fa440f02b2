package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/hosturl"
)

// eventFlags are an application that is told events.
type eventFlags struct {
	EventsURL         string `name:"events-url" env:"REKEY_EVENTS_URL" help:"Where your application is told of changed passwords and other events (docs/hosts/events.md), to end sessions in Redis or JWTs: https://app.example.com/rekey/events. The same for all workers. Without it no event is sent."`
	EventsSecret      string `name:"events-secret-file" type:"path" env:"REKEY_EVENTS_SECRET_FILE" help:"File with the secrets of their signature, one a line: whsec_ and base64. Without it, that of a --users-url of the same host."`
	EventsWithAddress bool   `name:"events-with-address" env:"REKEY_EVENTS_WITH_ADDRESS" help:"Put the account's mail address into events, beside its ID."`
}

// check refuses settings of which one would not be used.
func (e *eventFlags) check(users hostFlags) error {
	switch {
	case e.EventsURL != "" && e.EventsSecret == "" && !e.sharesSecret(users):
		return errors.New("--events-secret-file ($REKEY_EVENTS_SECRET_FILE): --events-url ($REKEY_EVENTS_URL) needs it, unless --users-url ($REKEY_USERS_URL) is of the same host and has its --users-secret-file ($REKEY_USERS_SECRET_FILE)")
	case e.EventsURL != "":
		return nil
	case e.EventsSecret != "":
		return errors.New("--events-secret-file ($REKEY_EVENTS_SECRET_FILE): want an --events-url ($REKEY_EVENTS_URL) that it signs for")
	case e.EventsWithAddress:
		return errors.New("--events-with-address ($REKEY_EVENTS_WITH_ADDRESS): want an --events-url ($REKEY_EVENTS_URL) that is told")
	}
	return nil
}

// sharesSecret reports that the application with the accounts is told the events. Nobody else may
// hold its secret, which reads and sets every hash.
func (e *eventFlags) sharesSecret(users hostFlags) bool {
	accounts, accountsErr := url.Parse(users.UsersURL)
	events, eventsErr := url.Parse(e.EventsURL)
	return users.UsersSecret != "" && accountsErr == nil && eventsErr == nil && strings.HasPrefix(accounts.Scheme, "http") &&
		accounts.Scheme == events.Scheme && accounts.Host == events.Host
}

// receiver opens the application that is told events, nil for none.
func (e *eventFlags) receiver(users hostFlags) (account.Receiver, error) {
	if e.EventsURL == "" {
		return nil, nil //nolint:nilnil // none is none
	}
	setting := "--events-secret-file ($REKEY_EVENTS_SECRET_FILE)"
	if e.EventsSecret == "" {
		setting = "--users-secret-file ($REKEY_USERS_SECRET_FILE)"
	}
	secrets, err := readSecret(cmp.Or(e.EventsSecret, users.UsersSecret))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	receiver, err := hosturl.OpenReceiver(e.EventsURL, secrets)
	switch {
	case errors.Is(err, hosturl.ErrSecret):
		return nil, fmt.Errorf("%s: %w", setting, err)
	case err != nil:
		return nil, fmt.Errorf("--events-url ($REKEY_EVENTS_URL): %w", err)
	}
	return receiver, nil
}
