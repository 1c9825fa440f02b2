package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/operator"
)

func TestRates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"50/s": 50, "50": 50, "600/m": 10, "1/h": 1.0 / 3600, "0.5/s": 0.5} {
		if got, err := parseRate(text); err != nil || got != want {
			t.Errorf("%s: %g, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0/s", "-1/s", "501/s", "1/d", "fast", "NaN", "0.5/h", "1/s/s"} {
		if _, err := parseRate(text); err == nil || !strings.Contains(err.Error(), "--rate") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Nobody is told that a password is blocked, or a mail is out, unless it is so.
// The bar fills: unfit addresses of a list are behind the campaign too.
func TestCampaignLine(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]operator.Campaign{
		"counting, 0 done": {State: "counting"},
		"running, 2 done":  {State: "running", Started: 1, Failed: 1},
		"[##############################] completed, 4 done of 4": {State: "completed", Total: 4, Started: 1, Failed: 1, Unfit: 2},
		"[#######.......................] running, 1 done of 4":   {State: "running", Total: 4, Started: 1, Left: 3},
	} {
		if got := (campaign{c}).line(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestForcedText(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]operator.Run{
		"refused: not_resettable; the password still works":              {State: "refused", Refused: "not_resettable"},
		"accepted: run r blocks the password when a worker is available": {State: "requested", RunID: "r"},
		"blocked, and no mail: disabled":                                 {State: "awaiting_token", Withheld: "disabled"},
		"blocked: the mail is not sent yet; `rekey find` shows why":      {State: "password_blocked"},
		"blocked and mailed: run r":                                      {State: "awaiting_token", RunID: "r"},
	} {
		if got := (forced{r}).text(); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
		var out bytes.Buffer
		if err := (forced{r}).write(&out, false); (err != nil) != (r.State == "refused") {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

func TestCampaignText(t *testing.T) {
	t.Parallel()
	c := operator.Campaign{
		State: "running", Rate: 50, Total: 300, Started: 100, Unfit: 2, Left: 200,
		Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), After: "ann", Resets: []operator.Count{{Name: "open", Runs: 70}},
	}
	var out bytes.Buffer
	if err := (campaign{c}).write(&out, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"[##########....................] running, 100 done of 300\n", "rate      50/s\n", "left      200\n",
		"began     2026-01-02T03:04:05Z\nends      -\n", "after     ann\n", "resets    open: 70\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if line := (campaign{operator.Campaign{State: "counting"}}).line(); line != "counting, 0 done" {
		t.Errorf("without a total: %q", line)
	}
}

// A campaign needs a confirmation, and a program gives it on its command line.
func TestCampaignIsConfirmed(t *testing.T) {
	t.Parallel()
	p, _ := logged(t)
	p.stderr = &bytes.Buffer{}
	for _, f := range []forceStartCmd{{All: true}, {File: "list"}} {
		if err := f.confirm(p, 3); err == nil || !strings.Contains(err.Error(), "--yes") {
			t.Errorf("%+v: %v", f, err)
		}
		f.Yes = true
		if err := f.confirm(p, 3); err != nil {
			t.Error(err)
		}
	}
	if err := (&forceStartCmd{All: true, DryRun: true}).confirm(p, 0); err != nil {
		t.Errorf("a trial: %v", err)
	}
}

// A run that was ended, for example by another order, is no success.
func TestEndedRunIsNotMailed(t *testing.T) {
	t.Parallel()
	for _, state := range []string{operator.Terminated, operator.Failed, operator.TimedOut, operator.CanceledFromOutside, "canceled"} {
		if got := (forced{operator.Run{State: state, RunID: "r"}}).text(); strings.Contains(got, "mailed") {
			t.Errorf("%s: %q", state, got)
		}
		if err := (forced{operator.Run{State: state}}).write(io.Discard, false); status(err) != exitRefused {
			t.Errorf("%s: %v", state, err)
		}
	}
}

// The statuses are those of docs/operations/resets.md.
func TestExitStatusOfCampaigns(t *testing.T) {
	t.Parallel()
	for _, err := range []error{operator.ErrNoCampaign, operator.ErrCampaignOver, operator.ErrCampaign} {
		if got := status(fmt.Errorf("force: %w", err)); got != exitRefused {
			t.Errorf("%v: exit status %d, want %d", err, got, exitRefused)
		}
	}
	for _, err := range []error{operator.ErrList, operator.ErrReason, errors.Join(operator.ErrRate)} {
		if got := status(err); got != exitUnchecked {
			t.Errorf("%v: exit status %d, want %d", err, got, exitUnchecked)
		}
	}
}
