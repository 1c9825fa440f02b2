package storetest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// broken is a good store, of which some methods are replaced by ones with a fault. It remembers
// its calls, which faults need.
type broken struct {
	Harness // the good store

	find    func(ctx context.Context, address string) ([]account.Account, error)
	read    func(ctx context.Context, id string) (account.Account, error)
	issue   func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error)
	revoke  func(ctx context.Context, key account.RecordKey, at time.Time) error
	change  func(ctx context.Context, c account.Change) (string, error)
	block   func(ctx context.Context, blk account.Block) error
	list    func(ctx context.Context, after string, limit int) ([]account.Account, error)
	record  func(ctx context.Context, e account.Entry) error
	notice  func(ctx context.Context, run, submission string) (account.Notice, error)
	tell    func(ctx context.Context, submission string, what account.Telling, address string, at time.Time) (account.Notice, error)
	owed    func(ctx context.Context, before time.Time, most int) ([]account.Notice, error)
	end     func(ctx context.Context, run string, at time.Time) (account.Notice, error)
	sweep   func(ctx context.Context, before time.Time) (int, error)
	put     func(ctx context.Context, a account.Account) error
	remove  func(ctx context.Context, id string) error
	sign    func(ctx context.Context, id, credential string) (string, error)
	session func(ctx context.Context, sid string) (account.Account, error)
	audit   func(ctx context.Context, id string) ([]account.Entry, error)
	entries func(ctx context.Context, f account.Filter) ([]account.Entry, error)
	forget  func(ctx context.Context, id string, by account.Entry) (account.Forgotten, error)

	complain   func(ctx context.Context, e account.Entry) error
	sweepAudit func(ctx context.Context, now time.Time, keep time.Duration) (int, error)

	mu       sync.Mutex
	issued   map[account.RecordKey]account.TokenRecord // in good faith, revoked ones too
	applied  map[string]string                         // submission to account
	sessions map[string]string                         // session to account
	meeting  map[string]*sync.WaitGroup                // see meet
}

// breakStore makes a store with a fault.
func breakStore(good Harness, fault func(*broken)) Harness {
	b := &broken{
		Harness: good,
		find:    good.Find, read: good.Account, issue: good.IssueToken, revoke: good.RevokeToken,
		change: good.ChangePassword, record: good.Record, complain: good.Complained, sweep: good.Sweep,
		notice: good.Notice, tell: good.Tell, owed: good.Owed, end: good.End,
		put: good.Put, remove: good.Delete, sign: good.NewSession, session: good.Session, audit: good.Audit,
		entries: good.Entries, forget: good.Forget, sweepAudit: good.SweepAudit,
		block: good.Block, list: good.(account.Lister).Accounts,
		issued: map[account.RecordKey]account.TokenRecord{}, applied: map[string]string{},
		sessions: map[string]string{}, meeting: map[string]*sync.WaitGroup{},
	}
	fault(b)
	return b
}

func (b *broken) Find(ctx context.Context, address string) ([]account.Account, error) {
	return b.find(ctx, address)
}

func (b *broken) Account(ctx context.Context, id string) (account.Account, error) {
	return b.read(ctx, id)
}

func (b *broken) IssueToken(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
	issued, err := b.issue(ctx, t, limit)
	if err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.issued[t.Key] = t
	}
	return issued, err
}

func (b *broken) RevokeToken(ctx context.Context, key account.RecordKey, at time.Time) error {
	return b.revoke(ctx, key, at)
}

func (b *broken) Complained(ctx context.Context, e account.Entry) error { return b.complain(ctx, e) }

func (b *broken) ChangePassword(ctx context.Context, c account.Change) (string, error) {
	owner, err := b.change(ctx, c)
	if err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.applied[c.Submission] = owner
	}
	return owner, err
}

func (b *broken) Block(ctx context.Context, blk account.Block) error { return b.block(ctx, blk) }

func (b *broken) Accounts(ctx context.Context, after string, limit int) ([]account.Account, error) {
	return b.list(ctx, after, limit)
}

func (b *broken) Notice(ctx context.Context, run, submission string) (account.Notice, error) {
	return b.notice(ctx, run, submission)
}

func (b *broken) Tell(ctx context.Context, submission string, what account.Telling, address string, at time.Time) (account.Notice, error) {
	return b.tell(ctx, submission, what, address, at)
}

func (b *broken) Owed(ctx context.Context, before time.Time, most int) ([]account.Notice, error) {
	return b.owed(ctx, before, most)
}

func (b *broken) End(ctx context.Context, run string, at time.Time) (account.Notice, error) {
	return b.end(ctx, run, at)
}

func (b *broken) Record(ctx context.Context, e account.Entry) error { return b.record(ctx, e) }

func (b *broken) Sweep(ctx context.Context, before time.Time) (int, error) {
	return b.sweep(ctx, before)
}

func (b *broken) SweepAudit(ctx context.Context, now time.Time, keep time.Duration) (int, error) {
	return b.sweepAudit(ctx, now, keep)
}

func (b *broken) Entries(ctx context.Context, f account.Filter) ([]account.Entry, error) {
	return b.entries(ctx, f)
}

func (b *broken) Forget(ctx context.Context, id string, by account.Entry) (account.Forgotten, error) {
	return b.forget(ctx, id, by)
}

func (b *broken) Put(ctx context.Context, a account.Account) error { return b.put(ctx, a) }

func (b *broken) Delete(ctx context.Context, id string) error { return b.remove(ctx, id) }

func (b *broken) NewSession(ctx context.Context, id, credential string) (string, error) {
	sid, err := b.sign(ctx, id, credential)
	if err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.sessions[sid] = id
	}
	return sid, err
}

func (b *broken) Session(ctx context.Context, sid string) (account.Account, error) {
	return b.session(ctx, sid)
}

func (b *broken) Audit(ctx context.Context, id string) ([]account.Entry, error) {
	all, err := b.audit(ctx, id)
	return slices.DeleteFunc(all, func(e account.Entry) bool { return e.At.Equal(meddled) }), err
}

// meddled is the time of the audit entries that faults write with the good store. They are
// hidden, so that the fault itself is found.
var meddled = noon.AddDate(-1, 0, 0)

// drop deletes a token's record.
func (b *broken) drop(ctx context.Context, key account.RecordKey) {
	_ = b.Harness.RevokeToken(ctx, key, meddled)
}

// restore writes a token's record, however many mails the account has had.
func (b *broken) restore(ctx context.Context, t account.TokenRecord) {
	t.Issued = meddled
	_, _ = b.Harness.IssueToken(ctx, t, plenty)
}

// token returns the token that was issued under a key.
func (b *broken) token(key account.RecordKey) (account.TokenRecord, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.issued[key]
	return t, ok
}

// tokens returns the tokens that were issued to an account, or to all.
func (b *broken) tokens(id string) []account.TokenRecord {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Collect(maps.Values(b.issued)), func(t account.TokenRecord) bool {
		return id != "" && t.AccountID != id
	})
}

// owner returns the account that a submission was applied to, empty if it was not.
func (b *broken) owner(submission string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.applied[submission]
}

// meet returns when all racers of an account have come to it, so that earlier reads are out of
// date afterwards.
func (b *broken) meet(id string) {
	b.mu.Lock()
	if b.meeting[id] == nil {
		b.meeting[id] = new(sync.WaitGroup)
		b.meeting[id].Add(racers)
	}
	all := b.meeting[id]
	b.mu.Unlock()
	all.Done()
	all.Wait()
}
