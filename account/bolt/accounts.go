package bolt

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
)

// errID means that an account ID cannot be a key.
var errID = errors.New("an account ID must not be empty or hold a NUL byte")

// Find implements [account.Store].
func (s *Store) Find(ctx context.Context, address string) ([]account.Account, error) {
	var found []account.Account
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		for _, id := range members(tx, bucketAddresses, address) {
			a, err := read(tx, string(id))
			if err != nil {
				return err
			}
			found = append(found, a)
		}
		return nil
	})
	return found, err
}

// Account implements [account.Store].
func (s *Store) Account(ctx context.Context, id string) (a account.Account, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		a, err = read(tx, id)
		return err
	})
	return a, err
}

// Put creates an account or replaces the whole of it, its credential included. Its
// address must be a mail address; several accounts may have the same one, though none
// of them can be reset then.
func (s *Store) Put(ctx context.Context, a account.Account) error {
	return s.PutMany(ctx, []account.Account{a})
}

// perTransaction is how many accounts PutMany writes at once, which bounds its memory.
const perTransaction = 5000

// PutMany is Put for many accounts. When it fails, the first ones may be written.
func (s *Store) PutMany(ctx context.Context, accounts []account.Account) error {
	for len(accounts) > 0 {
		n := min(perTransaction, len(accounts))
		err := s.update(ctx, func(tx *bbolt.Tx) error {
			for _, a := range accounts[:n] {
				if err := write(tx, a); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		accounts = accounts[n:]
	}
	return nil
}

// Delete removes an account and its sessions. Its mailed links are refused from then on.
func (s *Store) Delete(ctx context.Context, id string) error {
	return s.update(ctx, func(tx *bbolt.Tx) error {
		old, err := read(tx, id)
		if err != nil {
			return err
		}
		if err := unindex(tx, old); err != nil {
			return err
		}
		if err := dropAll(tx, bucketAccountSessions, bucketSessions, id); err != nil {
			return err
		}
		return tx.Bucket(bucketAccounts).Delete([]byte(id))
	})
}

func read(tx *bbolt.Tx, id string) (a account.Account, err error) {
	ok, err := get(tx, bucketAccounts, []byte(id), &a)
	if err == nil && !ok {
		err = account.ErrNotFound
	}
	a.Locale = account.ParseLocale(a.Locale)
	return a, err
}

// write stores an account and moves it to its address in the index.
func write(tx *bbolt.Tx, a account.Account) error {
	if a.ID == "" || strings.ContainsRune(a.ID, 0) {
		return errID
	}
	address, err := account.ParseAddress(a.Address)
	if err != nil {
		return fmt.Errorf("account %s: %w", a.ID, err)
	}
	switch old, err := read(tx, a.ID); {
	case err == nil:
		if err := unindex(tx, old); err != nil {
			return err
		}
	case !errors.Is(err, account.ErrNotFound):
		return err
	}
	if err := tx.Bucket(bucketAddresses).Put(pair(address, []byte(a.ID)), nil); err != nil {
		return err
	}
	return put(tx, bucketAccounts, []byte(a.ID), a)
}

func unindex(tx *bbolt.Tx, a account.Account) error {
	address, err := account.ParseAddress(a.Address)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketAddresses).Delete(pair(address, []byte(a.ID)))
}
