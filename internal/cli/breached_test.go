package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/password/breached"
)

// breachCheck is the check of a starter with these flags.
func breachCheck(t *testing.T, log *bytes.Buffer, url, fail string) func(context.Context, string) error {
	t.Helper()
	cfg, err := (&starterCmd{starterFlags: starterFlags{BreachedURL: url, BreachedFail: fail}}).clientConfig(&process{ctx: t.Context(), log: zerolog.New(log)})
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Breached
}

func TestBreachedFlags(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	if breachCheck(t, &log, "", "open") != nil {
		t.Error("on without a URL")
	}
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "1E4C9B93F3F0682250B6CF8331B7EE68FD8:1") // of "password"
	}))
	defer mirror.Close()
	open, closed := breachCheck(t, &log, mirror.URL, "open"), breachCheck(t, &log, mirror.URL, "closed")
	for _, check := range []func(context.Context, string) error{open, closed} {
		if _, ok := errors.AsType[*password.Refusal](check(t.Context(), "password")); !ok {
			t.Error("a known password is taken")
		}
	}
	mirror.Close()
	if err := closed(t.Context(), "password"); !errors.Is(err, breached.ErrUnchecked) || log.Len() > 0 {
		t.Errorf("closed: %v, log %s", err, &log)
	}
	if err := open(t.Context(), "password"); err != nil || !strings.Contains(log.String(), `"unchecked":1`) {
		t.Errorf("open: %v, log %s", err, &log)
	}
}
