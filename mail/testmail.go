package mail

import (
	"fmt"
	htmltemplate "html/template"

	"github.com/rekeyhq/rekey/internal/override"
	"github.com/rekeyhq/rekey/messages"
)

const (
	testSubject = "Test mail of %s"
	testText    = `Hello,

this is a test mail of %s, sent by rekey check-mail. It has no link.

In "Show original" of your mailbox, SPF, DKIM and DMARC should say "pass".
`
	testHTML = `{{define "title"}}Test mail of {{.Product}}{{end}}{{template "top" .}}
<h1 style="margin:0 0 16px;font-size:22px;line-height:1.3">Test mail</h1>
<p style="margin:0 0 16px">rekey check-mail sent this mail. It has no link.</p>
<p style="margin:0">In “Show original” of your mailbox, SPF, DKIM and DMARC should say “pass”.</p>
{{template "bottom" .}}`
)

// Test writes a test mail for operators, in the frame of the HTML mails (layout.html), which a file
// of that name in dir replaces; see [Load].
func Test(dir string, b Brand, to, id string) (Message, error) {
	files, err := override.Files(builtIn, "templates", dir)
	if err != nil {
		return Message{}, fmt.Errorf("mail templates: %w", err)
	}
	frame, err := htmltemplate.New(layout).Funcs(funcs(messages.BuiltIn().Match())).Parse(files[layout])
	if err == nil {
		frame, err = frame.New("test.html").Parse(testHTML)
	}
	if err != nil {
		return Message{}, fmt.Errorf("mail templates: %w", err)
	}
	html, err := render(frame, b)
	return Message{ID: id, To: to, Subject: fmt.Sprintf(testSubject, b.Product), Text: fmt.Sprintf(testText, b.Product), HTML: html}, err
}
