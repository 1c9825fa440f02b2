package inbox

import (
	"regexp"
	"strings"
)

var (
	headTag = regexp.MustCompile(`(?i)<head(\s[^>]*)?>`)
	webLink = regexp.MustCompile(`https?://[^\s<>"]+`)
)

// span is a piece of a mail's text; URL is set when it is a link.
type span struct{ Text, URL string }

// linked finds the links in a text, as mail programs do: up to the next space,
// without the punctuation that ends a sentence.
func linked(text string) []span {
	var spans []span
	rest := 0
	for _, at := range webLink.FindAllStringIndex(text, -1) {
		url := strings.TrimRight(text[at[0]:at[1]], ".,;:!?)'")
		spans = append(spans, span{Text: text[rest:at[0]]}, span{Text: url, URL: url})
		rest = at[0] + len(url)
	}
	return append(spans, span{Text: text[rest:]})
}
