package starter

import (
	"errors"
	"net/url"
	"testing"

	"github.com/rekeyhq/rekey/link"
)

// security 29: the ticket of the page that waits is no link: it resets, shows and cancels nothing,
// and a link is no ticket. It holds no address.
func TestTicketOnlyTells(t *testing.T) {
	t.Parallel()
	s := newScripted(t)
	token := s.token(t, link.Reset, soon())
	ticket, err := s.Follow(token)
	if err != nil || ticket != url.PathEscape(ticket) {
		t.Fatalf("ticket %q, %v", ticket, err)
	}
	for what, err := range map[string]error{
		"submission": s.Submit(t.Context(), ticket, goodPassword),
		"cancel":     s.Cancel(t.Context(), ticket),
		"look":       second(s.Inspect(t.Context(), ticket)),
		"ticket":     second(s.Follow(ticket)),
		"link":       second(s.Followed(t.Context(), token)),
	} {
		if !errors.Is(err, ErrLinkInvalid) {
			t.Errorf("%s: %v, want %v", what, err, ErrLinkInvalid)
		}
	}
	if claims, _, err := s.links.Open(link.Follow, ticket); err != nil || claims.Address != "" {
		t.Errorf("the ticket holds %+v, %v", claims, err)
	}
	if state, err := s.Followed(t.Context(), ticket); err != nil || state != LinkOpen {
		t.Errorf("state %q, %v", state, err)
	}
}

func second[T any](_ T, err error) error { return err }
