package flows_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/dev/stack/stacktest"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// renewal asks people whose password is old to choose another one. It was written with docs/flows.md
// alone, as the trial of that page.
var renewal = flow.Definition{
	Name:    "RenewPassword",
	Kind:    "renewal",
	Summary: "renewal of an old password",
	Table:   statemachine.Reset,
	Steps:   workflow.ResetPassword.Steps,
	Applied: flow.HostPasswordChanged,
}

const renewalLife = 3 * 24 * time.Hour

func renewing() activities.Flow {
	return activities.Flow{
		Definition: renewal, MaxLife: renewalLife, Page: "/account/renewal/",
		Mail: func(t *mail.Templates, to, id string, l activities.Link) (mail.Message, error) {
			body := fmt.Sprintf("Hello,\n\nyour password of %s is older than a year. Please choose another one:\n\n%s\n\nThe link works for %s.\n",
				t.Product(), l.URL, mail.InWords(l.Life))
			return mail.Plain(to, id, "Please renew your password", body), nil
		},
	}
}

func renewalPage(c *starter.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /account/renewal/{token}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<form method="post"><input name="password" type="password"><button>Set password</button></form>`)
	})
	mux.HandleFunc("POST /account/renewal/{token}", func(w http.ResponseWriter, r *http.Request) {
		err := c.Submit(r.Context(), r.PathValue("token"), r.FormValue("password"))
		var refusal *password.Refusal
		switch {
		case err == nil:
			fmt.Fprint(w, "changed")
		case errors.As(err, &refusal):
			http.Error(w, refusal.Reason, http.StatusBadRequest)
		case errors.Is(err, starter.ErrPending):
			w.WriteHeader(http.StatusAccepted)
		case errors.Is(err, starter.ErrBusy), errors.Is(err, starter.ErrUnavailable):
			http.Error(w, "please try again", http.StatusServiceUnavailable)
		default:
			http.Error(w, "the link does not work any more", http.StatusGone)
		}
	})
	return mux
}

// renewOld asks everybody whose password is older than a year. The application knows when each of
// them changed it.
func renewOld(ctx context.Context, c *starter.Client, changed map[string]time.Time, now time.Time) error {
	for address, at := range changed {
		if now.Sub(at) > 365*24*time.Hour {
			if err := c.Demand(ctx, address, "renewal of old passwords", ""); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestRenewal(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var renew *starter.Client
	cfg := stack.Throwaway(t.TempDir())
	cfg.Flows = []activities.Flow{renewing()}
	cfg.Pages = func(mux *http.ServeMux, resets *starter.Client) {
		renew = resets.Of(renewal, renewalLife)
		mux.Handle("/account/renewal/", renewalPage(renew))
	}
	old := password.Params{Memory: 64, Time: 1, Threads: 1}.Hash("five badgers sing low", make([]byte, 16))
	cfg.Seed = func(ctx context.Context, s *bolt.Store) error {
		return errors.Join(
			s.Put(ctx, account.Account{ID: "ann", Address: "ann@example.com", Credential: old, Resettable: true}),
			s.Put(ctx, account.Account{ID: "bob", Address: "bob@example.com", Credential: old, Resettable: true}))
	}
	s := stacktest.Start(t, cfg)
	if err := renewOld(t.Context(), renew, map[string]time.Time{"ann@example.com": now.AddDate(-2, 0, 0), "bob@example.com": now.AddDate(0, -2, 0)}, now); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	mails, err := s.Mail.Wait(ctx, "ann@example.com", 1)
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`http://\S+/account/renewal/[A-Za-z0-9_-]+`).FindString(mails[0].Text)
	post := func(link, chosen string) int {
		r, err := http.PostForm(link, url.Values{"password": {chosen}})
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		return r.StatusCode
	}
	const chosen = "plum velvet thirty gulls"
	token := link[strings.LastIndexByte(link, '/')+1:]
	if err := renew.Confirm(t.Context(), token[:len(token)-4]+"aaaa"); !errors.Is(err, starter.ErrLinkInvalid) {
		t.Errorf("a forged link: %v", err)
	}
	// A use without a password changes nothing, and the link is as good as before.
	if err := renew.Confirm(t.Context(), token); !errors.Is(err, starter.ErrUnavailable) {
		t.Errorf("a use without a password: %v", err)
	}
	for n, want := range []struct {
		password string
		status   int
	}{{"short", http.StatusBadRequest}, {chosen, http.StatusOK}, {chosen, http.StatusOK}, {"six herons walk home", http.StatusGone}} {
		if got := post(link, want.password); got != want.status {
			t.Errorf("attempt %d: %d, want %d", n, got, want.status)
		}
	}
	a, err := s.Store.Account(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := password.Verify(a.Credential, chosen); !ok || err != nil {
		t.Errorf("the new password: %v, %v", ok, err)
	}
	if mails, err = s.Mail.Wait(ctx, "ann@example.com", 2); err != nil || !strings.Contains(mails[1].Subject, "changed") {
		t.Errorf("the notice: %v, %v", mails, err)
	}
	process.Eventually(t, patience, "the log", func() bool {
		log, err := s.Store.Audit(t.Context(), "ann")
		return err == nil && len(log) == 2 && log[1].Event == account.EventPasswordChanged
	})
	if log, err := s.Store.Audit(t.Context(), "bob"); err != nil || len(log) != 0 {
		t.Errorf("bob, whose password is young: %v, %v", log, err)
	}
}
