package starter

import (
	"context"
	"errors"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
)

// ErrMessageUnknown means that a Message-ID is none of a mail with a link. It costs no call.
var ErrMessageUnknown = errors.New("the Message-ID is none of a mail with a link")

// bounces is the metric that counts genuine reports of mails that bounced, and complaints. A provider
// that repeats one counts twice.
const bounces = "rekey_bounces"

func (c *Client) countBounce(kind flow.BounceKind, n int64) {
	c.metrics().WithTags(map[string]string{"kind": string(kind)}).Counter(bounces).Inc(n)
}

// announce makes the counters known from the start: one that appears with its first event hides that
// event from alerts on its increase.
func (c *Client) announce() {
	for _, kind := range flow.BounceKinds() {
		c.countBounce(kind, 0)
	}
}

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
	if err != nil && !SignalsFull(err) && !notFound(err) {
		return c.fault(err)
	}
	c.countBounce(kind, 1)
	if notFound(err) {
		c.cfg.Log.Info().Str("workflow", workflowID).Str("run", m.RunID).Str("kind", string(kind)).Msg("a mail bounced whose run has ended")
	}
	return nil
}
