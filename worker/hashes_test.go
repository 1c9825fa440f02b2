package worker

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/password"
)

var errTables = errors.New("the tables take no such hash")

// strict is a store with accounts whose tables accept only hashes of bcrypt.
type strict struct {
	account.Store
	stored []string
}

func (s strict) TryHashes(_ context.Context, like func(string) string) ([]string, error) {
	kinds := map[string]bool{}
	for _, stored := range append(s.stored, "") {
		if sample := like(stored); sample != "" {
			kinds[sample] = true
			if !strings.HasPrefix(sample, "$2") {
				return nil, errTables
			}
		}
	}
	if len(kinds) > 2 {
		return nil, errors.New("samples of one kind differ")
	}
	return []string{"a doubt"}, nil
}

// A worker tries the hashes that it will cause, with the set upgrade. It warns once of each kind
// that costs too little.
func TestHashesAreTriedAtTheStart(t *testing.T) {
	t.Parallel()
	accounts := []string{
		"$2y$08$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq", "$2y$08$jBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq",
		"$2y$12$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq", "pbkdf2_sha256$600000$c2FsdA$aGFzaA", "$P$Biamsecret", "$P$Botherone",
	}
	for upgrade, want := range map[activities.Upgrade]error{activities.NoUpgrade: nil, activities.UpgradeArgon2id: errTables} {
		var log strings.Builder
		c := Config{Store: strict{stored: accounts}, UpgradeHash: upgrade, Log: zerolog.New(&log)}
		if _, err := c.tryHashes(t.Context()); !errors.Is(err, want) {
			t.Errorf("%q: error %v", upgrade, err)
		}
		if warned := strings.Count(log.String(), `"costs":"2y08"`); want == nil && (warned != 1 || strings.Count(log.String(), `"costs":`) != 1) {
			t.Errorf("%q: log %s", upgrade, log.String())
		}
		if told := strings.Count(log.String(), "hash_unsupported"); want == nil && (told != 2 || !strings.Contains(log.String(), `"form":"$P$"`) || strings.Contains(log.String(), "secret")) {
			t.Errorf("%q: log %s", upgrade, log.String())
		}
		if doubted := strings.Contains(log.String(), `"refused":"a doubt"`); doubted != (want == nil) {
			t.Errorf("%q: log %s", upgrade, log.String())
		}
		if strings.Contains(log.String(), "iBVN") {
			t.Errorf("the log has a hash: %s", log.String())
		}
	}
	if _, err := (Config{Store: answering{}}).tryHashes(t.Context()); err != nil {
		t.Errorf("a store that cannot try: %v", err)
	}
}

// A first password is hashed as the configuration says, and otherwise as most accounts are.
func TestFirstHash(t *testing.T) {
	t.Parallel()
	const bcrypt, django = "$2b$11$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq", "pbkdf2_sha256$600000$c2FsdA$aGFzaA"
	for name, tc := range map[string]struct {
		store account.Store
		set   string
		want  string // as in links; "none" invites nobody
	}{
		"of accounts":         {strict{stored: []string{django, bcrypt, bcrypt}}, "", "2b11"},
		"argon2id":            {strict{stored: []string{bcrypt}}, "argon2id", "19456,2,1"},
		"bcrypt":              {strict{stored: []string{django}}, "bcrypt", "2y12"},
		"an example":          {strict{}, bcrypt, "2b11"},
		"no accounts":         {strict{}, "", "none"},
		"rekey's own file":    {answering{}, "", "19456,2,1"},
		"none that is known":  {strict{stored: []string{"$P$Biamsecret"}}, "", "none"},
		"an example, unknown": {strict{}, "$P$Biamsecret", "error"},
	} {
		c := Config{Store: tc.store, FirstHash: tc.set, Log: zerolog.Nop()}
		usual, err := c.tryHashes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := "none"
		if first, err := c.firstHash(usual); err != nil {
			got = "error"
		} else if first != nil {
			got = password.Text(first)
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
