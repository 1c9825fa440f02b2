package mysql

import (
	"context"

	"github.com/rekeyhq/rekey/account"
)

var _ account.Lister = (*Host)(nil)

// Accounts implements [account.Lister]. The order is that of the column's type and collation, so
// that the index of a primary key serves.
func (h *Host) Accounts(ctx context.Context, after string, limit int) (page []account.Account, err error) {
	if after == "" {
		page, err = h.read(ctx, "TRUE ORDER BY id LIMIT ?", limit)
		return page, fault(ctx, err)
	}
	key := h.key(after)
	if key == nil {
		return nil, errNoID
	}
	page, err = h.read(ctx, "id > ? ORDER BY id LIMIT ?", key, limit)
	return page, fault(ctx, err)
}

// errNoID means that the last account of a page before is of another table.
var errNoID = &Error{text: "the ID of the page before is no number, and those of " + usersView + " are"}
