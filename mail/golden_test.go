package mail_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/mail"
)

const (
	base      = "https://accounts.example.com/account/"
	resetURL  = base + "change-password/" + "AbvJ8s0nQ2c1p-7dZxKkU4Vb9tEoYhRgLw3MfTiXaCq6NuDyS5PjHzBrGlOeW_A8s0nQ2c1p-7dZxKkU4Vb9tEoYhRgLw3MfTiXaCq6NuDyS5PjHzBrGlOeW_AbvJ8s0nQ2c1p-7dZ"
	cancelURL = base + "cancel-reset/" + "Zd7-p1c2Qn0s8JvbA_WeOlGrBzHjP5SyDuN6qCaXiTfM3wLgRhYoEt9bV4UkKxZd7-p1c2Qn0s8A_WeOlGrBzHjP5SyDuN6qCaXiTfM3wLgRhYoEt9bV4UkKxZd7-p1c2Qn0s8Jv"
)

const (
	tail       = "c1p-7dZxKkU4Vb9tEoYhRgLw3MfTiXaCq6NuDyS5PjHzBrGlOeW_A8s0nQ2c1p-7dZxKkU4Vb9tEoYhRgLw3MfTiXaCq6NuDyS5PjHzBrGlOeW_AbvJ8s0nQ2c1p-7dZ"
	inviteURL  = base + "accept-invitation/" + "Inv1" + tail
	declineURL = base + "decline-invitation/" + "Dec1" + tail
	renewURL   = base + "renew-password/" + "Ren1" + tail
	reason     = "A list of passwords was published on 12 March 2026, & yours is among them. It did not come from us: many people use one password for several services."
)

func brand() mail.Brand {
	return mail.Brand{
		Product: "Acme", Support: "support@example.com",
		ForgotURL: base + "forgot-password", SignInURL: "https://accounts.example.com/login",
	}
}

func load(tb testing.TB, dir string) *mail.Templates {
	tb.Helper()
	templates, err := mail.Load(dir, brand())
	if err != nil {
		tb.Fatal(err)
	}
	return templates
}

// mails are one of each kind, by name.
func mails(t *testing.T) map[string]mail.Message {
	t.Helper()
	return mailsIn(t, "en")
}

func mailsIn(t *testing.T, locale string) map[string]mail.Message {
	t.Helper()
	templates := load(t, "").In(locale)
	reset, err := templates.Reset("owner@example.net", "5f1c@example.com", mail.Reset{
		URL: resetURL, CancelURL: cancelURL, Life: 30 * time.Minute, From: "203.0.113.7", AskedAt: time.Date(2026, 3, 14, 15, 7, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	changed, err := templates.Changed("owner@example.net", "77aa@example.com", mail.Changed{At: time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]mail.Message{"reset": reset, "changed": changed}
	invitation := mail.Invitation{URL: inviteURL, CancelURL: declineURL, Life: 72 * time.Hour}
	again := mail.Invitation{URL: inviteURL, CancelURL: declineURL, Life: 48 * time.Hour, Inviter: "Ann O'Neill (ann@example.com)", Reminder: true}
	forced := mail.Forced{URL: renewURL, Life: 72 * time.Hour, Reason: reason}
	for name, write := range map[string]func(to, id string) (mail.Message, error){
		"invitation": func(to, id string) (mail.Message, error) { return templates.Invitation(to, id, invitation) },
		"reminder":   func(to, id string) (mail.Message, error) { return templates.Invitation(to, id, again) },
		"forced":     func(to, id string) (mail.Message, error) { return templates.Forced(to, id, forced) },
		"forced-unstated": func(to, id string) (mail.Message, error) {
			return templates.Forced(to, id, mail.Forced{URL: renewURL, Life: time.Hour})
		},
		"set": func(to, id string) (mail.Message, error) {
			return templates.Set(to, id, mail.Set{At: time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)})
		},
	} {
		if all[name], err = write("owner@example.net", "a0c4@example.com"); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, m := range mails(t) {
		golden.Check(t, name+".subject.txt", m.Subject+"\n")
		golden.Check(t, name+".txt", m.Text)
		golden.Check(t, name+".html", m.HTML)
	}
}

// An owner who requested nothing learns of foreign requests from the second mail on.
func TestGoldenAskedAgain(t *testing.T) {
	t.Parallel()
	says := mail.Reset{URL: resetURL, CancelURL: cancelURL, Life: 30 * time.Minute}
	for asked, want := range map[int]bool{0: false, 1: false, 2: true, 29: true} {
		says.Asked = asked
		m, err := load(t, "").Reset("owner@example.net", "5f1c@example.com", says)
		if err != nil {
			t.Fatal(err)
		}
		sentence := fmt.Sprintf("This is email %d requested within 24 hours. If you did not request all of them, someone else did.", asked)
		for _, body := range []string{m.Text, strings.NewReplacer("<strong>", "", "</strong>", "").Replace(m.HTML)} {
			if strings.Contains(strings.Join(strings.Fields(body), " "), sentence) != want || !want && strings.Contains(body, "requested within") {
				t.Errorf("mail %d:\n%s", asked, body)
			}
		}
		wraps(t, "again", m.Text)
	}
}

// The golden MIME is the mail that the mail server got, with a fixed date and boundary.
func TestGoldenMIME(t *testing.T) {
	t.Parallel()
	date, boundary := regexp.MustCompile(`(?m)^Date: .*$`), regexp.MustCompile(`boundary=([0-9a-f]+)`)
	for name, m := range mails(t) {
		raw := delivered(t, m)
		if strings.Count(raw, "\n") != strings.Count(raw, "\r\n") {
			t.Errorf("%s: a line does not end in CRLF", name)
		}
		found := boundary.FindStringSubmatch(raw)
		if found == nil {
			t.Fatalf("%s: no boundary", name)
		}
		raw = strings.ReplaceAll(raw, found[1], "boundary")
		raw = strings.ReplaceAll(raw, "\r\n", "\n")
		golden.Check(t, name+".eml", date.ReplaceAllString(raw, "Date: Sat, 14 Mar 2026 15:09:26 +0000"))
	}
}

// delivered is the mail that a mail server gets for m.
func delivered(t *testing.T, m mail.Message) string {
	t.Helper()
	srv, config := serve(t, script{})
	s, err := mail.NewSMTP(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if to := <-srv.to; to != m.To || len(srv.to) != 0 {
		t.Errorf("went to %s and %d more, want %s alone", to, len(srv.to), m.To)
	}
	return <-srv.mails
}
