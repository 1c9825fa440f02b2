package mail_test

import (
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/mail"
)

// A mail of plain text has the same content in HTML, and nothing in it is taken for markup or a
// header.
func TestPlain(t *testing.T) {
	t.Parallel()
	const url = "https://example.com/verify/abc?a=1&b=2"
	m := mail.Plain("ann@example.com", "id@example.com", "Yours?\r\nBcc: eve@example.com", "Hello <b>,\nsecond line\n\n"+url+"\n\njavascript:alert(1)\n\nsee "+url+"\n")
	if m.To != "ann@example.com" || m.ID != "id@example.com" || m.Subject != "Yours? Bcc: eve@example.com" {
		t.Errorf("headers: %+v", m)
	}
	for _, want := range []string{
		"<p>Hello &lt;b&gt;,\nsecond line</p>", `<a href="https://example.com/verify/abc?a=1&amp;b=2" ses:no-track`, "<p>javascript:alert(1)</p>",
	} {
		if !strings.Contains(m.HTML, want) {
			t.Errorf("the HTML lacks %s:\n%s", want, m.HTML)
		}
	}
	if n := strings.Count(m.HTML, "<a "); n != 1 {
		t.Errorf("%d links, want the one that is a line", n)
	}
}
