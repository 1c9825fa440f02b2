package mail_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/mail"
)

// security 21: addresses that hosts have arrive in the spelling of RFC 5321, in the envelope
// and in the header. SMTPUTF8 (RFC 6531) is requested only where letters want it.
func TestUnusualRecipients(t *testing.T) {
	t.Parallel()
	for stored, c := range map[string]struct {
		mailbox, header string // as a mail server reads it, as it is written
		utf8            bool
	}{
		"Owner@example.net":       {"Owner@example.net", "<Owner@example.net>", false},
		"owner.@example.net":      {"owner.@example.net", `<"owner."@example.net>`, false},
		".own..er@example.net":    {".own..er@example.net", `<".own..er"@example.net>`, false},
		"owner@intranet":          {"owner@intranet", "<owner@intranet>", false},
		"owner@ex_ample.net":      {"owner@ex_ample.net", "<owner@ex_ample.net>", false},
		`"An Owner"@example.net`:  {"An Owner@example.net", `<"An Owner"@example.net>`, false},
		`"owner"@example.net`:     {"owner@example.net", "<owner@example.net>", false},
		`"own\"er"@example.net`:   {`own"er@example.net`, `<"own\"er"@example.net>`, false},
		`"a@b,c>"@example.net`:    {"a@b,c>@example.net", `<"a@b,c>"@example.net>`, false},
		"jürgen@example.net":      {"jürgen@example.net", "<jürgen@example.net>", true},
		"用户.@xn--r8jz45g.example": {"用户.@xn--r8jz45g.example", `<"用户."@xn--r8jz45g.example>`, true},
	} {
		srv, config := serve(t, script{utf8: c.utf8})
		s, err := mail.NewSMTP(config)
		if err != nil {
			t.Fatal(err)
		}
		m := hello
		m.To = stored
		if err := s.Send(t.Context(), m); err != nil {
			t.Errorf("%s: %v", stored, err)
			continue
		}
		if to := <-srv.to; to != c.mailbox {
			t.Errorf("%s: the envelope says %s", stored, to)
		}
		header, _ := read(t, <-srv.mails)
		if to := header.Get("To"); to != c.header {
			t.Errorf("%s: the header says %s", stored, to)
		}
	}
}

// A mail server without SMTPUTF8 never takes a letter beyond ASCII. The error is final, names
// the reason, and does not hold the address.
func TestServerWithoutSMTPUTF8(t *testing.T) {
	t.Parallel()
	srv, config := serve(t, script{ascii: true})
	s, err := mail.NewSMTP(config)
	if err != nil {
		t.Fatal(err)
	}
	m := hello
	m.To = "jürgen@example.net"
	want := "mail refused at recipient, the mail server takes no address beyond ASCII (SMTPUTF8)"
	if diff := cmp.Diff(want, s.Send(t.Context(), m).Error()); diff != "" {
		t.Error(diff)
	}
	if e := fails(t, s.Send(t.Context(), m)); e.Outcome != mail.Refused || len(srv.from) != 0 {
		t.Errorf("outcome %s, %d conversations went on", e.Outcome, len(srv.from))
	}
	if err := s.Send(t.Context(), hello); err != nil {
		t.Errorf("a plain address: %v", err)
	}
}
