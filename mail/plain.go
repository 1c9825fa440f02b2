package mail

import (
	"html"
	"strings"
	"time"

	"github.com/rekeyhq/rekey/messages"
)

// Plain writes a mail of a text, for a flow of one's own. The HTML has the same paragraphs, which
// an empty line divides, and a line that is a URL is a link there. The subject becomes one line.
func Plain(to, id, subject, text string) Message {
	var b strings.Builder
	b.WriteString("<!doctype html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n" +
		"<meta name=\"color-scheme\" content=\"light dark\">\n<title>" + html.EscapeString(oneLine(subject)) + "</title>\n</head>\n" +
		"<body style=\"font:16px/1.5 system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif\">\n")
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		b.WriteString("<p>")
		for n, line := range strings.Split(strings.TrimSpace(paragraph), "\n") {
			if n > 0 {
				b.WriteString("\n")
			}
			b.WriteString(inHTML(strings.TrimSpace(line)))
		}
		b.WriteString("</p>\n")
	}
	b.WriteString("</body>\n</html>\n")
	return Message{ID: id, To: to, Subject: oneLine(subject), Text: text, HTML: b.String()}
}

// inHTML is a line of text, which is a link if it is a URL.
func inHTML(line string) string {
	text := html.EscapeString(line)
	if !strings.HasPrefix(line, "https://") && !strings.HasPrefix(line, "http://") || strings.ContainsAny(line, " \t") {
		return text
	}
	return `<a href="` + text + `" ses:no-track style="word-break:break-all">` + text + "</a>"
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// InWords writes the life of a link in English, as [messages.Language.Life] does for any language.
func InWords(d time.Duration) string { return messages.BuiltIn().Match().Life(d) }
