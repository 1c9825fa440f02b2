package mail_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/fakedns"
	"github.com/rekeyhq/rekey/mail"
)

// dkimRecord is a DKIM record with an RSA key.
func dkimRecord(t *testing.T, bits int) string {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
}

// goodZone has all that mailbox providers want.
func goodZone(key string) fakedns.Zone {
	return fakedns.Zone{
		"example.com":               {TXT: []string{"other=1", "v=spf1 include:spf.example.net -all"}, MX: []string{"mx.example.com."}},
		"s1._domainkey.example.com": {TXT: []string{key}},
		"_dmarc.example.com":        {TXT: []string{"v=DMARC1; p=none; rua=mailto:dmarc@example.com"}},
	}
}

// Each record that mailbox providers want is found, and each fault of one is named. A lookup that
// fails is not known, and never okay.
func TestCheckSender(t *testing.T) {
	key, short := dkimRecord(t, 2048), dkimRecord(t, 768)
	const dkim, dmarc = "s1._domainkey.example.com", "_dmarc.example.com"
	text := func(name string, records ...string) func(fakedns.Zone) {
		return func(z fakedns.Zone) { z[name] = fakedns.Records{TXT: records, MX: z[name].MX} }
	}
	gone := func(name string) func(fakedns.Zone) { return func(z fakedns.Zone) { delete(z, name) } }
	fails := func(name string) func(fakedns.Zone) {
		return func(z fakedns.Zone) { z[name] = fakedns.Records{Fails: true} }
	}
	mx := func(hosts ...string) func(fakedns.Zone) {
		return func(z fakedns.Zone) { z["example.com"] = fakedns.Records{TXT: z["example.com"].TXT, MX: hosts} }
	}
	for name, tc := range map[string]struct {
		change func(fakedns.Zone)
		fact   string
		want   mail.Known
		failed bool
		text   string
	}{
		"all is well":         {func(fakedns.Zone) {}, "", mail.FactOkay, false, ""},
		"no MX":               {mx(), "MX", mail.FactMissing, false, "receives no mail"},
		"null MX":             {mx("."), "MX", mail.FactMissing, false, "null MX"},
		"MX fails":            {fails("example.com"), "MX", mail.FactUnknown, true, "failed"},
		"SPF fails":           {fails("example.com"), "SPF", mail.FactUnknown, true, "failed"},
		"no SPF":              {text("example.com", "v=spf10 x"), "SPF", mail.FactMissing, false, "v=spf1"},
		"two SPF":             {text("example.com", "v=spf1 -all", "v=spf1 ~all"), "SPF", mail.FactMissing, false, "2 SPF records"},
		"SPF for all":         {text("example.com", "v=spf1 mx +all"), "SPF", mail.FactMissing, false, "every server"},
		"empty SPF":           {text("example.com", "v=spf1"), "SPF", mail.FactOkay, false, ""},
		"no DKIM":             {gone(dkim), "DKIM", mail.FactMissing, false, "no key at " + dkim},
		"DKIM fails":          {fails(dkim), "DKIM", mail.FactUnknown, true, "failed"},
		"DKIM withdrawn":      {text(dkim, "v=DKIM1; p="), "DKIM", mail.FactMissing, false, "withdrawn"},
		"DKIM short":          {text(dkim, short), "DKIM", mail.FactMissing, false, "768 bits"},
		"DKIM broken":         {text(dkim, "v=DKIM1; p=AAAA"), "DKIM", mail.FactMissing, false, "cannot be read"},
		"DKIM of Ed25519":     {text(dkim, "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="), "DKIM", mail.FactOkay, false, ""},
		"no DMARC":            {gone(dmarc), "DMARC", mail.FactMissing, false, "p=none"},
		"DMARC fails":         {fails(dmarc), "DMARC", mail.FactUnknown, true, "failed"},
		"two DMARC":           {text(dmarc, "v=DMARC1; p=none", "v=DMARC1; p=reject"), "DMARC", mail.FactMissing, false, "several"},
		"DMARC without a p":   {text(dmarc, "v=DMARC1; rua=mailto:a@example.com"), "DMARC", mail.FactMissing, false, "no policy"},
		"DMARC with a reject": {text(dmarc, "v=DMARC1;p=Reject"), "DMARC", mail.FactOkay, false, "reject"},
	} {
		t.Run(name, func(t *testing.T) {
			zone := goodZone(key)
			tc.change(zone)
			facts, err := mail.CheckSender(t.Context(), fakedns.Resolver(t, zone), "Acme <no-reply@example.com>", "s1")
			if err != nil || len(facts) != 4 {
				t.Fatalf("%+v, %v", facts, err)
			}
			for _, f := range facts {
				if tc.fact != "" && f.Name != tc.fact {
					continue
				}
				if f.Known != tc.want || f.Failed != tc.failed || !strings.Contains(f.Text, tc.text) {
					t.Errorf("%+v, want %s with %q", f, tc.want, tc.text)
				}
			}
		})
	}
}

// The record of a domain above counts for a subdomain. Without a selector DKIM is not looked up, and
// without an answer nothing is known.
func TestCheckSenderOfASubdomain(t *testing.T) {
	zone := goodZone("")
	find := func(facts []mail.Fact, err error) map[string]mail.Fact {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]mail.Fact{}
		for _, f := range facts {
			found[f.Name] = f
		}
		return found
	}
	got := find(mail.CheckSender(t.Context(), fakedns.Resolver(t, zone), "no-reply@mail.eu.example.com", ""))
	if got["DMARC"].Known != mail.FactOkay || got["SPF"].Known != mail.FactMissing || got["DKIM"].Known != mail.FactUnknown || got["DKIM"].Failed {
		t.Errorf("%+v", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, f := range find(mail.CheckSender(ended, fakedns.Resolver(t, zone), "no-reply@example.com", "s1")) {
		if f.Known != mail.FactUnknown || !f.Failed {
			t.Errorf("%s without an answer: %+v", name, f)
		}
	}
	if _, err := mail.CheckSender(t.Context(), nil, "nobody", ""); err == nil {
		t.Error("a sender without a domain")
	}
}

// security 38: the conversation is watched without the login.
func TestWatchedConversation(t *testing.T) {
	t.Parallel()
	for _, start := range []bool{false, true} {
		srv, config := serve(t, script{auth: true, starttls: start})
		var lines []string
		config.Watch = func(line string) { lines = append(lines, line) }
		if err := send(t.Context(), t, config); err != nil {
			t.Fatal(err)
		}
		if len(srv.mails) != 1 {
			t.Error("no mail arrived")
		}
		all := strings.Join(lines, "\n")
		for _, want := range []string{"C: EHLO ", "C: MAIL FROM:<no-reply@example.com>", "C: RCPT TO:<owner@example.net>", "\nS: 250", "C: DATA"} {
			if !strings.Contains(all, want) {
				t.Errorf("no %q in\n%s", want, all)
			}
		}
		plain := base64.StdEncoding.EncodeToString([]byte("\x00owner\x00secret"))
		for _, secret := range []string{"secret", plain, "secret-link", base64.StdEncoding.EncodeToString([]byte("secret"))} {
			if strings.Contains(all, secret) {
				t.Errorf("the conversation shows %q:\n%s", secret, all)
			}
		}
	}
}

// A server that quotes the password does not bring it into the conversation.
func TestWatchedServerQuotes(t *testing.T) {
	t.Parallel()
	config := recite(t, "220 hi", "250-hi\r\n250 AUTH PLAIN", "535 secret is wrong for AUTH PLAIN")
	config.Username, config.Password = "owner", "secret"
	var lines []string
	config.Watch = func(line string) { lines = append(lines, line) }
	if err := send(t.Context(), t, config); err == nil {
		t.Fatal("the login succeeded")
	}
	if all := strings.Join(lines, "\n"); strings.Contains(all, "secret") || !strings.Contains(all, "S: 535 *** is wrong") {
		t.Errorf("the conversation:\n%s", all)
	}
}

// The test mail has the frame of the others, and no link.
func TestTestMail(t *testing.T) {
	t.Parallel()
	m, err := mail.Test("", mail.Brand{Product: "Harbor <&>"}, "ann@example.com", "1@example.com")
	if err != nil || m.Subject != "Test mail of Harbor <&>" || !strings.Contains(m.HTML, "Harbor &lt;&amp;&gt;") || !strings.Contains(m.HTML, `class="card"`) {
		t.Errorf("%+v, %v", m, err)
	}
	if strings.Contains(m.HTML+m.Text, "://") || strings.Contains(m.HTML, "href") {
		t.Error("a link")
	}
	if _, err := mail.Test("/nowhere", mail.Brand{}, "", ""); err == nil {
		t.Error("a folder that is missing")
	}
}
