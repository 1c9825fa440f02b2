package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rekeyhq/rekey/internal/body"
	"github.com/rekeyhq/rekey/operator"
	"github.com/rekeyhq/rekey/starter"
)

// Campaigns forces resets of many accounts, as [operator.Client] does, whose methods these are. They
// are safe for concurrent use.
type Campaigns interface {
	StartCampaign(ctx context.Context, order operator.CampaignOrder) error
	Campaign(ctx context.Context) (operator.Campaign, error)
	PauseCampaign(ctx context.Context, operator string) (operator.Campaign, error)
	ResumeCampaign(ctx context.Context, operator string) (operator.Campaign, error)
	SetRate(ctx context.Context, operator string, rate float64) (operator.Campaign, error)
	CancelCampaign(ctx context.Context, operator string) (operator.Campaign, error)
}

// maxList bounds the body of a campaign in bytes: a list that Temporal takes, with its line ends.
const maxList = 2 << 20

var errDryRun = errors.New("dry_run is neither true nor false")

// startCampaign begins a campaign of a list or, when the request says so, of all accounts.
func startCampaign(ctx context.Context, c Config, f body.Fields) (any, error) {
	if err := (Forced{Reason: f["reason"]}).Check(); err != nil {
		return nil, err
	}
	rate, err := operator.ParseRate(f["rate"])
	if err != nil {
		return nil, err
	}
	list, listed := f["addresses"]
	all, everybody := f["all"]
	dry, trial := f["dry_run"]
	switch {
	case trial && dry != "true" && dry != "false":
		return nil, errDryRun
	case listed == everybody, everybody && all != "true", listed && f["after"] != "":
		return nil, operator.ErrList
	}
	order := operator.CampaignOrder{
		Operator: operatorOf(ctx), Reason: f["reason"], Rate: rate, After: f["after"], DryRun: dry == "true",
	}
	if listed {
		order.Addresses = operator.Lines(list)
	}
	return nil, away(c.Campaigns.StartCampaign(ctx, order))
}

// command is the route of a command to the campaign.
func command(do func(Campaigns, context.Context, string) (operator.Campaign, error)) call {
	return func(ctx context.Context, c Config, _ body.Fields) (any, error) {
		return shown(do(c.Campaigns, ctx, operatorOf(ctx)))
	}
}

func changeRate(ctx context.Context, c Config, f body.Fields) (any, error) {
	rate, err := operator.ParseRate(f["rate"])
	if err != nil {
		return nil, err
	}
	return shown(c.Campaigns.SetRate(ctx, operatorOf(ctx), rate))
}

func showCampaign(ctx context.Context, c Config, _ body.Fields) (any, error) {
	return shown(c.Campaigns.Campaign(ctx))
}

// shown is the answer about a campaign.
func shown(c operator.Campaign, err error) (any, error) {
	return struct {
		Status   string            `json:"status"`
		Campaign operator.Campaign `json:"campaign"`
	}{"okay", c}, away(err)
}

// away is an error of Temporal, unless an operator's client tells another one. That of a question is
// most often that no worker runs.
func away(err error) error {
	if err == nil || slices.ContainsFunc(problems, func(p result) bool { return errors.Is(err, p.err) }) {
		return err
	}
	return fmt.Errorf("%w: %w", starter.ErrUnavailable, err)
}

// operatorOf names a backend as an operator, whose name has no spaces: backend-token-1.
func operatorOf(ctx context.Context) string {
	name := "backend-" + strings.Map(func(r rune) rune {
		if strings.ContainsRune("._-", r) || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '-'
	}, Caller(ctx))
	return name[:min(len(name), 64)] // operator.CheckName
}
