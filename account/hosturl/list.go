package hosturl

import (
	"context"
	"fmt"

	"github.com/rekeyhq/rekey/account"
)

var _ account.Lister = (*Host)(nil)

// perRequest is how many accounts are asked for at once. An answer of them is far below maxBody.
const perRequest = 100

// Accounts implements [account.Lister]. An application that answers 404 or 501 lists none.
func (h *Host) Accounts(ctx context.Context, after string, limit int) (all []account.Account, err error) {
	for len(all) < limit {
		page, err := h.page(ctx, after, min(perRequest, limit-len(all)))
		if err != nil {
			return nil, fault("accounts", err)
		}
		if len(page) == 0 {
			break
		}
		all, after = append(all, page...), page[len(page)-1].ID
	}
	return all, nil
}

// page is the answer to one request. A walk over pages that repeat an account would not end.
func (h *Host) page(ctx context.Context, after string, limit int) (page []account.Account, err error) {
	var answer struct {
		Accounts *[]person `json:"accounts"`
	}
	if err := h.call(ctx, "accounts", map[string]any{"after": after, "limit": limit}, &answer); err != nil {
		return nil, err
	}
	if answer.Accounts == nil {
		return nil, errContract
	}
	if n := len(*answer.Accounts); n > limit {
		return nil, fmt.Errorf("%w: it has %d accounts in place of %d at most", errContract, n, limit)
	}
	seen := map[string]bool{after: true}
	for _, p := range *answer.Accounts {
		a, err := p.account()
		if err != nil {
			return nil, err
		}
		if seen[a.ID] {
			return nil, errRepeated
		}
		seen[a.ID], page = true, append(page, a)
	}
	return page, nil
}
