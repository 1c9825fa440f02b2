package account

import (
	"context"
	"errors"
)

// Lister is a [Store] or a [Host] that lists its accounts, for forced resets of all of them. A store
// need not be one.
type Lister interface {
	// Accounts returns at most limit accounts, closed ones too, in the order of their IDs. The order
	// is the store's own, total, and the same for all calls. After is the ID of the last account of
	// the page before, which may be deleted since, or empty for the first page. Limit is more than
	// zero. Only an empty page is the end.
	//
	// An account that exists from the first page to the last is on one of them, once. A page costs as
	// much in a table of a million accounts as in a small one. Errors: ErrNotListed.
	Accounts(ctx context.Context, after string, limit int) ([]Account, error)
}

// ErrNotListed means that a host answers about single accounts only, and lists none.
var ErrNotListed = errors.New("the application does not list its accounts")
