package link_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/link"
)

// linkifiers find a link in plain text, by the rules of programs that show mails and messages.
// Each rule is that for the end of a link which begins with its scheme.
func linkifiers() map[string]func(text string) string {
	var (
		// android.util.Patterns, WEB_URL_WITH_PROTOCOL: PATH_AND_QUERY, then WORD_BOUNDARY.
		android = regexp.MustCompile(`https?://[A-Za-z0-9.-]+(?::\d+)?(?:[/?#](?:[a-zA-Z0-9;/?:@&=#~.+!*'(),_$-]|%[a-fA-F0-9]{2})*)?(?:\b|$|^)`)
		// mozTXTToHTMLConv::FindURLEnd, free text: characters that end a link, and characters
		// that do not stand at its end.
		mozilla    = regexp.MustCompile("https?://[^\\s<>\"`{}()\\[\\]]+")
		mozillaEnd = regexp.MustCompile(`[.,;!?\-:']+$`)
		// GitHub Flavored Markdown, section 6.9: extended autolink path validation.
		github    = regexp.MustCompile(`https?://[^\s<]+`)
		githubEnd = regexp.MustCompile(`(?:[?!.,:*_~'")]|&[A-Za-z0-9]+;)+$`)
		// linkify-it, lib/re.mjs: src_path without brackets and quotes that come in pairs.
		linkifyIt    = regexp.MustCompile(`https?://[^\s<>|()\[\]{}"']+`)
		linkifyItEnd = regexp.MustCompile(`[.,;!?]+$`)
	)
	return map[string]func(string) string{
		"Android":     android.FindString,
		"Thunderbird": func(text string) string { return mozillaEnd.ReplaceAllString(mozilla.FindString(text), "") },
		"GitHub":      func(text string) string { return githubEnd.ReplaceAllString(github.FindString(text), "") },
		"linkify-it":  func(text string) string { return linkifyItEnd.ReplaceAllString(linkifyIt.FindString(text), "") },
	}
}

// No program leaves out the end of a link, whatever the length of its address. Before, 3 in 100
// links ended in a character that some leave out. A template may put text behind a link that a
// program takes for its end. The link still works.
func TestLinkifiersFindTheWholeLink(t *testing.T) {
	t.Parallel()
	b := newBox(t, frozenKey(t), base, namespace)
	for n := range 600 {
		c := claims()
		c.Address = strings.Repeat("a", n%3) + c.Address
		url := b.URL(link.Reset, seal(t, b, link.Reset, c))
		for name, find := range linkifiers() {
			if got := find("here:\n\n" + url + "\n\nThe link works"); got != url {
				t.Fatalf("%s makes a link that ends in %s of one that ends in %s", name, got[max(0, len(got)-5):], url[len(url)-5:])
			}
			for _, around := range []string{"%s", "here: %s.", "(%s)", "<%s>", "\"%s\"", "%s, or", "%s!)", "%s;"} {
				got := find(strings.Replace(around, "%s", url, 1))
				if _, _, err := b.Open(link.Reset, got[strings.LastIndex(got, "password/")+len("password/"):]); err != nil {
					t.Fatalf("%s makes a link of %s that does not open", name, around)
				}
			}
		}
	}
}

// A key whose nonces repeat, and end badly, makes no token.
func TestSealGivesUp(t *testing.T) {
	t.Parallel()
	f := &fakeAEAD{}
	c := claims()
	c.Address = "ada@example.com" + "\xff\xff" // 19 times three bytes, the last of which is _ in base64url
	if _, err := newBox(t, f, base, namespace).Seal(link.Reset, c); err == nil {
		t.Error("a link that ends in _ is made")
	}
}

// Tokens of earlier releases end in any character of base64url.
func TestOpenTakesEveryEnd(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"-", "_", "--", "__"} {
		f := &fakeAEAD{plain: make([]byte, 40)}
		text := strings.Repeat("A", 100-len(end)) + end
		_, token, err := newBox(t, f, base, namespace).Open(link.Reset, text)
		if err != nil || token.Text() != text {
			t.Errorf("%s: %v", end, err)
		}
	}
}
