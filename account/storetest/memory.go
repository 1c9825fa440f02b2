package storetest

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/rekeyhq/rekey/account"
)

// Memory is an application that keeps accounts and sessions in memory, for tests of code that talks
// to a host. It is a [HostHarness].
type Memory struct {
	mu       sync.Mutex
	accounts map[string]account.Account
	sessions map[string]session
	verified map[string]bool // accounts whose address is verified
	signIns  int             // so far
}

type session struct{ owner, credential string }

// NewMemory returns one without accounts.
func NewMemory() *Memory {
	return &Memory{accounts: map[string]account.Account{}, sessions: map[string]session{}, verified: map[string]bool{}}
}

// locked does something with the maps.
func (m *Memory) locked(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return do()
}

// Find implements account.Host.
func (m *Memory) Find(ctx context.Context, address string) (found []account.Account, err error) {
	err = m.locked(ctx, func() error {
		for _, a := range m.accounts {
			if account.SameAddress(a.Address, address) {
				found = append(found, a)
			}
		}
		return nil
	})
	return found, err
}

// Account implements account.Host.
func (m *Memory) Account(ctx context.Context, id string) (a account.Account, err error) {
	err = m.locked(ctx, func() error {
		var ok bool
		if a, ok = m.accounts[id]; !ok {
			return account.ErrNotFound
		}
		return nil
	})
	return a, err
}

// Accounts implements account.Lister.
func (m *Memory) Accounts(ctx context.Context, after string, limit int) (page []account.Account, err error) {
	err = m.locked(ctx, func() error {
		for _, id := range slices.Sorted(maps.Keys(m.accounts)) {
			if id > after && len(page) < limit {
				page = append(page, m.accounts[id])
			}
		}
		return nil
	})
	return page, err
}

// Change implements account.Host.
func (m *Memory) Change(ctx context.Context, c account.HostChange) error {
	return m.locked(ctx, func() error {
		a, ok := m.accounts[c.AccountID]
		if !ok {
			return account.ErrAccountGone
		}
		if err := c.From(a.Credential); err != nil {
			return err
		}
		a.Credential = c.New
		m.accounts[a.ID] = a
		m.verified[a.ID] = m.verified[a.ID] || c.Verified
		for sid, s := range m.sessions {
			if s.owner == a.ID {
				delete(m.sessions, sid)
			}
		}
		return nil
	})
}

// Verified implements Verifier.
func (m *Memory) Verified(ctx context.Context, id string) (is bool, err error) {
	err = m.locked(ctx, func() error {
		is = m.verified[id]
		return nil
	})
	return is, err
}

// Put implements App.
func (m *Memory) Put(ctx context.Context, a account.Account) error {
	return m.locked(ctx, func() error {
		m.accounts[a.ID] = a
		return nil
	})
}

// Delete implements App.
func (m *Memory) Delete(ctx context.Context, id string) error {
	return m.locked(ctx, func() error {
		delete(m.accounts, id)
		return nil
	})
}

// NewSession implements App.
func (m *Memory) NewSession(ctx context.Context, accountID, credential string) (sid string, err error) {
	err = m.locked(ctx, func() error {
		if m.accounts[accountID].Credential != credential {
			return account.ErrCredentialChanged
		}
		m.signIns++
		sid = strconv.Itoa(m.signIns)
		m.sessions[sid] = session{accountID, credential}
		return nil
	})
	return sid, err
}

// Session implements App.
func (m *Memory) Session(ctx context.Context, sid string) (a account.Account, err error) {
	err = m.locked(ctx, func() error {
		s, ok := m.sessions[sid]
		if a = m.accounts[s.owner]; !ok || a.Credential != s.credential {
			return account.ErrNotFound
		}
		return nil
	})
	return a, err
}
