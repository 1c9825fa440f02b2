package hosturl

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/webhook"
	"github.com/rekeyhq/rekey/password"
)

// slow is how long an answer may take. A person waits for two of them after a new password.
const slow = time.Second

// nowhere belongs to no account: .invalid is kept free of names (RFC 2606).
const nowhere = "probe@rekey.invalid"

// Check holds the application to the contract and reports each rule with its error, nil when the
// application keeps it. With the address of one account it changes the credential of that account
// and changes it back, which ends the account's sessions. Without an address it changes nothing.
func (h *Host) Check(ctx context.Context, address string, report func(rule string, err error)) {
	c := &checker{Host: h, ctx: ctx, report: report}
	c.rule("find: an unknown address has no account", c.findsNobody)
	c.rule("account: an unknown id is answered with 404", c.knowsNobody)
	c.rule("a signature of another secret is answered with 401", c.refusesForgery)
	c.rule("a signature that is ten minutes old is answered with 401", c.refusesReplay)
	c.rule("a signature for another body is answered with 401", c.refusesOtherBody)
	c.rule("accounts: pages follow each other, or the request is answered with 404 or 501", c.lists)
	if address != "" {
		c.account(address)
	}
}

type checker struct {
	*Host
	ctx    context.Context //nolint:containedctx // it lives as long as Check
	report func(rule string, err error)
}

// rule checks one, and that its answers are not slow. It reports whether the application keeps it.
func (c *checker) rule(rule string, check func() error) bool {
	start := time.Now()
	err := check()
	if took := time.Since(start); err == nil && took > slow {
		err = fmt.Errorf("it took %s, and should take less than %s", took.Round(time.Millisecond), slow)
	}
	c.report(rule, err)
	return err == nil
}

func (c *checker) findsNobody() error {
	found, err := c.Find(c.ctx, nowhere)
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("it found %d for %s", len(found), nowhere)
	}
	return err
}

func (c *checker) knowsNobody() error {
	_, err := c.Account(c.ctx, rand.Text())
	return wants(err, account.ErrNotFound, "404 no_account")
}

// wants turns the expected error into none.
func wants(err, expected error, status string) error {
	switch {
	case errors.Is(err, expected):
		return nil
	case err == nil:
		return fmt.Errorf("want %s, not 200", status)
	}
	return err
}

// lists compares pages of one account with a longer one. An order by something else than the ID, and
// a walk that begins again, show there.
func (c *checker) lists() error {
	const first = 3
	together, err := c.page(c.ctx, "", first)
	if errors.Is(err, account.ErrNotListed) {
		return nil
	}
	var alone []account.Account
	for after := ""; err == nil && len(alone) < first; {
		var page []account.Account
		if page, err = c.page(c.ctx, after, 1); len(page) == 0 {
			break
		}
		alone, after = append(alone, page...), page[0].ID
	}
	sameID := func(a, b account.Account) bool { return a.ID == b.ID }
	if err == nil && !slices.EqualFunc(together, alone, sameID) {
		err = errors.New("pages of one account are not those of a longer page")
	}
	return err
}

func (c *checker) refusesForgery() error {
	forger := *c.Host
	forger.secrets = webhook.Secrets{[]byte(rand.Text())}
	return forger.refused(c.ctx)
}

func (c *checker) refusesReplay() error {
	late := *c.Host
	late.now = func() time.Time { return time.Now().Add(-10 * time.Minute) }
	return late.refused(c.ctx)
}

func (c *checker) refusesOtherBody() error {
	other := *c.Host
	other.signed = `{"address":"other@rekey.invalid"}`
	return other.refused(c.ctx)
}

// refused checks that a request with a wrong signature is.
func (h *Host) refused(ctx context.Context) error {
	err := h.call(ctx, "find", map[string]string{"address": nowhere}, nil)
	return wants(err, errUnsigned, "401")
}

// account checks what needs an account.
func (c *checker) account(address string) {
	var a account.Account
	if !c.rule("find: the address has one account, which account returns alike", func() (err error) {
		a, err = c.one(address)
		return err
	}) {
		return
	}
	like, err := password.Like(a.Credential)
	if !c.rule("account: its credential has a form that rekey can write", func() error { return err }) {
		return
	}
	to := account.HostChange{AccountID: a.ID, Old: account.CredentialDigest(a.Credential), New: password.Sample(like), Submission: rand.Text()}
	back := account.HostChange{AccountID: a.ID, Old: account.CredentialDigest(to.New), New: a.Credential, Submission: rand.Text()}
	stale, nobody := back, to
	nobody.AccountID = rand.Text()
	c.rule("change: an unknown id is answered with 404", func() error {
		return wants(c.Change(c.ctx, nobody), account.ErrAccountGone, "404 no_account")
	})
	stale.New = password.Sample(like)
	c.rule("change: another credential than the old one is answered with 409", func() error {
		return wants(c.Change(c.ctx, stale), account.ErrCredentialChanged, "409 credential_changed")
	})
	c.rule("change: the new credential is set", func() error { return c.set(to) })
	c.rule("change: a repetition is answered with 200", func() error { return c.Change(c.ctx, to) })
	c.ctx = context.WithoutCancel(c.ctx) // also when the caller gives up
	c.rule("change: the old credential is set again", func() error {
		now, err := c.Account(c.ctx, a.ID)
		back.Old = account.CredentialDigest(now.Credential)
		return cmp.Or(err, c.Change(c.ctx, back))
	})
}

// set changes the credential. An application that keeps another one than the new one locks people out.
func (c *checker) set(to account.HostChange) error {
	if err := c.Change(c.ctx, to); err != nil {
		return err
	}
	now, err := c.Account(c.ctx, to.AccountID)
	if err == nil && now.Credential != to.New {
		err = errors.New("it keeps another credential than the new one")
	}
	return err
}

// one returns the account of an address.
func (c *checker) one(address string) (account.Account, error) {
	found, err := c.Find(c.ctx, address)
	if err != nil {
		return account.Account{}, err
	}
	if len(found) != 1 {
		return account.Account{}, fmt.Errorf("want one account, not %d", len(found))
	}
	a, err := c.Account(c.ctx, found[0].ID)
	switch {
	case err != nil:
		return a, err
	case a.Credential != found[0].Credential || a.Address != found[0].Address:
		return a, errAnother
	case !account.SameAddress(a.Address, address):
		return a, errors.New("the account has another address")
	}
	return a, nil
}
