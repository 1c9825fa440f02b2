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

// security 20: the strict form only.
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
		"nothing":              "",
		"no at":                "example.com",
		"no local part":        "@example.com",
		"no domain":            "ann@",
		"two ats":              "ann@b@example.com",
		"quoted":               `"ann"@example.com`,
		"quoted at":            `"ann@x"@example.com`,
		"literal":              "ann@[192.0.2.1]",
		"IPv6 literal":         "ann@[IPv6:2001:db8::1]",
		"IPv4 address":         "ann@192.0.2.1",
		"number for a TLD":     "ann@example.123",
		"display name":         "Ann <ann@example.com>",
		"angle brackets":       "<ann@example.com>",
		"comment":              "ann(x)@example.com",
		"comment in domain":    "ann@(x)example.com",
		"two addresses":        "ann@example.com,bob@example.com",
		"leading space":        " ann@example.com",
		"trailing space":       "ann@example.com ",
		"header injection":     "ann@example.com\r\nBcc: bob@example.com",
		"line break in local":  "ann\n@example.com",
		"NUL":                  "ann\x00@example.com",
		"leading dot":          ".ann@example.com",
		"trailing dot":         "ann.@example.com",
		"two dots":             "ann..lee@example.com",
		"backslash":            `ann\@example.com`,
		"bare TLD":             "ann@com",
		"root dot":             "ann@example.com.",
		"empty label":          "ann@example..com",
		"underscore":           "ann@ex_ample.com",
		"leading hyphen":       "ann@-example.com",
		"trailing hyphen":      "ann@example-.com",
		"broken punycode":      "ann@xn--abc.com",
		"not UTF-8":            "ann@\xff.com",
		"slash that maps":      "ann@a／b.com",
		"at that maps":         "ann@a＠b.com",
		"letter that turns":    "ann@\u2135a.com", // alef symbol: the alef that it maps to may not precede an a
		"long label":           "ann@" + strings.Repeat("d", 64) + ".com",
		"long local part":      strings.Repeat("l", 65) + "@example.com",
		"long address":         "aa@" + strings.Repeat(strings.Repeat("d", 61)+".", 4) + "exam",
		"long in A-labels":     strings.Repeat("l", 64) + "@" + strings.Repeat("üaü.", 17) + "example",
		"long as typed":        "ann@" + strings.Repeat("\u00ad", 200) + "x.example", // soft hyphens map to nothing
		"local part not ASCII": "änn@example.com",
		"Kelvin sign":          "mi\u212Ae@example.com", // lower case of it is k
		"long s":               "\u017Fam@example.com",  // upper case of it is S
	}
}

// security 20: no folding joins what are two addresses (Django CVE-2019-19844).
func TestSameAddressTellsApart(t *testing.T) {
	t.Parallel()
	for a, b := range map[string]string{
		"mike@example.org":        "mıke@example.org", // dotless i
		"mike@example.com":        "mike@exampleı.com",
		"mike@ixample.org":        "mike@ıxample.org",
		"ann@example.com":         "ann@example.org",
		"ann.lee@example.com":     "annlee@example.com",
		"ann+x@example.com":       "ann@example.com",
		"ann@strasse.example":     "ann@straße.example",
		"ann@example.com.example": "ann@example.com",
	} {
		if account.SameAddress(a, b) || account.SameAddress(b, a) {
			t.Errorf("%q and %q are the same", a, b)
		}
	}
}

func TestDeliverable(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]string{
		"Bo@BÜCHER.example":  "Bo@xn--bcher-kva.example",
		"Bo@example.com":     "Bo@example.com",
		"bücher@Example.com": "bücher@Example.com",
		"bo@-.example":       "bo@-.example",
		"bo":                 "bo",
	} {
		if got := account.Deliverable(stored); got != want {
			t.Errorf("%s: %s, want %s", stored, got, want)
		}
	}
}
