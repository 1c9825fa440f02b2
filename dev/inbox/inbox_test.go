package inbox_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/smtp"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/dev/inbox"
)

func start(t *testing.T) *inbox.Inbox {
	t.Helper()
	i, err := inbox.Start("", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	})
	return i
}

const reset = "From: Example <noreply@example.com>\r\n" +
	"To: Ann <ann@example.com>\r\n" +
	"Subject: =?utf-8?q?R=C3=A9initialiser?=\r\n" +
	"Message-ID: <reset.1@example.com>\r\n" +
	"Date: Mon, 02 Jan 2006 15:04:05 -0700\r\n" +
	"Auto-Submitted: auto-generated\r\n" +
	"MIME-Version: 1.0\r\n" +
	"Content-Type: multipart/alternative; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	"Caf=C3=A9: open\r\nhttps://example.com/account/change-password/abc?x=3D1.\r\n" +
	"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" +
	"<!doctype html><html><head><title>t</title></head><body><a href=\"https://example.com/\">open</a><script>1</script></body></html>\r\n" +
	"--b--\r\n"

func send(i *inbox.Inbox, mail string, to ...string) error {
	return smtp.SendMail(i.SMTPAddr(), nil, "bounce@example.com", to, []byte(mail))
}

func mustSend(t *testing.T, i *inbox.Inbox, mail string, to ...string) {
	t.Helper()
	if err := send(i, mail, to...); err != nil {
		t.Fatal(err)
	}
}

func TestMailIsRead(t *testing.T) {
	t.Parallel()
	i := start(t)
	mustSend(t, i, reset, "Ann@example.com", "hidden@example.com")
	mails, err := i.Wait(t.Context(), "ann@example.com", 1)
	if err != nil {
		t.Fatal(err)
	}
	m := mails[0]
	got := []string{m.Subject, m.MessageID, m.From.Address, m.To[0].Name, m.Bcc[0].Address, m.ReturnPath, m.Text, m.Date.UTC().String()}
	want := []string{
		"Réinitialiser", "reset.1@example.com", "noreply@example.com", "Ann", "hidden@example.com", "bounce@example.com",
		"Café: open\r\nhttps://example.com/account/change-password/abc?x=1.", "2006-01-02 22:04:05 +0000 UTC",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(m.HTML, `<a href="https://example.com/">`) {
		t.Errorf("HTML = %q", m.HTML)
	}
}

func TestMalformedMailIsKept(t *testing.T) {
	t.Parallel()
	i := start(t)
	for _, mail := range []string{
		"no header at all",
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\ncut off",
		"Content-Type: text/plain; charset=no-such\r\n\r\nx",
		"Subject: =?no-such?q?x?=\r\nTo: <<\r\n\r\nx",
	} {
		mustSend(t, i, mail, "ann@example.com")
	}
	mails, err := i.Wait(t.Context(), "ann@example.com", 4)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(mails[0].Raw), "no header at all") {
		t.Errorf("raw = %q", mails[0].Raw)
	}
}

func TestWaitWakesForTheLastMail(t *testing.T) {
	t.Parallel()
	i := start(t)
	got := make(chan []inbox.Message)
	go func() {
		mails, _ := i.Wait(t.Context(), "ann@example.com", 3)
		got <- mails
	}()
	for n := range 3 {
		mustSend(t, i, reset, "other@example.com")
		mustSend(t, i, fmt.Sprintf("Subject: %d\r\n\r\n", n), "ann@example.com")
	}
	var subjects []string
	for _, m := range <-got {
		subjects = append(subjects, m.Subject)
	}
	if diff := cmp.Diff([]string{"0", "1", "2"}, subjects); diff != "" {
		t.Error(diff)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	i := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := i.Wait(ctx, "ann@example.com", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait = %v, want context.Canceled", err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	i := start(t)
	i.FailNext(inbox.Reply(451, "try later"), inbox.Reply(550, "no such user"), inbox.ErrDropped, inbox.ErrLost, nil)

	var outcomes []string
	for range 6 {
		err := send(i, reset, "ann@example.com")
		var reply *textproto.Error
		switch {
		case err == nil:
			outcomes = append(outcomes, "kept")
		case errors.As(err, &reply):
			outcomes = append(outcomes, strconv.Itoa(reply.Code))
		default:
			outcomes = append(outcomes, "no answer")
		}
	}
	if diff := cmp.Diff([]string{"451", "550", "no answer", "no answer", "kept", "kept"}, outcomes); diff != "" {
		t.Error(diff)
	}
	mails, err := i.Wait(t.Context(), "ann@example.com", 3)
	if err != nil || len(mails) != 3 {
		t.Errorf("kept %d mails (%v), want 3: the lost answer and the last two", len(mails), err)
	}
}

func TestFaultSeesTheMail(t *testing.T) {
	t.Parallel()
	i := start(t)
	i.Fail(func(m inbox.Message) error { return inbox.Reply(550, "spam: "+m.Subject+" to "+m.Recipients[0]) })
	err := send(i, "Subject: hello\r\n\r\n", "ann@example.com")
	if err == nil || !strings.Contains(err.Error(), "spam: hello to ann@example.com") {
		t.Errorf("send = %v", err)
	}
}

func TestCloseEndsAHungAnswer(t *testing.T) {
	t.Parallel()
	i, err := inbox.Start("", "")
	if err != nil {
		t.Fatal(err)
	}
	hung := make(chan struct{})
	i.Fail(func(inbox.Message) error { close(hung); return inbox.ErrHang })
	sent := make(chan error)
	go func() { sent <- send(i, reset, "ann@example.com") }()
	<-hung
	if err := i.Close(); err != nil {
		t.Error(err)
	}
	if err := <-sent; err == nil {
		t.Error("a hung mail was answered")
	}
	if c, err := net.Dial("tcp", i.SMTPAddr()); err == nil {
		c.Close()
		t.Error("something still listens after Close")
	}
}

func TestOldestGoFirst(t *testing.T) {
	t.Parallel()
	usual, more := start(t), start(t)
	more.Keep(510)
	for i, most := range map[*inbox.Inbox]int{usual: 500, more: 510} {
		sendMany(t, i, most+1)
		mails, err := i.Wait(t.Context(), "ann@example.com", most)
		if err != nil || len(mails) != most || mails[0].Subject != "1" {
			t.Errorf("kept %d mails (%v), want %d without the first", len(mails), err, most)
		}
	}
}

// A mail is found by each of its recipients, once and in any case, until it is deleted.
func TestMailsOfAnAddress(t *testing.T) {
	t.Parallel()
	i := start(t)
	mustSend(t, i, reset, "Ann@Example.com", "ann@example.com", "bob@example.com")
	found := func(address string) int {
		over, cancel := context.WithCancel(t.Context())
		cancel()
		mails, _ := i.Wait(over, address, 2) // with an error: it returns those that it has
		return len(mails)
	}
	if ann, bob := found("ANN@example.com"), found("bob@example.com"); ann != 1 || bob != 1 {
		t.Errorf("%d mails to ann and %d to bob, want one each", ann, bob)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, i.URL()+"/api/v1/messages", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if n := found("bob@example.com"); n != 0 {
		t.Errorf("%d mails after all were deleted", n)
	}
}

// sendMany sends n mails over one connection, with their numbers for subjects.
func sendMany(t *testing.T, i *inbox.Inbox, n int) {
	t.Helper()
	c, err := smtp.Dial(i.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for n := range n {
		w, err := data(c)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(w, "Subject: %d\r\n\r\n", n)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func data(c *smtp.Client) (io.WriteCloser, error) {
	if err := errors.Join(c.Mail("bounce@example.com"), c.Rcpt("ann@example.com")); err != nil {
		return nil, err
	}
	return c.Data()
}

func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	for _, addrs := range [][2]string{{"0.0.0.0:0", ""}, {"", "0.0.0.0:0"}} {
		if _, err := inbox.Start(addrs[0], addrs[1]); err == nil || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("Start(%q) = %v, want a refusal", addrs, err)
		}
	}
}

func TestBusyAddressIsNamed(t *testing.T) {
	t.Parallel()
	addr := start(t).SMTPAddr()
	if _, err := inbox.Start("", addr); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("Start on a busy address = %v, want its name", err)
	}
}

func TestPageHearsOfNewMail(t *testing.T) {
	t.Parallel()
	i := start(t)
	r := get(t, i, "/events")
	defer r.Body.Close()
	mustSend(t, i, reset, "ann@example.com")
	line, err := bufio.NewReader(r.Body).ReadString('\n')
	if err != nil || line != "data: changed\n" {
		t.Errorf("event = %q, %v", line, err)
	}
}

func ExampleInbox_Wait() {
	i, err := inbox.Start("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer i.Close()
	mail := []byte("Subject: Hello\r\n\r\nHow are you?\r\n")
	if err := smtp.SendMail(i.SMTPAddr(), nil, "bob@example.com", []string{"ann@example.com"}, mail); err != nil {
		fmt.Println(err)
		return
	}
	mails, err := i.Wait(context.Background(), "ann@example.com", 1)
	for m := range slices.Values(mails) {
		fmt.Println(m.Subject, err)
	}
	// Output: Hello <nil>
}
