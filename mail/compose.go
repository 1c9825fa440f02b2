package mail

import (
	"errors"

	gomail "github.com/wneessen/go-mail"
)

// compose builds the MIME message. It is automatic mail (RFC 3834), so no vacation
// responder answers it, and providers are told to leave its links as they are: a
// rewritten link would pass the token to whoever tracks clicks.
func (s *SMTP) compose(m Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg()
	if err := msg.FromFormat(s.from.Name, s.from.Address); err != nil {
		return nil, errors.New("the sender is no mail address")
	}
	if err := msg.To(m.To); err != nil {
		return nil, errors.New("the recipient is no mail address")
	}
	msg.SetMessageIDWithValue(m.ID)
	msg.SetDate()
	msg.Subject(m.Subject)
	for header, value := range map[gomail.Header]string{
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "All",
		"X-Mailgun-Track":          "no",                                                   // Mailgun
		"X-MC-Track":               "none",                                                 // Mandrill
		"X-PM-TrackLinks":          "None",                                                 // Postmark
		"X-Mailjet-TrackClick":     "0",                                                    // Mailjet
		"X-SMTPAPI":                `{"filters":{"clicktrack":{"settings":{"enable":0}}}}`, // SendGrid
	} {
		msg.SetGenHeader(header, value)
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return msg, nil
}
