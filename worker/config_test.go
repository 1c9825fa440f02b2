package worker_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/worker"
	"github.com/rekeyhq/rekey/workflow"
)

// config is a whole one, without a Temporal server. Faults in the rest must be found before it is
// needed.
func config(t *testing.T) (cfg worker.Config, folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "keys")
	if err := keys.Create(folder, false); err != nil {
		t.Fatal(err)
	}
	store, err := bolt.Open(filepath.Join(t.TempDir(), "accounts.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	templates, err := mail.Load("", mail.Brand{
		Product: "Harbor", Support: "support@example.com", ForgotURL: "https://example.com/account/forgot-password",
	})
	if err != nil {
		t.Fatal(err)
	}
	return worker.Config{
		Temporal: client.Options{HostPort: "127.0.0.1:1"}, Keys: keys.Open(folder),
		Store: store, Mailer: new(mail.SMTP), Templates: templates,
		BaseURL: link.MustParseBaseURL("https://example.com"), Log: zerolog.Nop(),
	}, folder
}

// renewal is a flow of one's own that takes the way of a reset.
func renewal(name, kind string) activities.Flow {
	f := activities.Flow{
		Definition: workflow.ResetPassword, Page: "/account/renew/",
		Mail: func(_ *mail.Templates, to, id string, l activities.Link) (mail.Message, error) {
			return mail.Plain(to, id, "Renew", l.URL), nil
		},
	}
	f.Name, f.Kind = name, kind
	return f
}

// A wrong setting is an error with the remedy, before anything is begun.
func TestRunRefusesWrongSettings(t *testing.T) {
	t.Parallel()
	without := func(file string) func(*testing.T, *worker.Config, string) []string {
		return func(t *testing.T, _ *worker.Config, folder string) []string {
			t.Helper()
			path := filepath.Join(folder, file)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			return []string{path, "rekey keys new"}
		}
	}
	for name, wrong := range map[string]func(t *testing.T, c *worker.Config, folder string) []string{
		"no link keyset":       without("link.json"),
		"no payload keyset":    without("payload.json"),
		"no submission keyset": without("submission.json"),
		// security 24: others may read the key.
		"open keyset": func(t *testing.T, _ *worker.Config, folder string) []string {
			t.Helper()
			path := filepath.Join(folder, "link.json")
			if err := os.Chmod(path, 0o644); err != nil {
				t.Fatal(err)
			}
			return []string{path, "chmod 0600"}
		},
		"base URL": func(_ *testing.T, c *worker.Config, _ string) []string {
			c.BaseURL = link.BaseURL{}
			return []string{"base URL", "ParseBaseURL"}
		},
		"no store": func(_ *testing.T, c *worker.Config, _ string) []string {
			c.Store = nil
			return []string{"want a store"}
		},
		"no mailer": func(_ *testing.T, c *worker.Config, _ string) []string {
			c.Mailer = nil
			return []string{"a mailer"}
		},
		"no templates": func(_ *testing.T, c *worker.Config, _ string) []string {
			c.Templates = nil
			return []string{"templates"}
		},
		"mail limit": func(_ *testing.T, c *worker.Config, _ string) []string {
			c.MailLimit = -1
			return []string{"no negative limit"}
		},
		"flow with a fault": func(_ *testing.T, c *worker.Config, _ string) []string {
			c.Flows = []activities.Flow{{Definition: workflow.ResetPassword}}
			return []string{"ResetPassword", "writes the mail"}
		},
		"name of a flow of rekey": func(_ *testing.T, c *worker.Config, _ string) []string {
			c.Flows = []activities.Flow{renewal(workflow.ResetPassword.Name, "renewal")}
			return []string{"its name or its kind"}
		},
		"kind of a flow of rekey": func(_ *testing.T, c *worker.Config, _ string) []string {
			c.Flows = []activities.Flow{renewal("RenewPassword", workflow.ResetPassword.Kind)}
			return []string{"its name or its kind"}
		},
		// security 4: its links would be those that cancel a reset.
		"reserved kind": func(_ *testing.T, c *worker.Config, _ string) []string {
			c.Flows = []activities.Flow{renewal("RenewPassword", "cancel")}
			return []string{"its name or its kind"}
		},
		"two flows of one kind": func(_ *testing.T, c *worker.Config, _ string) []string {
			c.Flows = []activities.Flow{renewal("RenewPassword", "renewal"), renewal("Renew", "renewal")}
			return []string{"flow Renew: its name or its kind renewal is taken"}
		},
		"store without uses": func(_ *testing.T, c *worker.Config, _ string) []string {
			f := renewal("VerifyEmail", "verify-email")
			f.Apply = func(context.Context, account.Account, account.Change) error { return nil }
			f.Table = append(f.Table[:len(f.Table):len(f.Table)], statemachine.Transition[statemachine.State, statemachine.Event]{
				From: statemachine.StateTokenSubmitted, Event: statemachine.Applied, To: statemachine.StateCompleted,
			})
			c.Flows, c.Store = []activities.Flow{f}, struct{ account.Store }{c.Store}
			return []string{"flow VerifyEmail", "account.Using"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, folder := config(t)
			want := wrong(t, &cfg, folder)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			err := worker.Run(ctx, cfg)
			for _, part := range want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("Run: %v\nwant %q in it", err, part)
				}
			}
		})
	}
}

// A server that does not answer is an error with its expected address.
func TestRunNamesTheServer(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := worker.Run(ctx, cfg)
	if err == nil || !strings.Contains(err.Error(), "connect to Temporal at 127.0.0.1:1") || errors.Is(err, worker.ErrNotSetUp) {
		t.Errorf("Run: %v, want an error that names the server", err)
	}
}

// A worker that stops before it has begun returns nil.
func TestRunIsStoppedWhileItStarts(t *testing.T) {
	t.Parallel()
	cfg, _ := config(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := worker.Run(ctx, cfg); err != nil {
		t.Errorf("Run: %v", err)
	}
}
