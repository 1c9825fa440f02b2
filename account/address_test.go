package account_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for _, pair := range accepted() {
		in, want := pair[0], pair[1]
		got, err := account.ParseAddress(in)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
		if !account.SameAddress(in, want) {
			t.Errorf("%q is not the same as %q", in, want)
		}
	}
}

// accepted are pairs of an address as typed and as it is compared.
func accepted() [][2]string {
	label := strings.Repeat("d", 61) + "."
	return [][2]string{
		{"ann@example.com", "ann@example.com"},
		{"Ann.Lee+Shop@EXAMPLE.Com", "ann.lee+shop@example.com"},
		{"a!#$%&'*+-/=?^_`{|}~@x.org", "a!#$%&'*+-/=?^_`{|}~@x.org"},
		{"ann@LOCALHOST", "ann@localhost"},
		{"ann@a.b.c.example", "ann@a.b.c.example"},
		{"ann@3com.example", "ann@3com.example"},
		{"ann@münchen.example", "ann@xn--mnchen-3ya.example"},
		{"ann@MÜNCHEN.example", "ann@xn--mnchen-3ya.example"},
		{"ann@mu\u0308nchen.example", "ann@xn--mnchen-3ya.example"}, // ü as two code points
		{"ann@XN--MNCHEN-3YA.example", "ann@xn--mnchen-3ya.example"},
		{"ann@straße.example", "ann@xn--strae-oqa.example"}, // not strasse: that is another name
		{"ann@ｅｘａｍｐｌｅ.com", "ann@example.com"},
		{"ann@例え.example", "ann@xn--r8jz45g.example"},
		{strings.Repeat("l", 64) + "@x.y", strings.Repeat("l", 64) + "@x.y"},
		{"a@" + strings.Repeat(label, 4) + "exam", "a@" + strings.Repeat(label, 4) + "exam"}, // 254 bytes
	}
}

// Addresses that hosts have in their tables, and that browsers take in a field of the type
// email, are looked up, even against RFC 5321.
func TestParseAddressTakesWhatThereIs(t *testing.T) {
	t.Parallel()
	for in, want := range unusual() {
		got, err := account.ParseAddress(in)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
		if again, err := account.ParseAddress(got); err != nil || again != got {
			t.Errorf("%q is %q, which is %q, %v", in, got, again, err)
		}
	}
}

// unusual are addresses that 0.2.0 refused, as they are compared.
func unusual() map[string]string {
	return map[string]string{
		"ann.@example.com":               "ann.@example.com", // mobile carriers in Japan gave them out
		".Ann@example.com":               ".ann@example.com",
		"ann..lee@example.com":           "ann..lee@example.com",
		"-ann@example.com":               "-ann@example.com",
		strings.Repeat("l", 65) + "@x.y": strings.Repeat("l", 65) + "@x.y",
		"JÜRGEN@example.com":             "jÜrgen@example.com",
		"用户@example.com":                 "用户@example.com",
		"अजय@डाटा.भारत":                  "अजय@xn--c2bd1gb.xn--h2brj9c",
		"mi\u212Ae@example.com":          "mi\u212Ae@example.com", // Kelvin sign, which is not mike
		"\u017Fam@example.com":           "\u017Fam@example.com",  // long s, which is not sam
		"ann@intranet":                   "ann@intranet",
		"ann@com":                        "ann@com",
		"ann@Ex_ample.com":               "ann@ex_ample.com",
		"ann@-example.com":               "ann@-example.com",
		"ann@example-.com":               "ann@example-.com",
		"ann@ab--cd.com":                 "ann@ab--cd.com",
		"ann@xn--abc.com":                "ann@xn--abc.com",
		"ann@XN--I-7IQ.ws":               "ann@xn--i-7iq.ws",
		"ann@i❤.ws":                      "ann@xn--i-7iq.ws",
		"ann@192.0.2.1":                  "ann@192.0.2.1",
		"ann@example.123":                "ann@example.123",
		`"Ann Lee"@example.com`:          `"ann lee"@example.com`,
		`"ann@home"@example.com`:         `"ann@home"@example.com`,
		`"a\"b\\c"@example.com`:          `"a\"b\\c"@example.com`,
		`"ann"@example.com`:              `"ann"@example.com`,
		`"a,b <c>"@example.com`:          `"a,b <c>"@example.com`,
		"ann@" + strings.Repeat("d", 63): "ann@" + strings.Repeat("d", 63),
		"ann@\u2135a.com":                "ann@xn--a-zhc.com", // alef before an a
	}
}

// security 20: what cannot be one mail address.
func TestParseAddressRefuses(t *testing.T) {
	t.Parallel()
	for what, in := range refused() {
		if got, err := account.ParseAddress(in); !errors.Is(err, account.ErrAddress) || got != "" {
			t.Errorf("%s: %q is %q, %v", what, in, got, err)
		}
		if account.SameAddress(in, in) {
			t.Errorf("%s: what is no address is the same as itself", what)
		}
	}
}

func refused() map[string]string {
	return map[string]string{
		"nothing":             "",
		"no at":               "example.com",
		"no local part":       "@example.com",
		"no domain":           "ann@",
		"at alone":            "@",
		"two ats":             "ann@b@example.com",
		"display name":        "Ann <ann@example.com>",
		"quoted display name": `"Ann" <ann@example.com>`,
		"angle brackets":      "<ann@example.com>",
		"comment":             "ann(x)@example.com",
		"comment in domain":   "ann@(x)example.com",
		"two addresses":       "ann@example.com,bob@example.com",
		"two with semicolon":  "ann@example.com;bob@example.com",
		"two with space":      "ann@example.com bob@example.com",
		"two quoted":          `"ann"@example.com,"bob"@example.com`,
		"group":               "all:ann@example.com;",
		"route":               "<@example.org:ann@example.com>",
		"leading space":       " ann@example.com",
		"trailing space":      "ann@example.com ",
		"space inside":        "ann lee@example.com",
		"no-break space":      "ann\u00a0lee@example.com",
		"header injection":    "ann@example.com\r\nBcc: bob@example.com",
		"header in quotes":    "\"ann\r\nBcc: bob\"@example.com",
		"command injection":   "ann@example.com>\r\nRCPT TO:<bob@example.com",
		"parameters":          "ann@example.com> NOTIFY=SUCCESS",
		"line break in local": "ann\n@example.com",
		"line separator":      "ann\u2028@example.com",
		"NUL":                 "ann\x00@example.com",
		"NUL in quotes":       "\"a\x00\"@example.com",
		"C1 control":          "ann\u0085@example.com",
		"tab in quotes":       "\"a\tb\"@example.com",
		"zero-width space":    "ann\u200b@example.com",
		"right to left":       "ann\u202e@example.com",
		"backslash":           `ann\@example.com`,
		"open quote":          `"ann@example.com`,
		"quote inside":        `an"n@example.com`,
		"quote in quotes":     `"an"n"@example.com`,
		"backslash at end":    `"ann\"@example.com`,
		"nothing quoted":      `""@example.com`,
		"root dot":            "ann@example.com.",
		"empty label":         "ann@example..com",
		"not UTF-8":           "ann@\xff.com",
		"local not UTF-8":     "a\xffn@example.com",
		"replacement":         "a\uFFFDn@example.com",
		"slash that maps":     "ann@a／b.com",
		"at that maps":        "ann@a＠b.com",
		"space in domain":     "ann@exam ple.com",
		"percent in domain":   "ann@%65xample.com",
		"literal":             "ann@[192.0.2.1]",
		"IPv6 literal":        "ann@[IPv6:2001:db8::1]",
		"literal and more":    "ann@[192.0.2.1].example.com",
		"long label":          "ann@" + strings.Repeat("d", 64) + ".com",
		"long address":        "aa@" + strings.Repeat(strings.Repeat("d", 61)+".", 4) + "exam",
		"long in A-labels":    strings.Repeat("l", 64) + "@" + strings.Repeat("üaü.", 17) + "example",
		"long as typed":       "ann@" + strings.Repeat("\u00ad", 200) + "x.example", // soft hyphens map to nothing
		"long in UTF-8":       strings.Repeat("ü", 126) + "@x.y",
	}
}

// security 20: no folding joins what are two addresses (Django CVE-2019-19844).
func TestSameAddressTellsApart(t *testing.T) {
	t.Parallel()
	for a, b := range map[string]string{
		"mike@example.org":        "mıke@example.org", // dotless i
		"mike@example.net":        "mike@exampleı.net",
		"mike@ixample.org":        "mike@ıxample.org",
		"ann@example.com":         "ann@example.org",
		"ann.lee@example.com":     "annlee@example.com",
		"ann+x@example.com":       "ann@example.com",
		"ann@strasse.example":     "ann@straße.example",
		"ann@example.com.example": "ann@example.com",
		"mike@example.com":        "mi\u212Ae@example.com", // Kelvin sign: lower case of it is k
		"sam@example.com":         "\u017Fam@example.com",  // long s: upper case of it is S
		"jürgen@example.com":      "ju\u0308rgen@example.com",
		"ann@example.net":         `"ann"@example.net`,
		"ann.@example.com":        "ann@example.com",
		"ann@ex_ample.com":        "ann@example.com",
	} {
		if account.SameAddress(a, b) || account.SameAddress(b, a) {
			t.Errorf("%q and %q are the same", a, b)
		}
	}
}

func TestDeliverable(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]string{
		"Bo@BÜCHER.example":    "Bo@xn--bcher-kva.example",
		"Bo@example.com":       "Bo@example.com",
		"bücher@Example.com":   "bücher@Example.com",
		"bo@-.example":         "bo@-.example",
		"Bo.@BÜCHER.example":   "Bo.@xn--bcher-kva.example",
		`"B@o"@BÜCHER.example`: `"B@o"@xn--bcher-kva.example`,
		"bo@I❤.ws":             "bo@xn--i-7iq.ws",
		"bo":                   "bo",
	} {
		if got := account.Deliverable(stored); got != want {
			t.Errorf("%s: %s, want %s", stored, got, want)
		}
	}
}
