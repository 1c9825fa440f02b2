package cli

import (
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
)

// Each wrong setting of events names its flag and its variable. No secret is quoted.
func TestEventSettings(t *testing.T) {
	t.Parallel()
	const url, secretFlag = "--events-url ($REKEY_EVENTS_URL)", "--events-secret-file ($REKEY_EVENTS_SECRET_FILE)"
	const here = "--events-url=https://app.example.com/rekey/events"
	good := secretFile(t, hostapp.Secret(hostapp.Key))
	bad := secretFile(t, "hunter2")
	for _, args := range [][]string{
		{here},
		{here, "--users-url=mysql://rekey@127.0.0.1/app", "--users-secret-file=" + good},
		{here, "--users-url=https://accounts.example.com/rekey", "--users-secret-file=" + good}, // another application
	} {
		wrong(t, workerArgs(t, args...), secretFlag+": --events-url ($REKEY_EVENTS_URL) needs it")
	}
	wrong(t, workerArgs(t, "--events-secret-file="+good), secretFlag+": want an --events-url")
	wrong(t, workerArgs(t, "--events-with-address"), "--events-with-address ($REKEY_EVENTS_WITH_ADDRESS): want an --events-url")
	for setting, args := range map[string][]string{
		secretFlag: {here, "--events-secret-file=" + bad},
		"--users-secret-file ($REKEY_USERS_SECRET_FILE)": {here, "--users-url=https://app.example.com/rekey", "--users-secret-file=" + bad},
	} {
		if err := refused(t, workerArgs(t, args...), setting, "whsec_"); strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the secret is quoted: %v", err)
		}
	}
	for _, address := range []string{"http://app.example.com/rekey/events", "https://app.example.com/?key=1", "app.example.com"} {
		refused(t, workerArgs(t, "--events-url="+address, "--events-secret-file="+good), url)
	}
}

// The secret of the application with the accounts signs events too, unless they have their own.
func TestSecretOfEvents(t *testing.T) {
	t.Parallel()
	good, bad := secretFile(t, hostapp.Secret(hostapp.Key)), secretFile(t, "hunter2")
	e := eventFlags{EventsURL: "https://app.example.com/rekey/events"}
	users := hostFlags{UsersURL: "https://app.example.com/rekey", UsersSecret: good}
	if r, err := e.receiver(users); err != nil || r == nil {
		t.Errorf("the users' secret: %v, %v", r, err)
	}
	e.EventsSecret, users.UsersSecret = good, bad
	if r, err := e.receiver(users); err != nil || r == nil {
		t.Errorf("a secret of its own: %v, %v", r, err)
	}
	if r, err := (&eventFlags{}).receiver(users); r != nil || err != nil {
		t.Errorf("without events: %v, %v", r, err)
	}
}
