package worker

import (
	"context"
	"fmt"
	"strings"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/password"
)

// trier is a store that can test whether its tables accept new hashes, such as one with a CHECK on
// them: (*postgres.Store).TryHashes.
type trier interface {
	TryHashes(ctx context.Context, like func(stored string) string) (doubts []string, err error)
}

// tryHashes refuses tables that would accept no new hash. It warns of a kind of hash that may be
// refused, and once for each kind that costs less than is advised today. It returns how most of the
// tried accounts are hashed, nil when none was tried.
func (c Config) tryHashes(ctx context.Context) (usual password.Hasher, err error) {
	store, ok := c.Store.(trier)
	if !ok {
		return nil, nil
	}
	samples := map[string]string{} // by kind
	found, most := map[string]int{}, 0
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
		if found[kind]++; found[kind] > most {
			usual, most = like, found[kind]
		}
		if samples[kind] == "" {
			samples[kind] = password.Sample(like)
			c.warnOfHashes(kind, like)
		}
		return samples[kind]
	})
	for _, doubt := range doubts {
		c.Log.Warn().Str("refused", doubt).Msg("the tables refuse each account that was tried with one form of hash; other accounts may work")
	}
	return usual, err
}

// firstHash is how first passwords are hashed: as the configuration says, and without that as most
// accounts are. Accounts of rekey's own file have Argon2id.
func (c Config) firstHash(usual password.Hasher) (password.Hasher, error) {
	_, tried := c.Store.(trier)
	switch {
	case c.FirstHash == string(activities.UpgradeArgon2id), c.FirstHash == "" && usual == nil && !tried:
		return password.DefaultParams(), nil
	case c.FirstHash == string(activities.UpgradeBcrypt):
		return password.Bcrypt{Letter: 'y'}, nil
	case c.FirstHash == "":
		return usual, nil
	}
	like, err := password.Like(c.FirstHash)
	if err != nil {
		return nil, fmt.Errorf("first hash: want argon2id, bcrypt, or a stored hash of your application: %w", err)
	}
	return like, nil
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
