package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
)

const (
	storeAccounts = 20_000
	storeChanges  = 800 // at each number at once
)

// stores measures a durable password change in a bbolt file against one key written by
// bbolt alone, and against bbolt's way to write for several at once.
func (b *bench) stores(ctx context.Context) (_ []*table, err error) {
	n, workers := b.batch(storeChanges), []int{1, 8, 32}
	b.say("store: make the accounts")
	p, err := openPair(ctx, storeAccounts+len(workers)*(rounds+1)*n)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	t := &table{Title: "Durable writes to a bbolt file, a second", Columns: []string{"at once", "Update", "Batch", "ChangePassword", "ChangePassword to Update"}}
	for _, w := range workers {
		var update, batch, change batches
		err := b.warmed(fmt.Sprintf("store: %d at once", w), []*batches{&update, &batch, &change}, func(round int) error {
			if err := p.issue(ctx, n); err != nil {
				return err
			}
			return inTurn(round, update.write(ctx, n, w, p.update), batch.write(ctx, n, w, p.batch), change.write(ctx, n, w, p.change))
		})
		if err != nil {
			return nil, err
		}
		t.add(w, update.perSecond(), batch.perSecond(), change.perSecond(), change.perSecond()/update.perSecond())
	}
	return []*table{t}, nil
}

func (b *batches) write(ctx context.Context, n, workers int, do func(context.Context) error) func() error {
	return func() error {
		_, took, err := atOnce(ctx, n, workers, timed(do))
		b.add(n, took, nil, nil)
		return err
	}
}

// pair is a store with accounts, and a bbolt file for one who writes without it.
type pair struct {
	dir    string
	store  *bolt.Store
	bare   *bbolt.DB
	tokens chan account.Token // issued and not used
	issued int
}

func openPair(ctx context.Context, accounts int) (_ *pair, err error) {
	p := &pair{}
	if p.dir, err = os.MkdirTemp("", tempPattern); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.store, err = bolt.Open(filepath.Join(p.dir, "accounts.db")); err != nil {
		return nil, err
	}
	if err := p.store.PutMany(ctx, people(accounts)); err != nil {
		return nil, err
	}
	if p.bare, err = bbolt.Open(filepath.Join(p.dir, "bare.db"), 0o600, nil); err != nil {
		return nil, err
	}
	return p, p.bare.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bareBucket)
		return err
	})
}

func (p *pair) close() (err error) {
	if p.store != nil {
		err = p.store.Close()
	}
	if p.bare != nil {
		err = errors.Join(err, p.bare.Close())
	}
	return errors.Join(err, os.RemoveAll(p.dir))
}

// issue makes n links, each for an account that had none.
func (p *pair) issue(ctx context.Context, n int) error {
	p.tokens = make(chan account.Token, n)
	for range n {
		a, now := person(p.issued), time.Now()
		t := account.Token{
			Scope: account.ScopePasswordReset, AccountID: a.ID, Address: a.Address,
			Credential: account.CredentialDigest(a.Credential), Run: "run", Mail: rand.Text(),
			Issued: now, Expires: now.Add(time.Hour),
		}
		binary.BigEndian.PutUint64(t.Key[:], uint64(p.issued)) //nolint:gosec // not negative
		p.issued++
		if _, err := p.store.IssueToken(ctx, t, 10); err != nil {
			return fmt.Errorf("link %d: %w", p.issued, err)
		}
		p.tokens <- t
	}
	return nil
}

func (p *pair) change(ctx context.Context) error {
	t := <-p.tokens
	_, err := p.store.ChangePassword(ctx, account.Change{Token: t.Key, Submission: t.Mail, Run: t.Run, Hash: "$argon2id$y", At: t.Issued})
	return err
}

func (p *pair) update(context.Context) error { return p.bare.Update(put) }
func (p *pair) batch(context.Context) error  { return p.bare.Batch(put) }

var bareBucket = []byte("bare")

// put writes one key.
func put(tx *bbolt.Tx) error {
	key := []byte(rand.Text())
	return tx.Bucket(bareBucket).Put(key, key)
}
