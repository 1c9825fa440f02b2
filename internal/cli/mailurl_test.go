package cli

import (
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
)

// postArgs are the settings of a worker whose mails an application takes.
func postArgs(t *testing.T, more ...string) []string {
	t.Helper()
	return append([]string{
		"worker", "--keys", newKeys(t), "--store", newStore(t),
		"--base-url", "https://accounts.example.com", "--product", "Harbor", "--support", "help@example.com",
		"--from", "no-reply@example.com",
	}, more...)
}

// Mails go to a mail server or to a URL, and each wrong setting is named. No secret is quoted.
func TestMailURLSettings(t *testing.T) {
	t.Parallel()
	const url, secretFlag = "--mail-url ($REKEY_MAIL_URL)", "--mail-secret-file ($REKEY_MAIL_SECRET_FILE)"
	const here = "--mail-url=https://app.example.com/rekey/mails"
	good := "--mail-secret-file=" + secretFile(t, hostapp.Secret(hostapp.Key))
	wrong(t, postArgs(t), "set --smtp-host ($REKEY_SMTP_HOST) or --mail-url ($REKEY_MAIL_URL)")
	wrong(t, postArgs(t, here), url+": needs "+secretFlag)
	wrong(t, postArgs(t, "--smtp-host=mail.example.com", good), secretFlag+": want a --mail-url")
	for _, more := range []string{"--smtp-host=mail.example.com", "--smtp-username=u", "--smtp-password-file=/dev/null", "--smtp-helo=a.example.com"} {
		wrong(t, postArgs(t, here, good, more), url+": want it or the settings of a mail server")
	}
	for _, address := range []string{"http://app.example.com/rekey/mails", "https://app.example.com/?key=1", "app.example.com"} {
		wrong(t, postArgs(t, "--mail-url="+address, good), url)
	}
	wrong(t, postArgs(t, here, good, "--from=nobody"), "--from ($REKEY_FROM)")
	bad := "--mail-secret-file=" + secretFile(t, "hunter2")
	if err := refused(t, postArgs(t, here, bad), secretFlag, "whsec_"); strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the secret is quoted: %v", err)
	}
}

func TestMailerOfAURL(t *testing.T) {
	t.Parallel()
	m := mailFlags{MailURL: "https://app.example.com/rekey/mails", MailSecret: secretFile(t, hostapp.Secret(hostapp.Key)), From: "no-reply@example.com"}
	got, err := m.mailer(link.MustParseBaseURL("https://accounts.example.com"))
	if _, ok := got.(*mail.HTTP); !ok || err != nil {
		t.Errorf("%T, %v", got, err)
	}
}
