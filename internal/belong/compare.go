package belong

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Advice for each difference.
const (
	copyKeys = "copy the files of one `rekey keys new` to all processes, or give each product its own --task-queue ($REKEY_TASK_QUEUE)"
	sameURL  = "give all processes the same --base-url ($REKEY_BASE_URL)"
	sameName = "give all processes the same --product ($REKEY_PRODUCT), or each product keys and a --task-queue ($REKEY_TASK_QUEUE) of its own"
)

// Mismatch is an error that names the differences, a sentence for each kind, in fixed words: no
// name of a product, no URL.
type Mismatch struct{ Reasons []string }

// Error implements error.
func (m *Mismatch) Error() string { return strings.Join(m.Reasons, "; ") }

func mismatch(reasons []string) error {
	if len(reasons) == 0 {
		return nil
	}
	return &Mismatch{reasons}
}

// difference is the first thing that two processes differ in, "" for none. Without the same
// family key nothing else can be compared.
func difference(a, b Mark) (what, remedy string) {
	switch {
	case !same(a.Payload, b.Payload):
		return "another payload.json", copyKeys
	case !share(a.Link, b.Link):
		return "another link.json", copyKeys
	case !share(a.Submission, b.Submission):
		return "another pair of submission.json and submission.pub.json", copyKeys
	case !same(a.Base, b.Base):
		return "another base URL", sameURL
	case !same(a.Product, b.Product):
		return "another product", sameName
	}
	return "", ""
}

// mostMarks bounds how many different marks are compared, each with each: every poller can
// invent some.
const mostMarks = 100

var tooMany = fmt.Sprintf("more than %d processes have different settings, and the others are not compared: they are forged, or none belongs to another", mostMarks)

// distinct are the first of some marks, in an order that does not change, one for all processes
// that say the same of themselves. It reports whether there are more.
func distinct(marks []Mark) (first []Mark, more bool) {
	nameless := func(m Mark) string {
		m.Name = ""
		return m.String()
	}
	slices.SortFunc(marks, func(a, b Mark) int {
		return cmp.Or(strings.Compare(nameless(a), nameless(b)), strings.Compare(a.Name, b.Name))
	})
	marks = slices.CompactFunc(marks, func(a, b Mark) bool { return nameless(a) == nameless(b) })
	return marks[:min(len(marks), mostMarks)], len(marks) > mostMarks
}

// compare finds the differences between some processes and others: the first pair of each kind.
func compare(some, others []Mark) (reasons []string) {
	said := map[string]bool{}
	for _, a := range some {
		for _, b := range others {
			what, remedy := difference(a, b)
			if what == "" || said[what] {
				continue
			}
			said[what] = true
			reasons = append(reasons, fmt.Sprintf("%s %s has %s than %s %s: %s", b.Role, b.Name, what, a.Role, a.Name, remedy))
		}
	}
	return reasons
}
