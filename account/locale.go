package account

import "strings"

// maxLocale is the longest tag that is kept, as RFC 5646 section 4.4.1 advises.
const maxLocale = 35

// ParseLocale reads the language that an application or a browser says, as a BCP 47 tag such as
// "pt-BR". The spelling "pt_BR" of POSIX is read too. The result has at most 35 letters, digits and
// hyphens. It is empty for any other text: a bad tag delays no mail.
func ParseLocale(tag string) string {
	if len(tag) > maxLocale {
		return ""
	}
	tag = strings.ReplaceAll(tag, "_", "-")
	if strings.ContainsFunc(tag, notOfTag) {
		return ""
	}
	return tag
}

func notOfTag(r rune) bool {
	return (r < 'a' || 'z' < r) && (r < 'A' || 'Z' < r) && (r < '0' || '9' < r) && r != '-'
}
