package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/temporal"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/keys"
)

// tempPattern begins the names of the folders that everything is kept in meanwhile.
const tempPattern = "rekey-bench-"

// site is a product with each part in a process of its own, and the inbox in this one.
type site struct {
	role
	postgres *postgrestest.Server // of Temporal; nil for SQLite
	mail     *inbox.Inbox
	post     post
	parts    map[string]*child
	direct   client.Client // of the Temporal server, without keys
	http     http.Client
	people   int          // accounts that there are
	asked    atomic.Int64 // of these, who has asked for a mail

	profiles string // folder that they are kept in; empty keeps none
	watched  int
}

// newSite makes a site with so many accounts and starts these parts of it, in this order.
// It owns the PostgreSQL server.
func (b *bench) newSite(ctx context.Context, like role, people int, postgres *postgrestest.Server, parts ...string) (_ *site, err error) {
	s := &site{role: like, people: people, postgres: postgres, profiles: b.profiles, parts: map[string]*child{}, post: newPost()}
	s.http = http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	for _, part := range parts {
		if err := s.start(ctx, part); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *site) prepare(ctx context.Context) (err error) {
	if s.Dir, err = os.MkdirTemp("", tempPattern); err != nil {
		return err
	}
	if err := keys.Create(s.keyFolder(), true); err != nil {
		return err
	}
	if s.mail, err = inbox.Start("", ""); err != nil {
		return err
	}
	s.mail.Fail(s.post.take)
	s.SMTP = s.mail.SMTPAddr()
	for _, into := range []*string{&s.Temporal, &s.URL, &s.Idle} {
		free, err := temporal.Free("127.0.0.1:0")
		if err != nil {
			return err
		}
		*into = free.String()
	}
	s.URL, s.Idle = "http://"+s.URL, "http://"+s.Idle
	if s.postgres != nil {
		s.Database = s.postgres.URL("temporal")
	}
	return s.settle(ctx)
}

func address(n int) string { return fmt.Sprintf("person-%d@example.com", n) }

func person(n int) account.Account {
	return account.Account{ID: fmt.Sprintf("%07d", n), Address: address(n), Credential: "$argon2id$x", Resettable: true}
}

func people(n int) []account.Account {
	all := make([]account.Account, n)
	for i := range all {
		all[i] = person(i)
	}
	return all
}

// settle makes the accounts.
func (s *site) settle(ctx context.Context) (err error) {
	store, err := bolt.Open(s.accounts())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return store.PutMany(ctx, people(s.people))
}

// start starts a part. Another one of the same name must have been stopped.
func (s *site) start(ctx context.Context, part string) error {
	r := s.role
	r.Part = part
	c, err := r.start(ctx)
	if err != nil {
		return err
	}
	s.parts[part] = c
	if part == "temporal" {
		s.direct, err = client.DialContext(ctx, s.client())
	}
	return err
}

// stop stops a part, if it runs.
func (s *site) stop(part string) error {
	c := s.parts[part]
	if c == nil {
		return nil
	}
	delete(s.parts, part)
	return c.stop()
}

// close stops all, what was started first last, and leaves nothing behind.
func (s *site) close() error {
	errs := []error{s.stop("nothing"), s.stop("floor"), s.stop("starter"), s.stop("worker")}
	if s.direct != nil {
		s.direct.Close()
	}
	errs = append(errs, s.stop("temporal"))
	if s.postgres != nil {
		errs = append(errs, s.postgres.Remove())
	}
	if s.mail != nil {
		errs = append(errs, s.mail.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.Dir))...)
}

// nobodyYet is the address of an account that has done nothing so far.
func (s *site) nobodyYet() (string, error) {
	n := int(s.asked.Add(1)) - 1
	if n >= s.people {
		return "", fmt.Errorf("the site has only %d accounts", s.people)
	}
	return address(n), nil
}
