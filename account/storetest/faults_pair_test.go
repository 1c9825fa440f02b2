package storetest

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
)

// brokenHost is a good host, of which some methods are replaced by ones with a fault.
type brokenHost struct {
	*Memory
	find   func(ctx context.Context, address string) ([]account.Account, error)
	change func(ctx context.Context, c account.HostChange) error
}

func (b *brokenHost) Find(ctx context.Context, address string) ([]account.Account, error) {
	return b.find(ctx, address)
}

func (b *brokenHost) Change(ctx context.Context, c account.HostChange) error { return b.change(ctx, c) }

// set changes an account whatever it is now.
func (b *brokenHost) set(do func(a *account.Account)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, a := range b.accounts {
		do(&a)
		b.accounts[id] = a
	}
}

// brokenLedger is a good ledger, of which some methods are replaced by ones with a fault.
type brokenLedger struct {
	*bolt.Store
	begin  func(ctx context.Context, c account.Change) (account.TokenRecord, bool, error)
	finish func(ctx context.Context, c account.Change, a account.Account) error
	block  func(ctx context.Context, blk account.Block, hash string) error
	begun  func(ctx context.Context, run string) ([]account.Begun, error)
	end    func(ctx context.Context, run string, at time.Time) (account.Notice, error)
	sweep  func(ctx context.Context, before time.Time) (int, error)
	forget func(ctx context.Context, id string, by account.Entry) (account.Forgotten, error)
}

func (b *brokenLedger) Begin(ctx context.Context, c account.Change) (account.TokenRecord, bool, error) {
	return b.begin(ctx, c)
}

func (b *brokenLedger) Finish(ctx context.Context, c account.Change, a account.Account) error {
	return b.finish(ctx, c, a)
}

func (b *brokenLedger) Blocked(ctx context.Context, blk account.Block, hash string) error {
	return b.block(ctx, blk, hash)
}

func (b *brokenLedger) Begun(ctx context.Context, run string) ([]account.Begun, error) {
	return b.begun(ctx, run)
}

func (b *brokenLedger) End(ctx context.Context, run string, at time.Time) (account.Notice, error) {
	return b.end(ctx, run, at)
}

func (b *brokenLedger) Sweep(ctx context.Context, before time.Time) (int, error) {
	return b.sweep(ctx, before)
}

func (b *brokenLedger) Forget(ctx context.Context, id string, by account.Entry) (account.Forgotten, error) {
	return b.forget(ctx, id, by)
}

// pairFault is a way in which a host or a ledger can be wrong, and the check that must find it.
type pairFault struct {
	check, name string
	put         func(*brokenHost, *brokenLedger)
}

// inHost is a fault of a host's change.
func inHost(change func(ctx context.Context, b *brokenHost, c account.HostChange) error) func(*brokenHost, *brokenLedger) {
	return func(b *brokenHost, _ *brokenLedger) {
		b.change = func(ctx context.Context, c account.HostChange) error { return change(ctx, b, c) }
	}
}

func hostFaults() []pairFault {
	return []pairFault{
		{"host/change", "ends no session", inHost(func(ctx context.Context, b *brokenHost, c account.HostChange) error {
			open := b.sessions
			b.sessions = map[string]session{}
			err := b.Memory.Change(ctx, c)
			for sid, s := range open {
				b.sessions[sid] = session{s.owner, c.New}
			}
			return err
		})},
		{"host/change", "sets nothing", inHost(func(context.Context, *brokenHost, account.HostChange) error { return nil })},
		{"host/change", "changes everybody", inHost(func(ctx context.Context, b *brokenHost, c account.HostChange) error {
			b.set(func(a *account.Account) { a.Credential = c.New })
			return b.Memory.Change(ctx, c)
		})},
		{"host/change", "opens the account", inHost(func(ctx context.Context, b *brokenHost, c account.HostChange) error {
			b.set(func(a *account.Account) { a.Notify = nil })
			return b.Memory.Change(ctx, c)
		})},
		{"host/again", "refuses a repetition", inHost(refusesAgain)},
		{"host/stale", "compares nothing", inHost(comparesNothing)},
		{"host/stale", "takes any account", inHost(func(ctx context.Context, b *brokenHost, c account.HostChange) error {
			if _, err := b.Account(ctx, c.AccountID); err != nil {
				return nil //nolint:nilerr // the fault
			}
			return b.Memory.Change(ctx, c)
		})},
		{"host/races", "each succeeds", inHost(func(ctx context.Context, b *brokenHost, c account.HostChange) error {
			_ = b.Memory.Change(ctx, c)
			return nil
		})},
		{"host/context", "changes all the same", inHost(func(ctx context.Context, b *brokenHost, c account.HostChange) error {
			return b.Memory.Change(context.WithoutCancel(ctx), c)
		})},
		{"host/context", "finds all the same", func(b *brokenHost, _ *brokenLedger) {
			b.find = func(ctx context.Context, address string) ([]account.Account, error) {
				return b.Memory.Find(context.WithoutCancel(ctx), address)
			}
		}},
	}
}

func refusesAgain(ctx context.Context, b *brokenHost, c account.HostChange) error {
	if a, err := b.Account(ctx, c.AccountID); err == nil && a.Credential == c.New {
		return account.ErrCredentialChanged
	}
	return b.Memory.Change(ctx, c)
}

func comparesNothing(ctx context.Context, b *brokenHost, c account.HostChange) error {
	if a, err := b.Account(ctx, c.AccountID); err == nil {
		c.Old = account.CredentialDigest(a.Credential)
	}
	return b.Memory.Change(ctx, c)
}

// inLedger is a fault of a ledger.
func inLedger(put func(b *brokenLedger)) func(*brokenHost, *brokenLedger) {
	return func(_ *brokenHost, b *brokenLedger) { put(b) }
}

func heldFaults() []pairFault {
	return []pairFault{
		{"ledger/begin", "keeps nothing", inLedger(func(b *brokenLedger) {
			b.begin = func(ctx context.Context, c account.Change) (account.TokenRecord, bool, error) {
				t, applied, err := b.Store.Begin(ctx, c)
				_, _ = b.Store.End(ctx, "no run", noon)
				dropBegun(ctx, b.Store, c)
				return t, applied, err
			}
		})},
		{"ledger/begin", "keeps the hash", inLedger(func(b *brokenLedger) {
			b.begun = func(ctx context.Context, run string) ([]account.Begun, error) {
				all, err := b.Store.Begun(ctx, run)
				for i := range all {
					all[i].Change.Hash = "$argon2id$new"
				}
				return all, err
			}
		})},
		{"ledger/begin", "takes another run's", inLedger(func(b *brokenLedger) {
			b.begin = func(ctx context.Context, c account.Change) (account.TokenRecord, bool, error) {
				c.Run = "run of ann"
				return b.Store.Begin(ctx, c)
			}
		})},
		{"ledger/finish", "notes nothing", inLedger(func(b *brokenLedger) {
			b.finish = func(context.Context, account.Change, account.Account) error { return nil }
		})},
		{"ledger/finish", "notes it twice", inLedger(func(b *brokenLedger) {
			b.finish = func(ctx context.Context, c account.Change, a account.Account) error {
				_ = b.Record(ctx, c.Entry(a.ID, account.EventPasswordChanged, ""))
				return b.Store.Finish(ctx, c, a)
			}
		})},
		{"ledger/finish without begin", "refuses it", inLedger(func(b *brokenLedger) {
			b.finish = func(ctx context.Context, c account.Change, a account.Account) error {
				if begun, err := b.Store.Begun(ctx, c.Run); err != nil || len(begun) == 0 {
					return account.ErrTokenUnknown
				}
				return b.Store.Finish(ctx, c, a)
			}
		})},
		{"ledger/end", "ends nothing", inLedger(func(b *brokenLedger) {
			b.end = func(context.Context, string, time.Time) (account.Notice, error) {
				return account.Notice{}, account.ErrNotFound
			}
		})},
		{"ledger/sweep", "sweeps nothing", inLedger(func(b *brokenLedger) {
			b.sweep = func(context.Context, time.Time) (int, error) { return 0, nil }
		})},
		{"ledger/forget", "forgets nothing", inLedger(func(b *brokenLedger) {
			b.forget = func(context.Context, string, account.Entry) (account.Forgotten, error) {
				return account.Forgotten{}, nil
			}
		})},
	}
}

// dropBegun takes the note of a submission back, as a rollback would.
func dropBegun(ctx context.Context, s *bolt.Store, c account.Change) {
	begun, _ := s.Begun(ctx, c.Run)
	if len(begun) == 0 {
		return
	}
	_, _ = s.Sweep(ctx, c.At.Add(time.Nanosecond))
	_, _ = s.IssueToken(ctx, begun[0].Token, plenty)
}

func togetherFaults() []pairFault {
	return []pairFault{
		{"pair/lost, then repeated", "the host refuses a repetition", inHost(refusesAgain)},
		{"pair/lost, then repeated", "the ledger notes nothing", inLedger(func(b *brokenLedger) {
			b.finish = func(context.Context, account.Change, account.Account) error { return nil }
		})},
		{"pair/lost, then ended", "the ledger lists nothing", inLedger(func(b *brokenLedger) {
			b.begun = func(context.Context, string) ([]account.Begun, error) { return nil, nil }
		})},
		{"pair/lost, then too late", "the ledger forgets the token", inLedger(func(b *brokenLedger) {
			b.begin = func(ctx context.Context, c account.Change) (account.TokenRecord, bool, error) {
				t, applied, err := b.Store.Begin(ctx, c)
				t.Key = c.Record
				return t, applied, err
			}
		})},
		{"pair/applied after the end", "the ledger lists nothing", inLedger(func(b *brokenLedger) {
			b.begun = func(context.Context, string) ([]account.Begun, error) { return nil, nil }
		})},
		{"pair/moved in between", "the ledger forgets the address", inLedger(func(b *brokenLedger) {
			b.begin = func(ctx context.Context, c account.Change) (account.TokenRecord, bool, error) {
				t, applied, err := b.Store.Begin(ctx, c)
				t.Address = "thief@example.com"
				return t, applied, err
			}
		})},
		{"pair/changed in between", "the ledger takes it for applied", inLedger(func(b *brokenLedger) {
			b.begin = func(ctx context.Context, c account.Change) (account.TokenRecord, bool, error) {
				begun, _ := b.Store.Begun(ctx, c.Run)
				t, applied, err := b.Store.Begin(ctx, c)
				return t, applied || len(begun) > 0, err
			}
		})},
		{"pair/veto", "the ledger records nothing", inLedger(func(b *brokenLedger) {
			b.begin = func(context.Context, account.Change) (account.TokenRecord, bool, error) {
				return account.TokenRecord{}, false, account.ErrRefused
			}
		})},
	}
}

func pairFaults() []pairFault {
	return slices.Concat(hostFaults(), heldFaults(), togetherFaults(), blockPairFaults(), firstPairFaults(), useFaults())
}

func allPairChecks() []pairCheck { return slices.Concat(hostChecks, ledgerChecks, pairChecks) }

// pairFails reports whether a check fails for a pair with a fault.
func pairFails(t *testing.T, c pairCheck, put func(*brokenHost, *brokenLedger)) bool {
	t.Helper()
	r := &recorder{TB: t}
	good, err := bolt.Open(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = good.Close() })
	t.Run("check", func(t *testing.T) {
		r.TB = t
		m := NewMemory()
		host := &brokenHost{Memory: m, find: m.Find, change: m.Change}
		ledger := &brokenLedger{
			Store: good, begin: good.Begin, finish: good.Finish, block: good.Blocked, begun: good.Begun,
			end: good.End, sweep: good.Sweep, forget: good.Forget,
		}
		put(host, ledger)
		c.run(&pairSuite{&suite{r, besides(host, host, ledger)}, host, ledger})
	})
	return r.failed.Load()
}

// The suites of hosts and ledgers find each fault, by the check that is there for it.
func TestFaultsOfPairsAreFound(t *testing.T) {
	t.Parallel()
	for _, f := range pairFaults() {
		t.Run(f.check+"/"+f.name, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(allPairChecks(), func(c pairCheck) bool { return c.name == f.check })
			if i < 0 {
				t.Fatalf("no check is named %q", f.check)
			}
			if !pairFails(t, allPairChecks()[i], f.put) {
				t.Error("the suite does not see it")
			}
		})
	}
}

// A check of a pair fails for some fault, and not for a good pair.
func TestEveryCheckOfPairsCanFail(t *testing.T) {
	t.Parallel()
	for _, c := range allPairChecks() {
		if !slices.ContainsFunc(pairFaults(), func(f pairFault) bool { return f.check == c.name }) {
			t.Errorf("no fault for check %q", c.name)
		}
		if pairFails(t, c, func(*brokenHost, *brokenLedger) {}) {
			t.Errorf("check %q fails", c.name)
		}
	}
}
