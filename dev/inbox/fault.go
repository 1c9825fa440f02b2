package inbox

import (
	"errors"
	"sync"

	"github.com/emersion/go-smtp"
)

// What a fault may return besides a Reply.
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

// Reply is a fault: the mail is not kept and is answered with an SMTP reply of
// this code, 4xx or 5xx (RFC 5321 section 4.2.1), and text.
func Reply(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCodeNotSet, Message: text}
}

// Fault decides what happens to a mail that has been sent completely: nil keeps
// it, a Reply refuses it, ErrDropped, ErrLost and ErrHang do not answer. It is
// called once for each mail, concurrently for mails on several connections.
type Fault func(Message) error

// faults holds the fault that is set; the zero value has none.
type faults struct {
	mu sync.Mutex
	f  Fault
}

// Fail sets the fault for all mails from now on; nil ends it.
func (i *Inbox) Fail(f Fault) {
	i.fault.mu.Lock()
	defer i.fault.mu.Unlock()
	i.fault.f = f
}

// FailNext lets the next mails fail with these errors, one after the other, and
// keeps all that follow. A nil among them keeps that mail.
func (i *Inbox) FailNext(errs ...error) {
	var mu sync.Mutex
	i.Fail(func(Message) error {
		mu.Lock()
		defer mu.Unlock()
		if len(errs) == 0 {
			return nil
		}
		err := errs[0]
		errs = errs[1:]
		return err
	})
}

func (f *faults) of(m Message) error {
	f.mu.Lock()
	fault := f.f
	f.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(m)
}
