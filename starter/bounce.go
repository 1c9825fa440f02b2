package starter

import (
	"context"
	"errors"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
)

// ErrMessageUnknown means that a Message-ID is none of a mail with a link. It costs no call.
var ErrMessageUnknown = errors.New("the Message-ID is none of a mail with a link")

// Bounced tells the run of a mail that it bounced, or that its reader complained. When that run has
// ended, the open run of its account and flow is told. Without one there is nobody to tell, which
// leaves a line in the log and is no error. Errors: ErrMessageUnknown, ErrUnavailable.
func (c *Client) Bounced(ctx context.Context, messageID string, kind flow.BounceKind) error {
	m, err := c.messageIDs.Open(messageID)
	if errors.Is(err, keys.ErrMessage) {
		return ErrMessageUnknown
	} else if err != nil {
		return c.fault(err)
	}
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	workflowID := flow.Definition{Kind: m.Flow}.ID(m.AccountKey)
	err = c.temporal.SignalWorkflow(ctx, workflowID, "", flow.BounceSignal, flow.Bounce{AccountKey: m.AccountKey, Run: m.RunID, Kind: kind})
	switch {
	case SignalsFull(err): // it was told often enough
		return nil
	case notFound(err):
		c.cfg.Log.Info().Str("workflow", workflowID).Str("run", m.RunID).Str("kind", string(kind)).Msg("a mail bounced whose run has ended")
		return nil
	}
	return c.fault(err)
}
