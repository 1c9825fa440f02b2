package password

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var owner = []string{"alexandra.smith@example.com", "Blue Harbor"}

// security 14: zxcvbn >= 3 with the address, its local part and the product name as
// context.
func TestStrength(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		password string
		want     Code
	}{
		{passphrase, ""},
		{"гравий фонарь гобой четверг", ""},
		{"砂利提灯双簧管木曜日砂漠梟岩弦", ""},
		{"xK7#qPz2!mW9", ""},
		{"xk7qp2m", ""},          // score 3
		{"gravel oboe", TooWeak}, // score 2
		{"xK7#qPz2!mW9xK7#qPz2!mW9", ""},
		{"", TooWeak},
		{"passwordpassword1", TooWeak},
		{"monkeydragonletmein", TooWeak},
		{"p@ssw0rdp@ssw0rd!", TooWeak},
		{"P@$$w0rd!1234567890", TooWeak},
		{"aaaaaaaaaaaaaaaaaaaa", TooWeak},
		{"éééééééééééééééééééé", TooWeak},
		{"ÉéÉéÉéÉéÉéÉéÉéÉéÉéÉé", TooWeak},
		{"ééééééééééййййййййййй", TooWeak},
		{"xq7#xq7#xq7#xq7#xq7#", TooWeak},
		{"abcdefghijklmnopqrst", TooWeak},
		{"qwertyuiopasdfghjkl", TooWeak},
		{"31.12.1999", TooWeak},
		{"1999-12-31", TooWeak},
		{"alexandra.smith@example.com", TooWeak},
		{"ALEXANDRA.SMITH@EXAMPLE.COM", TooWeak},
		{"alexandra.smith", TooWeak},
		{"alexandrasmith2024", TooWeak},
		{"Blue Harbor", TooWeak},
		{"BlueHarborBlueHarbor", TooWeak},
		{"blue harbor alexandra.smith", TooWeak},
		{"alexandra.smith alexandra.smith", TooWeak},
	} {
		if got := code(t, DefaultPolicy().Strength(c.password, owner...)); got != c.want {
			t.Errorf("%q: %q, want %q", c.password, got, c.want)
		}
	}
}

// security 14: a password that is strong for zxcvbn is weak for an owner of that name.
func TestContextMakesWeak(t *testing.T) {
	t.Parallel()
	for password, address := range map[string]string{
		"zoltkarbruvno":            "zoltkarbruvno@example.com",
		"Zoltkarbruvno-Quibblex":   "zoltkarbruvno.quibblex@example.com",
		"zoltkarbruvno@quibblex.":  "zoltkarbruvno@quibblex.example",
		"franjipots zoltkarbruvno": "zoltkarbruvno.franjipots@example.com",
		"żółtkárbruvňo":            "z\u0307o\u0301łtka\u0301rbruvn\u030co",
		"ŻÓŁTKÁRBRUVŇO":            "żółtkárbruvňo",
		// Longer than zxcvbn's view, alone and behind another word.
		"zoltkarbruvnoquibblexfranjipotswelkdin":  "zoltkarbruvnoquibblexfranjipotswelkdin@example.com",
		"123456 zoltkarbruvnoquibblexfranjipotsw": "zoltkarbruvnoquibblexfranjipotswelkdin@example.com",
	} {
		if got := code(t, DefaultPolicy().Strength(password, address)); got != TooWeak {
			t.Errorf("%q for %q: %q, want %q", password, address, got, TooWeak)
		}
		if got := code(t, DefaultPolicy().Strength(password, "someone@example.net")); got != "" {
			t.Errorf("%q is weak for others too; the test proves nothing", password)
		}
	}
}

// security 14: reason and hint by what makes the password weak.
func TestSuggestions(t *testing.T) {
	t.Parallel()
	for password, want := range map[string][]string{
		"alexandra.smith":  {"Leave out your address and the name of this service.", "Add another word or two; uncommon ones are better."},
		"xqxqxqxqxqxqxqxq": {"Avoid repeated words and characters."},
		"zaaaaaaaaaaaaaaa": {"Avoid repeated words and characters."},
		"abcdefghijklmnop": {"Avoid sequences such as abc or 6543."},
		"zxcvfr43wsdftgyu": {"Avoid rows of keys such as qwerty."},
		"16/07/1984":       {"Avoid dates and years."},
		"monkeydragon":     {"Add another word or two; uncommon ones are better."},
	} {
		refusal, ok := errors.AsType[*Refusal](DefaultPolicy().Strength(password, owner...))
		if !ok {
			t.Errorf("%q is not refused", password)
			continue
		}
		if refusal.Reason != "The password is easy to guess." {
			t.Errorf("%q: reason %q", password, refusal.Reason)
		}
		if diff := cmp.Diff(append(want, fewWords), refusal.Suggestions); diff != "" {
			t.Errorf("%q:\n%s", password, diff)
		}
	}
}

// security 14: only the first 32 code points are looked at.
func TestStrengthLooksAtTheBeginning(t *testing.T) {
	t.Parallel()
	head := strings.Repeat("password", 4)
	if got := code(t, DefaultPolicy().Strength(head+passphrase)); got != TooWeak {
		t.Errorf("strong from the 33rd code point on: %q, want %q", got, TooWeak)
	}
	if got := beginning("日本語", 2); got != "日本" {
		t.Errorf("beginning cuts %q", got)
	}
}

// FuzzStrength holds that no input makes zxcvbn-go panic, which counts bytes in places.
func FuzzStrength(f *testing.F) {
	for _, s := range []string{"", passphrase, "ééé1999éé", "İİİ@lexandra", "\xff\xfe4@8({[<", "\x00\x01\t31.12.1999"} {
		f.Add(s, "alexandra@exämple.com")
	}
	f.Fuzz(func(t *testing.T, password, address string) {
		code(t, DefaultPolicy().Strength(password, address))
		if text := newPlain(password).text; len(text) > judged {
			t.Errorf("zxcvbn looks at %d bytes", len(text))
		}
	})
}

func BenchmarkStrength(b *testing.B) {
	for b.Loop() {
		if err := DefaultPolicy().Strength(passphrase, owner...); err != nil {
			b.Fatal(err)
		}
	}
}

// security 14: an easily typed password is easy to guess, whatever it becomes before it is
// hashed.
func TestStrengthOfWhatWasTyped(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	for _, typed := range []string{
		strings.Repeat("\u33A5\u3300", 8), // 16 typed: two characters, again and again
		strings.Repeat("\uFDFA", 15),
		"ｐａｓｓｗｏｒｄ１２３４５６７８", // easy when it is hashed
	} {
		if err := p.Check(typed); err != nil {
			t.Errorf("%+q: %v", typed, err)
		}
		if got := code(t, p.Strength(typed)); got != TooWeak {
			t.Errorf("%+q: %q, want %q", typed, got, TooWeak)
		}
	}
}
