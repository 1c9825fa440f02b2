package activities_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/workflow"
)

// languages are those of an account and of a request, and which one wins.
var languages = map[string]struct{ account, request, want string }{
	"the account's beats the browser's": {"de", "fr", "de"},
	"the browser's without one":         {"", "fr", "fr"},
	"none":                              {"", "", "en"},
	"a bad one of the account":          {"<b>de</b>", "fr", "fr"},
	"a bad one of the request":          {"", "<b>fr</b>", "en"},
}

func speaking(locale string) account.Account {
	a := ann
	a.Locale = locale
	return a
}

func TestLinkIsInTheLanguageOfTheOwner(t *testing.T) {
	t.Parallel()
	for name, tc := range languages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, speaking(tc.account))
			m := wanted(ann.Address)
			m.Locale = tc.request
			_, err := s.sendLink(t, m)
			must(t, err)
			diff(t, "language", s.mailer.last(t).Language, tc.want)
		})
	}
}

// Another browser asks for a further mail.
func TestFurtherLinkIsInTheLanguageOfTheNewestBrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	for n, locale := range []string{"fr", "pt-BR"} {
		m := wanted(ann.Address)
		m.Number, m.Locale = n+1, locale
		_, err := s.sendLink(t, m)
		must(t, err)
		diff(t, "language", s.mailer.last(t).Language, locale)
	}
}

func TestInvitationIsInTheLanguageOfTheOwner(t *testing.T) {
	t.Parallel()
	guest := speaking("ar")
	guest.Credential = ""
	s := newSite(t, guest)
	s.First = password.DefaultParams()
	m := wanted(ann.Address)
	m.Flow, m.Client, m.Operator = workflow.Invite.Kind, "", "shop"
	_, err := s.sendLink(t, m)
	must(t, err)
	diff(t, "language", s.mailer.last(t).Language, "ar")
}

// The notice has the language that the store noted with the change: the run that follows one which
// ended from outside mails it too, and knows no request.
func TestNoticeIsInTheLanguageOfTheOwner(t *testing.T) {
	t.Parallel()
	for name, tc := range languages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := speaking(tc.account)
			a.Notify = []string{"two@example.com"}
			s := newSite(t, a)
			_, err := s.sendLink(t, wanted(ann.Address))
			must(t, err)
			c := flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, fresh)), Locale: tc.request}
			v, err := s.change(t, c)
			must(t, err)
			s.mailer.tried = nil
			n := flow.Mail{Run: run, Account: v.Account, Changed: v.Changed, Submission: c.Submission.ID}
			_, err = s.attempt(t, "send-email", n, nil, nil)
			must(t, err)
			var told []string
			for _, m := range s.mailer.tried {
				told = append(told, m.Language)
			}
			diff(t, "languages", told, []string{tc.want, tc.want})
		})
	}
}

// security 21: the mail of a stranger's request says from where and when it came. It says nothing
// where that is not known, for requests of backends and operators, and when it is switched off. A
// sealed text that is no address is not mailed.
func TestOriginInTheMail(t *testing.T) {
	t.Parallel()
	asked := time.Date(2026, 11, 29, 14, 5, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		change func(*site, *flow.LinkMail)
		want   string
	}{
		"known":        {func(*site, *flow.LinkMail) {}, "Requested from 203.0.113.7 on 29 November 2026 at 14:05 UTC."},
		"IPv6":         {func(_ *site, m *flow.LinkMail) { m.Client = "fe80::1%eth0" }, "Requested from fe80::1 on 29 November 2026 at 14:05 UTC."},
		"off":          {func(s *site, _ *flow.LinkMail) { s.NoOrigin = true }, ""},
		"no address":   {func(_ *site, m *flow.LinkMail) { m.Client = "" }, ""},
		"no time":      {func(_ *site, m *flow.LinkMail) { m.Asked = time.Time{} }, ""},
		"an operator":  {func(_ *site, m *flow.LinkMail) { m.Operator = "a.smith" }, ""},
		"another text": {func(_ *site, m *flow.LinkMail) { m.Client = "https://evil.example.com" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, ann)
			m := wanted(ann.Address)
			m.Asked = asked
			tc.change(s, &m)
			_, err := s.sendLink(t, m)
			must(t, err)
			got := s.mailer.last(t)
			for _, body := range []string{got.Text, bare(got)} {
				if !strings.Contains(body, tc.want) || tc.want == "" && (strings.Contains(body, "Requested") || strings.Contains(body, "evil")) {
					t.Errorf("want %q in:\n%s", tc.want, body)
				}
			}
		})
	}
}

// bare is the HTML without its marks for bold text.
func bare(m mail.Message) string {
	return strings.NewReplacer(`<strong style="word-break:break-all">`, "", "<strong>", "", "</strong>", "").Replace(m.HTML)
}
