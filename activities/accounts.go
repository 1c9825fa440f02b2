package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/workflow"
)

// countPage is how many accounts the count reads at once.
const countPage = 1_000

const (
	notListed = "the store of this worker does not list its accounts: force a list of addresses"
	wasReset  = "the run was reset from outside: begin another campaign after its last account"
)

// ListAccounts reads a page of accounts to force. It leaves out, and counts, those that a forced reset
// refuses. A page of an operator's list has the accounts of its addresses.
func (a *Activities) ListAccounts(ctx context.Context, l workflow.Listing) (workflow.Page, error) {
	return a.answerListing(ctx, l, func(page *workflow.Page) error {
		if len(l.Addresses) > 0 {
			return a.lookUp(ctx, l.Addresses, page)
		}
		found, err := a.Lister.Accounts(ctx, l.After, l.Limit)
		if err != nil {
			return err
		}
		return a.add(ctx, page, found)
	})
}

// CountAccounts counts the accounts that ListAccounts would list on all pages.
func (a *Activities) CountAccounts(ctx context.Context, l workflow.Listing) (workflow.Page, error) {
	page, err := a.answerListing(ctx, l, func(page *workflow.Page) error {
		if len(l.Addresses) > 0 {
			return a.lookUp(ctx, l.Addresses, page)
		}
		page.Next = l.After
		for !page.Last {
			found, err := a.Lister.Accounts(ctx, page.Next, countPage)
			if err == nil {
				err = a.add(ctx, page, found)
			}
			if err != nil {
				return err
			}
			page.Total += len(page.Accounts)
			page.Accounts = nil
		}
		return nil
	})
	page.Total += len(page.Accounts)
	page.Accounts, page.Next, page.Last = nil, "", false
	return page, err
}

// answerListing is what both activities share. Only the worker with the keys of accounts knows the
// IDs of their runs. A campaign that somebody reset in Temporal would force again whom it forced
// long ago, so it gets no page.
func (a *Activities) answerListing(ctx context.Context, l workflow.Listing, read func(*workflow.Page) error) (workflow.Page, error) {
	if err := checkSender(ctx, l.Sender, l.Run); err != nil {
		return workflow.Page{}, err
	}
	page := workflow.Page{Of: l.Name(), At: a.Now().UTC()}
	switch {
	case l.Sender != l.Run:
		page.Refused = wasReset
		return page, nil
	case a.AccountKeys == nil:
		return workflow.Page{}, temporal.NewApplicationErrorWithOptions(
			"this worker has no account.json: copy it into its folder of keys, and start it again",
			flow.KeyMissing, temporal.ApplicationErrorOptions{})
	case a.Lister == nil && len(l.Addresses) == 0:
		page.Refused = notListed
		return page, nil
	}
	defer heartbeat(ctx)()
	if err := read(&page); errors.Is(err, account.ErrNotListed) {
		return workflow.Page{Of: page.Of, Refused: notListed}, nil
	} else if err != nil {
		return workflow.Page{}, withType(ctx, StoreFault{err})
	}
	return page, nil
}

// lookUp adds the accounts of addresses to a page.
func (a *Activities) lookUp(ctx context.Context, addresses []string, page *workflow.Page) error {
	for _, address := range addresses {
		found, err := a.Store.Find(ctx, address)
		if err != nil {
			return err
		}
		if fit, ok := a.forced(found, address); ok {
			page.Accounts = append(page.Accounts, fit)
		} else {
			page.Unfit++
		}
	}
	return nil
}

// forced is the account of an address, among those that the store found for it.
func (a *Activities) forced(found []account.Account, address string) (workflow.Forced, bool) {
	for _, owner := range found {
		if account.SameAddress(owner.Address, address) && !unforceable(owner) {
			return workflow.Forced{Key: a.AccountKeys.Key(address), Address: address}, true
		}
	}
	return workflow.Forced{}, false
}

// add adds accounts of a store to a page. A closed account behind an open one of its address is
// blocked with that.
func (a *Activities) add(ctx context.Context, page *workflow.Page, found []account.Account) error {
	page.Last = len(found) == 0
	for _, owner := range found {
		page.Next = owner.ID
		address, err := account.ParseAddress(owner.Address)
		if err != nil || unforceable(owner) {
			page.Unfit++
			continue
		}
		if owner.Disabled {
			open, _, err := a.owner(ctx, address, blockable)
			if err != nil {
				return err
			}
			if open.ID != owner.ID {
				page.Unfit++
				continue
			}
		}
		page.Accounts = append(page.Accounts, workflow.Forced{Key: a.AccountKeys.Key(address), ID: owner.ID, Address: address})
	}
	return nil
}

// unforceable reports that the order for an account would be refused.
func unforceable(a account.Account) bool {
	_, err := password.Unusable(a.Credential, "")
	return blockable(a) != "" || err != nil
}
