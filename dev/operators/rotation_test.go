package operators

import (
	"regexp"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
)

// rotated are the keysets that rotate.
var rotated = []string{"link", "payload", "submission"}

// rotation renews keys of a room whose processes are restarted one by one.
type rotation struct {
	*room
	old, new        map[string]string // IDs of keys by keyset
	worker, starter *process.Process
	fresh           int // people with a reset
}

var keyID = regexp.MustCompile(`\bkey (\d+) `)

func begin(t *testing.T, people ...string) *rotation {
	t.Helper()
	r := &rotation{room: newRoom(t, people...), old: map[string]string{}, new: map[string]string{}}
	r.worker, r.starter = r.Worker(t), r.Starter(t)
	list := r.operate(t, 0, "keys", "list", r.Keys()).Out.String()
	for _, use := range rotated {
		r.old[use] = regexp.MustCompile(`(?m)^` + use + ` +(\d+) +true`).FindStringSubmatch(list)[1]
	}
	return r
}

func (r *rotation) add(t *testing.T) {
	t.Helper()
	for _, use := range rotated {
		said := r.operate(t, 0, "keys", "add", r.Keys(), use).Out.String()
		r.new[use] = keyID.FindStringSubmatch(said)[1]
	}
}

func (r *rotation) promote(t *testing.T) {
	t.Helper()
	for _, use := range rotated {
		r.operate(t, 0, "keys", "promote", r.Keys(), use, r.new[use])
	}
}

func (r *rotation) retire(t *testing.T, code int, flags ...string) {
	t.Helper()
	for _, use := range rotated {
		r.operate(t, code, append([]string{"keys", "retire", r.Keys(), use, r.old[use]}, flags...)...)
	}
}

func (r *rotation) restartWorker(t *testing.T) {
	t.Helper()
	stop(t, r.worker)
	r.worker = r.Worker(t)
}

func (r *rotation) restartStarter(t *testing.T) {
	t.Helper()
	stop(t, r.starter)
	r.starter = r.Starter(t)
}

// whole carries out a whole reset of a new person.
func (r *rotation) whole(t *testing.T, when string) {
	t.Helper()
	who := r.People[len(r.People)-1-r.fresh]
	r.fresh++
	r.Forgot(t, who)
	r.use(t, when, who, 1)
}

// use uses the link of a person's n-th mail and waits until they are notified.
func (r *rotation) use(t *testing.T, when string, who account.Account, n int) {
	t.Helper()
	t.Log(when)
	r.Insist(t, r.Token(t, who, n), newPassword)
	r.Mails(t, who, n+1)
}

// security 37: keys are renewed while resets are open and processes are restarted one by one.
// Between any two steps each process is on the old files or on the new ones. All that was
// mailed, sealed or begun before goes on.
func TestRotation(t *testing.T) {
	t.Parallel()
	r := begin(t, "a", "b", "c", "d", "e", "f", "g", "h")
	erin, frank, grace := r.People[0], r.People[1], r.People[2]
	for _, who := range []account.Account{erin, frank, grace} {
		r.open(t, who)
	}

	r.add(t)
	r.restartStarter(t)
	r.whole(t, "the starter has the added keys, the worker has not")
	r.restartWorker(t)
	r.whole(t, "both have the added keys")

	r.promote(t)
	ahead := *r.Site
	ahead.URL = "http://" + site.FreeAddr(t)
	other := r.Starter(t, "REKEY_LISTEN="+strings.TrimPrefix(ahead.URL, "http://"))
	r.use(t, "a link from before", erin, 1)
	who := r.People[len(r.People)-3]
	ahead.Forgot(t, who)
	ahead.Insist(t, r.Token(t, who, 1), newPassword)
	r.Mails(t, who, 2)
	r.fresh++
	stop(t, other)

	stop(t, r.worker)
	r.Submit(t, r.Token(t, frank, 1), newPassword)
	r.worker = r.Worker(t)
	r.Mails(t, frank, 2)
	r.whole(t, "a worker with the promoted keys, a starter without")
	r.restartStarter(t)
	r.whole(t, "both have the promoted keys")
	r.give(t, "account.json", "payload.json")
	answered(t, r.operate(t, 0, "resend", grace.Address), "mailed: link 2 of 3")
	r.use(t, "a run and a link from before", grace, 1)

	r.retire(t, 1)
	r.retire(t, 0, "--early") // nothing that the old keys sealed is open
	r.restartWorker(t)
	r.restartStarter(t)
	r.whole(t, "the old keys are deleted")
}

// security 37: a key that is deleted too early costs only its sealed data. This is a dead link,
// a submission that is not applied, or a run that ends. The owner requests another link.
func TestKeyIsRetiredTooEarly(t *testing.T) {
	t.Parallel()
	r := begin(t)
	erin, frank, grace := r.People[0], r.People[1], r.People[2]
	for _, who := range []account.Account{erin, frank, grace} {
		r.open(t, who)
	}
	stop(t, r.worker)
	r.Submit(t, r.Token(t, frank, 1), newPassword)
	r.add(t)
	r.promote(t)
	r.retire(t, 0, "--early")
	r.give(t, "account.json", "payload.json")
	r.restartStarter(t)
	r.worker = r.Worker(t)
	if a := r.Reset(t, r.Token(t, erin, 1), newPassword); a.Code != "link_invalid" {
		t.Errorf("a link under a key that is gone: %+v", a)
	}
	failed := func(f found) bool { return f.State == "failed" && !f.Open && f.Sealed }
	r.findUntil(t, frank.Address, "the run that has a password ends", failed)
	r.Forgot(t, grace)
	r.findUntil(t, grace.Address, "the run that is asked for more ends", failed)
	for _, who := range []account.Account{erin, frank, grace} {
		r.operate(t, 0, "cancel", who.Address) // ends erin's, which waits in peace
		r.findUntil(t, who.Address, "the run ends", failed)
		r.Forgot(t, who)
		r.use(t, "the owner asks again", who, 2)
	}
	stop(t, r.worker)
	changed := []line{{Event: account.EventMailIssued}, {Event: account.EventMailIssued}, {Event: account.EventPasswordChanged}}
	for _, who := range []account.Account{erin, frank, grace} {
		r.audited(t, who, changed...)
	}
}
