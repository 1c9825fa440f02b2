package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"text/tabwriter"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/mail"
)

// checkMailCmd is `rekey check-mail`.
type checkMailCmd struct {
	baseFlag
	mailFlags

	To       string `required:"" env:"REKEY_CHECK_TO" help:"Mail address that gets the test mail: one of your own."`
	Selector string `name:"dkim-selector" env:"REKEY_DKIM_SELECTOR" help:"Selector of your provider's DKIM key, the first part of the name of its DNS record."`

	resolver *net.Resolver // nil is that of the system
}

// checkMailWait bounds the conversation and the lookups. A worker waits longer.
const checkMailWait = 2 * time.Minute

func (c *checkMailCmd) check() error {
	if err := c.baseFlag.check(); err != nil {
		return err
	}
	if _, err := account.ParseAddress(c.To); err != nil {
		return errors.New("--to ($REKEY_CHECK_TO): want one mail address")
	}
	return c.mailFlags.check()
}

// Run sends a test mail, prints the conversation, and tells what mailbox providers miss.
func (c *checkMailCmd) Run(p *process) error {
	ctx, cancel := context.WithTimeout(p.ctx, checkMailWait)
	defer cancel()
	message, err := c.message()
	if err != nil {
		return err
	}
	c.watch = func(line string) { fmt.Fprintln(p.stdout, line) }
	mailer, err := c.mailer(c.base)
	if err != nil {
		return err
	}
	facts := []mail.Fact{c.sent(mailer.Send(ctx, message)), c.tls()}
	records, err := mail.CheckSender(ctx, c.resolver, c.From, c.Selector)
	if err != nil {
		return err
	}
	facts = append(append(facts, records...), mail.Fact{
		Name: "PTR", Known: mail.FactUnknown, Text: "the server that delivers your mail needs a name that leads back to its address: your provider's task",
	})
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, f := range facts {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Name, f.Known, f.Text)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return summary(facts)
}

func (c *checkMailCmd) message() (mail.Message, error) {
	id := rand.Text() + "@" + mail.IDDomain(c.base.URL().Hostname())
	return mail.Test(c.Templates, c.brand(c.base), account.Deliverable(c.To), id)
}

// sent is the fate of the test mail.
func (c *checkMailCmd) sent(err error) mail.Fact {
	e, ok := errors.AsType[*mail.Error](err)
	switch {
	case err == nil && c.MailURL != "":
		return mail.Fact{Name: "mail", Known: mail.FactOkay, Text: "your application took it; look into the mailbox"}
	case err == nil:
		return mail.Fact{Name: "mail", Known: mail.FactOkay, Text: "the mail server took it; look into the mailbox"}
	case ok && e.Outcome == mail.Refused:
		return mail.Fact{Name: "mail", Known: mail.FactMissing, Text: e.Error()}
	default:
		return mail.Fact{Name: "mail", Known: mail.FactUnknown, Failed: true, Text: mailFailure(err)}
	}
}

func (c *checkMailCmd) tls() mail.Fact {
	switch {
	case c.MailURL != "":
		return mail.Fact{Name: "TLS", Known: mail.FactUnknown, Text: "your application sends the mail"}
	case mail.Security(c.Security) == mail.SecurityNone:
		return mail.Fact{Name: "TLS", Known: mail.FactUnknown, Text: "the mail goes to a server of this machine in clear, which has to encrypt it"}
	default:
		return mail.Fact{Name: "TLS", Known: mail.FactOkay, Text: "required to the mail server, which has to encrypt it further on"}
	}
}

// summary is the result in one sentence. Gmail wants SPF or DKIM of each sender, and Gmail, Yahoo and
// Outlook want both and DMARC from 5,000 mails a day on.
func summary(facts []mail.Fact) error {
	failed := false
	for _, f := range facts {
		if f.Known == mail.FactMissing {
			return refusal("mailbox providers miss something: see docs/mail.md")
		}
		failed = failed || f.Failed
	}
	if failed {
		return errors.New("the mail was not sent, or a lookup failed, so the result is not known")
	}
	return nil
}
