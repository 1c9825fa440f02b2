package mail

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"
)

// compose builds the MIME message: quoted-printable throughout, so that a link of any
// length survives every relay. A recipient that is not exactly one address is refused, since
// no retry can mend it.
func compose(from *mail.Address, m Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithEncoding(gomail.EncodingQP))
	to, ok := recipient(m.To)
	if !ok || msg.To(to.String()) != nil || msg.From(from.String()) != nil {
		return nil, &Error{Outcome: Refused, Step: stepAddress}
	}
	msg.SetMessageIDWithValue(m.ID)
	msg.SetDate()
	msg.Subject(m.Subject)
	for header, value := range headers() {
		msg.SetGenHeader(header, value)
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	if m.Logo != nil {
		err := msg.EmbedReader(m.Logo.Name, bytes.NewReader(m.Logo.Content),
			gomail.WithFileContentID("<logo>"), gomail.WithFileContentType(gomail.ContentType(m.Logo.MediaType)))
		if err != nil {
			return nil, fmt.Errorf("logo: %w", err)
		}
	}
	return msg, nil
}

// headers mark a mail as automatic, so that no vacation responder answers it (RFC 3834 section
// 5). They tell mail services to leave its links as they are: a rewritten link passes the token
// to a click tracker.
func headers() map[gomail.Header]string {
	return map[gomail.Header]string{
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "All",                                                                                                // Exchange
		"X-Mailgun-Track":          "no",                                                                                                 // Mailgun
		"X-MC-Track":               "none",                                                                                               // Mandrill
		"X-PM-TrackLinks":          "None",                                                                                               // Postmark
		"X-PM-TrackOpens":          "false",                                                                                              // Postmark
		"X-Mailjet-TrackClick":     "0",                                                                                                  // Mailjet
		"X-Mailjet-TrackOpen":      "0",                                                                                                  // Mailjet
		"X-MSYS-API":               `{"options": {"click_tracking": false, "open_tracking": false}}`,                                     // SparkPost
		"X-SMTPAPI":                `{"filters": {"clicktrack": {"settings": {"enable": 0}}, "opentrack": {"settings": {"enable": 0}}}}`, // SendGrid
	}
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}
