package starter

import (
	"testing"
	"time"
)

func TestLocale(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	if got := Locale(ctx); got != "" {
		t.Errorf("without one: %q", got)
	}
	for tag, want := range map[string]string{"de": "de", "zh-Hans": "zh-Hans", "": "", "de, en;q=0.5": "", "<script>": ""} {
		if got := Locale(WithLocale(ctx, tag)); got != want {
			t.Errorf("%q: %q, want %q", tag, got, want)
		}
	}
	if got := Locale(WithLocale(WithLocale(ctx, "de"), "?")); got != "" {
		t.Errorf("a bad tag leaves %q", got)
	}
}

// The input of a run has the same language and time as its first request. Seconds are not kept.
func TestRequestSaysLanguageAndTime(t *testing.T) {
	t.Parallel()
	s := newTeller(t, nil)
	at := time.Date(2026, 3, 1, 12, 34, 56, 0, time.UTC)
	s.cfg.Now = func() time.Time { return at }
	if err := s.Request(WithLocale(t.Context(), "tr"), "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	for what, got := range map[string]struct {
		locale string
		asked  time.Time
	}{
		"signal": {s.told[0].Caller.Locale, s.told[0].Caller.Asked},
		"input":  {s.input.Locale, s.input.Asked},
	} {
		if got.locale != "tr" || !got.asked.Equal(at.Truncate(time.Minute)) {
			t.Errorf("%s: %q at %v", what, got.locale, got.asked)
		}
	}
}
