package password

import (
	"strings"
	"testing"
	"unicode"
)

// around is a password with something in its middle, where a person would not look for it.
func around(s string) string { return "gravel lantern" + s + " oboe thursday" }

// security 13: every invisible code point is refused with a reason, at both ends and inside.
// The reason names its kind: control, format, unassigned, private use, surrogate, line and
// paragraph separator.
func TestNoKindOfUnseenCharacter(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	kinds := map[string]*unicode.RangeTable{
		"Cc": unicode.Cc, "Cf": unicode.Cf, "Co": unicode.Co, "Cs": unicode.Cs, "Zl": unicode.Zl, "Zp": unicode.Zp,
		"default ignorable": unicode.Other_Default_Ignorable_Code_Point,
	}
	counts := map[string]int{}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		kind := "Cn"
		if unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Zs) {
			kind = ""
		}
		for name, table := range kinds {
			if unicode.Is(table, r) {
				kind = name
			}
		}
		if kind == "" || kind == "Co" && r&0xff != 0 || kind == "Cn" && r&0xff < 0xf0 {
			continue // of the two kinds with a million members a few are enough
		}
		counts[kind]++
		for where, typed := range map[string]string{"in front": string(r) + passphrase, "behind": passphrase + string(r), "inside": around(string(r))} {
			if got := code(t, p.Check(typed)); got != Invalid {
				t.Errorf("%U of %s %s: %q", r, kind, where, got)
			}
		}
	}
	for name := range kinds {
		if counts[name] == 0 {
			t.Errorf("no character of %s was tried", name)
		}
	}
	if counts["Cn"] == 0 {
		t.Error("no unassigned code point was tried")
	}
}

// Characters that keyboards type are taken, although some are invisible by themselves.
// Characters that only copying from a page brings are refused, even where they belong.
func TestJoiners(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	for name, c := range map[string]struct {
		typed string
		good  bool
	}{
		"emoji that are joined":               {around("👩‍🚀👨‍👩‍👧"), true},
		"an emoji of two with a selector":     {around("❤️‍🔥"), true},
		"an emoji with a selector at the end": {passphrase + "❤️", true},
		"a keycap":                            {around("1️⃣"), true},
		"a variant of a Chinese character":    {around("葛\U000E0100"), true},
		"Persian":                             {around("می\u200cخواهم"), true},
		"Khmer, typed with its space bar":     {around("ភាសា\u200bខ្មែរ"), true},
		"Thai, with its break of lines":       {around("ภาษา\u200bไทย"), true},
		"Arabic with vowel signs":             {around("مَ\u200cنَ"), true},
		"Sinhala":                             {around("ශ්\u200dරී"), true},
		"a couple with skin tones":            {around("🧑🏽\u200d🤝\u200d🧑🏿"), true},
		"a head that shakes":                  {around("🙂\u200d↔️"), true},
		"a zero-width space in Cyrillic":      {around("сло\u200bво"), false},
		"a zero-width space in Latin":         {around("é\u200bé"), false},
		"a zero-width space in Chinese":       {around("中\u200b文"), false},
		"a zero-width space after Khmer":      {around("ភាសា\u200bé"), false},
		"a non-joiner in Cyrillic":            {around("сло\u200cво"), false},
		"a non-joiner in Latin":               {around("é\u200cé"), false},
		"a non-joiner between emoji":          {around("👩\u200c🚀"), false},
		"a joiner in Cyrillic":                {around("сло\u200dво"), false},
		"a joiner in Latin":                   {around("é\u200dé"), false},
		"a joiner of a letter and an emoji":   {around("é\u200d🚀"), false},
		"a fill of Hangul":                    {around("\u3164"), false},
		"a selector behind a letter":          {passphrase + "\uFE0F", false},
		"a joiner between English letters":    {"gra\u200dvel lantern oboe", false},
		"a joiner behind an emoji":            {passphrase + "👩\u200d", false},
		"a joiner before an emoji":            {"\u200d👩" + passphrase, false},
		"two joiners":                         {around("👩\u200d\u200d🚀"), false},
		"zero-width space at the end":         {"ភាសាខ្មែរភាសាខ្មែរ\u200b", false},
		"a no-break space, which is a space":  {around("\u00a0"), true},
		"a byte order mark":                   {"\ufeff" + passphrase, false},
		"a soft hyphen":                       {"gra\u00advel lantern oboe", false},
		"right to left":                       {passphrase + "\u202e", false},
		"a flag of letters that are not seen": {passphrase + "🏴\U000E0067\U000E0062\U000E007F", false},
	} {
		if got := code(t, p.Check(c.typed)); (got == "") != c.good || got != "" && got != Invalid {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// security 39: passwords that an earlier release took are read as they were at sign-in, also
// those that are refused now.
func TestUnseenCharactersStillSignIn(t *testing.T) {
	t.Parallel()
	p, costs := DefaultPolicy(), Params{Memory: 64, Time: 1, Threads: 1}
	for _, typed := range []string{passphrase + "\u200b", "\ufeff" + passphrase, passphrase + "\u2028", around("\u00ad"), around("\u0378"), "\uFDFA"} {
		if p.Check(typed) == nil {
			t.Errorf("%+q is taken", typed)
		}
		// The form of 0.2.0 is NFKC and nothing else.
		stored := costs.Hash(strings.ReplaceAll(typed, "\uFDFA", "صلى الله عليه وسلم"), []byte("0123456789abcdef"))
		if right, err := Verify(stored, p.Normalize(typed)); !right || err != nil {
			t.Errorf("%+q: %t, %v", typed, right, err)
		}
	}
}
