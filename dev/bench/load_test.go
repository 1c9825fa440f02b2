package main

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	t.Parallel()
	var hundred []time.Duration
	for n := range 100 {
		hundred = append(hundred, time.Duration(n+1)*time.Millisecond)
	}
	if got, want := spreadOf(hundred), (spread{50, 99, 100}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := spreadOf(nil); !math.IsNaN(got.P50) {
		t.Errorf("of nothing: %+v", got)
	}
}

// The longest silence is between neighbors in time, in whatever order they were noted.
func TestSilence(t *testing.T) {
	t.Parallel()
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	if got := silence([]time.Time{at(9), at(1), at(3), at(4)}); got != 5*time.Second {
		t.Errorf("%v, want 5 s", got)
	}
}

// What was not done for want of time is never taken for done.
func TestAtOnceIsStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := atOnce(ctx, 3, 2, func(context.Context) (int, error) { return 1, nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	broken := errors.New("broken")
	if _, _, err := atOnce(t.Context(), 3, 2, func(context.Context) (int, error) { return 1, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := &table{Title: "Title", Columns: []string{"what", "à s"}}
	table.add("one", 1.234)
	table.add("many", 1234.5)
	table.add("none", math.NaN())
	const want = "Title\n\n| what | à s  |\n|------|------|\n| one  | 1.23 |\n| many | 1234 |\n| none | -    |\n"
	if got := table.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	raw, err := json.Marshal(table)
	const wantJSON = `{"title":"Title","rows":[{"what":"one","à s":1.234},{"what":"many","à s":1234.5},{"what":"none","à s":null}]}`
	if err != nil || string(raw) != wantJSON {
		t.Errorf("%v\ngot  %s\nwant %s", err, raw, wantJSON)
	}
}
