package starter

import (
	"context"

	"github.com/rekeyhq/rekey/link"
)

// Follow implements [Resets]. A ticket names the run and holds no address, so it may stand in
// the address bar, where a link may not.
func (c *Client) Follow(token string) (string, error) {
	l, err := c.open(link.Reset, token)
	if err != nil {
		return "", err
	}
	ticket, err := c.links.Seal(link.Follow, link.Claims{
		RunID: l.claims.RunID, AccountKey: l.claims.AccountKey, Expires: l.claims.Expires,
	})
	return ticket.Text(), err
}

// Followed implements [Resets].
func (c *Client) Followed(ctx context.Context, ticket string) (LinkState, error) {
	l, err := c.open(link.Follow, ticket)
	if err != nil {
		return "", err
	}
	now, err := c.inspect(ctx, l)
	return now.State, err
}
