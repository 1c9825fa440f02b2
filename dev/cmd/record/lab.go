package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/keys"
)

// scratch begins the names of the folders that everything is kept in meanwhile.
const scratch = "rekey-record-"

// lab is a running product that stories are recorded on, each with an account of its own.
type lab struct {
	*stack.Stack
	dir      string
	codec    *keys.Codec
	temporal client.Client // of an operator, who has the payload keys

	mu     sync.Mutex
	faults map[string]inbox.Fault // of the mail server, by recipient
}

// newLab starts a product under the checked-in keyset. Links and cool-downs are as long as
// told.
func newLab(ctx context.Context, keyset string, life, coolDown time.Duration) (_ *lab, err error) {
	l := &lab{faults: map[string]inbox.Fault{}}
	if l.dir, err = os.MkdirTemp("", scratch); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if err := install(keyset, filepath.Join(l.dir, "keys")); err != nil {
		return nil, err
	}
	cfg := stack.Throwaway(l.dir)
	cfg.LinkLife, cfg.CoolDown, cfg.Client = life, coolDown, anonymous("")
	if l.Stack, err = stack.Start(ctx, cfg); err != nil {
		return nil, err
	}
	l.Mail.Fail(l.fault)
	if l.codec, err = l.Keys.Payload(); err != nil {
		return nil, err
	}
	l.temporal, err = client.DialContext(ctx, l.codec.ClientOptions(l.TemporalOptions()))
	return l, err
}

func (l *lab) close() error {
	var err error
	if l.temporal != nil {
		l.temporal.Close()
	}
	if l.Stack != nil {
		err = l.Stop()
	}
	return errors.Join(err, os.RemoveAll(l.dir))
}

// install copies keysets to where they are read. Git keeps no permissions, and keysets
// that others may read are refused.
func install(from, to string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	for _, use := range keys.Uses() {
		raw, err := os.ReadFile(filepath.Join(from, string(use)+".json"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, string(use)+".json"), raw, 0o600); err != nil { //nolint:gosec // the names are ours
			return err
		}
	}
	return nil
}

// person is the account of a story.
func person(story string) account.Account {
	hash := stack.Throwaway("").Hashing.Hash(demo.Password, make([]byte, 16))
	return account.Account{ID: story, Address: story + "@example.com", Credential: hash, Resettable: true}
}

// fail sets what the mail server does with the mails to an address.
func (l *lab) fail(address string, f inbox.Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults[address] = f
}

func (l *lab) fault(m inbox.Message) error {
	l.mu.Lock()
	f := l.faults[m.To[0].Address]
	l.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(m)
}
