package inbox

import (
	"net/mail"
	"strings"
)

// matching understands the part of Mailpit's search that scripts use. All words must be found.
// A word may have to:, from: or subject: before it for its place.
func matching(query string) func(*Message) bool {
	words := strings.Fields(strings.ToLower(strings.ReplaceAll(query, `"`, "")))
	return func(m *Message) bool {
		for _, word := range words {
			if !m.has(word) {
				return false
			}
		}
		return true
	}
}

func (m *Message) has(word string) bool {
	where, what, _ := strings.Cut(word, ":")
	switch where {
	case "to":
		return contains(strings.Join(m.Recipients, " ")+" "+written(m.To...), what)
	case "from":
		return contains(m.ReturnPath+" "+written(m.From), what)
	case "subject":
		return contains(m.Subject, what)
	}
	return contains(m.Subject+" "+m.Text+" "+m.HTML+" "+written(m.From)+" "+written(m.To...), word)
}

func contains(text, word string) bool { return strings.Contains(strings.ToLower(text), word) }

func written(list ...*mail.Address) string {
	var b strings.Builder
	for _, a := range list {
		b.WriteString(a.Name + " " + a.Address + " ")
	}
	return b.String()
}
