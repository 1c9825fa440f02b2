package keys_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/keys"
)

var linkMail = keys.LinkMail{
	Flow: "reset", AccountKey: "00112233445566778899aabbccddeeff", RunID: "0f9a1c52-8d3b-4f70-9b1e-5a2d7c64e310", Name: "00aa11bb22cc33dd",
}

func messageIDs(t *testing.T, dir, namespace string) *keys.MessageIDs {
	t.Helper()
	m, err := open(dir).MessageIDs(namespace)
	return value(t, m, err)
}

// security 38: a Message-ID shows its readers nothing of the account, the run or the flow. It is the
// same on all attempts, and stays valid when the payload keyset is rotated.
func TestMessageID(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	id, err := messageIDs(t, dir, "default").Seal(linkMail)
	check(t, err)
	old, err := open(dir).KeyIDs(keys.Payload)
	check(t, err)
	fresh, err := keys.Add(dir, keys.Payload)
	check(t, err)
	check(t, keys.Promote(dir, keys.Payload, fresh))
	check(t, keys.Retire(dir, keys.Payload, old[0]))
	m := messageIDs(t, dir, "default")
	again, err := m.Seal(linkMail)
	check(t, err)
	if id != again || !regexp.MustCompile(`^[A-Za-z0-9_-]{60,90}$`).MatchString(id) {
		t.Errorf("%q, and again %q", id, again)
	}
	for _, spelling := range []string{id, id + "@example.com", "<" + id + "@example.com>", " <" + id + "@[IPv6:::1]>\r\n"} {
		got, err := m.Open(spelling)
		check(t, err)
		if got != linkMail {
			t.Errorf("%q: %+v", spelling, got)
		}
	}
	for _, part := range []string{linkMail.AccountKey, linkMail.RunID[:8], linkMail.Name} {
		if strings.Contains(id, part) {
			t.Errorf("%s shows %s", id, part)
		}
	}
	other := linkMail
	other.Name = "00aa11bb22cc33de"
	if second, err := m.Seal(other); err != nil || second == id {
		t.Errorf("another mail: %q, %v", second, err)
	}
}

// security 27: a Message-ID that was forged or altered, or is of another deployment, is refused.
func TestForeignMessageID(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	m := messageIDs(t, dir, "default")
	id, err := m.Seal(linkMail)
	check(t, err)
	elsewhere, err := messageIDs(t, newKeys(t), "default").Seal(linkMail)
	check(t, err)
	staging, err := messageIDs(t, dir, "staging").Seal(linkMail)
	check(t, err)
	altered := []byte(id)
	altered[30] ^= 1
	for _, text := range []string{
		"", "@", "<>", "6c1f0c5a4f4b0f0e8f6a0d3b2c1a0987@example.com", elsewhere, staging, string(altered), id[:len(id)-4], id + "AAAA",
		strings.Repeat("A", 70), strings.Repeat("A", 1<<20), id + " ", "x" + id,
	} {
		if got, err := m.Open(text + "@example.com"); !errors.Is(err, keys.ErrMessage) {
			t.Errorf("%.80q is %+v, %v", text, got, err)
		}
	}
}

// A mail that Open would not return is not sealed.
func TestMessageIDOfNoMail(t *testing.T) {
	t.Parallel()
	m := messageIDs(t, newKeys(t), "default")
	for _, spoil := range []func(*keys.LinkMail){
		func(l *keys.LinkMail) { l.Flow = "" },
		func(l *keys.LinkMail) { l.Flow = strings.Repeat("x", 41) },
		func(l *keys.LinkMail) { l.RunID = "run" },
		func(l *keys.LinkMail) { l.RunID = strings.ToUpper(l.RunID) },
		func(l *keys.LinkMail) { l.RunID = strings.ReplaceAll(l.RunID, "-", "") },
		func(l *keys.LinkMail) { l.AccountKey = l.AccountKey[:30] },
		func(l *keys.LinkMail) { l.AccountKey = strings.ToUpper(l.AccountKey) },
		func(l *keys.LinkMail) { l.Name = "00aa" },
		func(l *keys.LinkMail) { l.Name = "no hexadecimal digits" },
	} {
		l := linkMail
		spoil(&l)
		if id, err := m.Seal(l); !errors.Is(err, keys.ErrMessage) {
			t.Errorf("%+v: %q, %v", l, id, err)
		}
	}
}
