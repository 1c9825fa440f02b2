package worker

import (
	"context"
	"strings"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/password"
)

// trier is a store that can test whether its tables accept new hashes, such as one with a CHECK on
// them: (*postgres.Store).TryHashes.
type trier interface {
	TryHashes(ctx context.Context, like func(stored string) string) (doubts []string, err error)
}

// tryHashes refuses tables that would accept no new hash. It warns of a kind of hash that may be
// refused, and once for each kind that costs less than is advised today.
func (c Config) tryHashes(ctx context.Context) error {
	store, ok := c.Store.(trier)
	if !ok {
		return nil
	}
	samples := map[string]string{} // by kind
	unsupported := map[string]bool{}
	doubts, err := store.TryHashes(ctx, func(stored string) string {
		like, err := c.UpgradeHash.Like(stored)
		if form := account.Form(stored); err != nil && stored != "" && !unsupported[form] {
			unsupported[form] = true
			c.Log.Warn().Str("form", form).Msg("accounts have hashes of a form or of costs that rekey does not make, and get no mail (hash_unsupported): set REKEY_UPGRADE_HASH if your sign-in reads another format too")
		}
		if err != nil {
			return ""
		}
		kind := password.Text(like)
		if samples[kind] == "" {
			samples[kind] = password.Sample(like)
			c.warnOfHashes(kind, like)
		}
		return samples[kind]
	})
	for _, doubt := range doubts {
		c.Log.Warn().Str("refused", doubt).Msg("the tables refuse each account that was tried with one form of hash; other accounts may work")
	}
	return err
}

// warnOfHashes warns that new hashes cost less than they should. They are made all the same: the
// host's sign-in chose the costs. It also names a form that another function may have made.
func (c Config) warnOfHashes(kind string, like password.Hasher) {
	if strings.HasPrefix(kind, "bc:") {
		c.Log.Warn().Msg(`hashes of accounts have the form "salt:key", which rekey takes for better-auth's scrypt: reset an account of your own before you go on`)
	}
	if advice := password.Advice(like); advice != "" {
		c.Log.Warn().Str("costs", kind).Str("advice", advice).
			Msg("hashes of accounts have costs below today's advice, and new hashes get the same costs: raise the costs in your sign-in, or set REKEY_UPGRADE_HASH if it reads another format too")
	}
}
