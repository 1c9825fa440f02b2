package inbox

import (
	"errors"
	"sync"

	"github.com/emersion/go-smtp"
)

// Results of a fault besides a Reply.
var (
	// ErrDropped cuts the connection after the mail was sent and before it is
	// answered. The mail is not kept.
	ErrDropped = errors.New("connection dropped, mail not kept")
	// ErrLost keeps the mail and cuts the connection instead of answering: the
	// client cannot tell it from ErrDropped.
	ErrLost = errors.New("connection dropped, mail kept")
	// ErrHang does not answer until the inbox is closed. The mail is not kept.
	ErrHang = errors.New("no answer")
)

// Reply is a fault: the mail is not kept. The answer is an SMTP reply of this code, 4xx or 5xx
// (RFC 5321 section 4.2.1), and text.
func Reply(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCodeNotSet, Message: text}
}

// Step is where in an SMTP conversation a fault comes.
type Step int

// The steps of a conversation, in their order.
const (
	Greeting  Step = iota // the first word, which is the server's
	Login                 // of a client that has a user name
	Sender                // MAIL FROM
	Recipient             // RCPT TO
	Content               // the whole mail, after DATA
)

// Fault decides about a step: nil lets it pass, a Reply refuses it, ErrDropped, ErrLost and
// ErrHang do not answer. At Content it gets the mail. Before, it gets the known part, and
// ErrLost is as ErrDropped. It is called once for each conversation or mail, concurrently for
// several.
type Fault func(Message) error

// faults holds the faults that are set; the zero value has none.
type faults struct {
	mu sync.Mutex
	at map[Step]Fault
}

// FailAt sets the fault for a step of all conversations from now on; nil ends it.
func (i *Inbox) FailAt(s Step, f Fault) {
	i.fault.mu.Lock()
	defer i.fault.mu.Unlock()
	if i.fault.at == nil {
		i.fault.at = map[Step]Fault{}
	}
	i.fault.at[s] = f
}

// Fail is FailAt for the whole mail.
func (i *Inbox) Fail(f Fault) { i.FailAt(Content, f) }

// FailNext lets the next mails fail with these errors, one after the other, and
// keeps all that follow. A nil among them keeps that mail.
func (i *Inbox) FailNext(errs ...error) { i.Fail(Next(errs...)) }

// Next is a fault that gives these errors, one after the other, and then passes all.
func Next(errs ...error) Fault {
	var mu sync.Mutex
	return func(Message) error {
		mu.Lock()
		defer mu.Unlock()
		if len(errs) == 0 {
			return nil
		}
		err := errs[0]
		errs = errs[1:]
		return err
	}
}

func (f *faults) of(s Step, m Message) error {
	f.mu.Lock()
	fault := f.at[s]
	f.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(m)
}
