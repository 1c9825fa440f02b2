// Package belong finds out whether the processes of a task queue belong together. Processes
// with different keys, base URLs or products all start healthy, and no mail goes out.
//
// Each process polls a task queue of its own, on which nothing is ever scheduled. Its identity
// there is its mark: Temporal lists it to all others.
package belong

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/rekeyhq/rekey/keys"
)

// The roles of processes.
const (
	Starter = "starter"
	Worker  = "worker"
)

// Mark is what a process publishes to all others, and so to every reader of the namespace. It
// has keyed hashes, and IDs of keys that stand at the beginning of all that they seal. A field
// that is empty is compared with nothing.
type Mark struct {
	Role       string
	Name       string // of the process: its ID and host, as Temporal's SDK has it
	Payload    string // payload.json
	Link       string // IDs of the keys in link.json
	Submission string // IDs of the keys in submission.json or submission.pub.json
	Base       string // base URL
	Product    string
}

// Of is the mark of this process.
func Of(role string, dir keys.Dir, base, product string) (Mark, error) {
	half := keys.Submission
	if role == Starter {
		half = keys.SubmissionPublic
	}
	codec, err := dir.Payload()
	if err != nil {
		return Mark{}, err
	}
	m := ofFamily(role, codec)
	m.Base = codec.Mark("base|" + base)
	if product != "" { // a starter need not know it
		m.Product = codec.Mark("product|" + product)
	}
	if m.Link, err = ids(dir, keys.Link); err != nil {
		return Mark{}, err
	}
	m.Submission, err = ids(dir, half)
	return m, err
}

// OfPayload is the mark of a process with payload.json only.
func OfPayload(role string, dir keys.Dir) (Mark, error) {
	codec, err := dir.Payload()
	if err != nil {
		return Mark{}, err
	}
	return ofFamily(role, codec), nil
}

func ofFamily(role string, codec *keys.Codec) Mark {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return Mark{Role: role, Name: fmt.Sprintf("%d@%s", os.Getpid(), host), Payload: codec.Mark("family")}
}

func ids(dir keys.Dir, u keys.Use) (string, error) {
	all, err := dir.KeyIDs(u)
	var texts []string
	for _, id := range all {
		texts = append(texts, fmt.Sprintf("%08x", id))
	}
	return strings.Join(texts, "-"), err
}

// String is the identity that carries the mark.
func (m Mark) String() string {
	return fmt.Sprintf("%s#rekey1.%s.%s.%s.%s.%s.%s", m.Name, m.Role, m.Payload, m.Link, m.Submission, m.Base, m.Product)
}

// format is strict: any client of Temporal chooses its identity, and operators read it on a
// terminal.
var format = regexp.MustCompile(`^([A-Za-z0-9@._-]{1,100})#rekey1\.(starter|worker)\.([0-9a-f]{8})\.([0-9a-f-]{8,200})\.([0-9a-f-]{8,200})\.([0-9a-f]{8})\.((?:[0-9a-f]{8})?)$`)

// parse reads an identity. It ignores identities of other programs.
func parse(identity string) (Mark, bool) {
	f := format.FindStringSubmatch(identity)
	if f == nil {
		return Mark{}, false
	}
	return Mark{Name: f[1], Role: f[2], Payload: f[3], Link: f[4], Submission: f[5], Base: f[6], Product: f[7]}, true
}

// share reports that two sets of keys have one in common: while keys are rotated they are not
// the same everywhere. An empty one is not known.
func share(a, b string) bool {
	others := strings.Split(b, "-")
	return a == "" || b == "" || slices.ContainsFunc(strings.Split(a, "-"), func(id string) bool {
		return slices.Contains(others, id)
	})
}

func same(a, b string) bool { return a == "" || b == "" || a == b }
