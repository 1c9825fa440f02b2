package backend_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/backend"
	"github.com/rekeyhq/rekey/operator"
)

// fakeCampaigns stands for the client of operators: it remembers its calls.
type fakeCampaigns struct {
	err   error
	calls []string
}

func (f *fakeCampaigns) took(format string, values ...any) (operator.Campaign, error) {
	f.calls = append(f.calls, fmt.Sprintf(format, values...))
	return operator.Campaign{State: "running", Started: 3, Left: 4}, f.err
}

func (f *fakeCampaigns) StartCampaign(_ context.Context, o operator.CampaignOrder) error {
	_, err := f.took("start %q by %s: %g/s of %q after %q, dry %t", o.Reason, o.Operator, o.Rate, o.Addresses, o.After, o.DryRun)
	return err
}

func (f *fakeCampaigns) Campaign(context.Context) (operator.Campaign, error) { return f.took("show") }

func (f *fakeCampaigns) PauseCampaign(_ context.Context, by string) (operator.Campaign, error) {
	return f.took("pause by %s", by)
}

func (f *fakeCampaigns) ResumeCampaign(_ context.Context, by string) (operator.Campaign, error) {
	return f.took("resume by %s", by)
}

func (f *fakeCampaigns) SetRate(_ context.Context, by string, rate float64) (operator.Campaign, error) {
	return f.took("rate %g/s by %s", rate, by)
}

func (f *fakeCampaigns) CancelCampaign(_ context.Context, by string) (operator.Campaign, error) {
	return f.took("cancel by %s", by)
}

func with(c backend.Campaigns) func(*backend.Config) {
	return func(b *backend.Config) { b.Campaigns = c }
}

// A request for a campaign is that of an operator, whose name is the backend's.
func TestCampaigns(t *testing.T) {
	t.Parallel()
	const started = `{"status":"accepted"}`
	for _, tc := range []struct{ path, body, answer, want string }{
		{"/v1/campaigns", `{"all":"true","reason":"a leak","rate":"50/s"}`, started, `start "a leak" by backend-token-1: 50/s of [] after "", dry false`},
		{"/v1/campaigns", `{"all":"true","reason":"a leak","rate":"600/m","after":"ann","dry_run":"true"}`, started, `start "a leak" by backend-token-1: 10/s of [] after "ann", dry true`},
		{"/v1/campaigns", `{"addresses":"ann@example.com\r\n\nbo@example.com\n","reason":"a leak","rate":"1"}`, started, `start "a leak" by backend-token-1: 1/s of ["ann@example.com" "bo@example.com"] after "", dry false`},
		{"/v1/campaigns/status", `{}`, "", "show"},
		{"/v1/campaigns/pause", `{}`, "", "pause by backend-token-1"},
		{"/v1/campaigns/resume", `{}`, "", "resume by backend-token-1"},
		{"/v1/campaigns/cancel", `{}`, "", "cancel by backend-token-1"},
		{"/v1/campaigns/rate", `{"rate":"5/s"}`, "", "rate 5/s by backend-token-1"},
	} {
		c := &fakeCampaigns{}
		h, _ := newHandler(t, &fakeFlows{}, with(c))
		w := ask(h, post, tc.path, tc.body)
		if got := strings.Join(c.calls, "; "); got != tc.want {
			t.Errorf("%s %s called %s, want %s", tc.path, tc.body, got, tc.want)
		}
		if tc.answer != "" {
			if w.Code != 202 || strings.TrimSpace(w.Body.String()) != tc.answer {
				t.Errorf("%s: %d %s", tc.path, w.Code, w.Body)
			}
			continue
		}
		var a struct {
			Status   string
			Campaign operator.Campaign
		}
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 || a.Status != "okay" || a.Campaign.Left != 4 {
			t.Errorf("%s: %d %s: %v", tc.path, w.Code, w.Body, err)
		}
	}
}

// security 52: no campaign begins by a request that names neither all accounts nor a list.
func TestCampaignsRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		path, body string
		status     int
		code       string
	}{
		{"/v1/campaigns", `{"reason":"a leak","rate":"50/s"}`, 400, "addresses_invalid"},
		{"/v1/campaigns", `{"all":"false","reason":"a leak","rate":"50/s"}`, 400, "addresses_invalid"},
		{"/v1/campaigns", `{"all":"true","addresses":"ann@example.com","reason":"a leak","rate":"50/s"}`, 400, "addresses_invalid"},
		{"/v1/campaigns", `{"addresses":"ann@example.com","after":"ann","reason":"a leak","rate":"50/s"}`, 400, "addresses_invalid"},
		{"/v1/campaigns", `{"all":"true","reason":" ","rate":"50/s"}`, 400, "reason_invalid"},
		{"/v1/campaigns", `{"all":"true","reason":"a leak"}`, 400, "rate_invalid"},
		{"/v1/campaigns", `{"all":"true","reason":"a leak","rate":"501/s"}`, 400, "rate_invalid"},
		{"/v1/campaigns", `{"all":"true","reason":"a leak","rate":"NaN"}`, 400, "rate_invalid"},
		{"/v1/campaigns", `{"all":"true","reason":"a leak","rate":"50/s","dry_run":"yes"}`, 400, "dry_run_invalid"},
		{"/v1/campaigns", `{"all":true,"reason":"a leak","rate":"50/s"}`, 400, "field_type"},
		{"/v1/campaigns", `{"addresses":"` + strings.Repeat("a", 2<<20) + `"}`, 413, "body_too_large"},
		{"/v1/campaigns/rate", `{"rate":"0"}`, 400, "rate_invalid"},
		{"/v1/campaigns/pause", `{"rate":"1"}`, 400, "field_unknown"},
		{"/v1/campaigns/pause", `{"address":"` + strings.Repeat("a", 16<<10) + `"}`, 413, "body_too_large"},
	} {
		c := &fakeCampaigns{}
		h, _ := newHandler(t, &fakeFlows{}, with(c))
		if w := ask(h, post, tc.path, tc.body); w.Code != tc.status || codeOf(t, w.Body.Bytes()) != tc.code || len(c.calls) > 0 {
			t.Errorf("%s %.90s: %d %s, want %d %s; called %v", tc.path, tc.body, w.Code, w.Body, tc.status, tc.code, c.calls)
		}
	}
}

// Errors of the campaign have codes. Any other is Temporal's.
func TestCampaignsFail(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err    error
		status int
		code   string
	}{
		{operator.ErrCampaign, 409, "campaign_open"},
		{operator.ErrNoCampaign, 409, "no_campaign"},
		{operator.ErrCampaignOver, 409, "campaign_over"},
		{operator.ErrCommand, 409, "command_refused"},
		{operator.ErrList, 400, "addresses_invalid"},
		{fmt.Errorf("address 7: %w", account.ErrAddress), 400, "address_invalid"},
		{errors.New("no worker answers"), 503, "unavailable"},
	} {
		for path, body := range map[string]string{
			"/v1/campaigns": `{"all":"true","reason":"a leak","rate":"50/s"}`, "/v1/campaigns/pause": `{}`, "/v1/campaigns/status": `{}`,
		} {
			h, _ := newHandler(t, &fakeFlows{}, with(&fakeCampaigns{err: tc.err}))
			if w := ask(h, post, path, body); w.Code != tc.status || codeOf(t, w.Body.Bytes()) != tc.code {
				t.Errorf("%s %v: %d %s", path, tc.err, w.Code, w.Body)
			}
		}
	}
}

// security 50: backends force resets of many accounts only where the setting says so.
func TestCampaignsAreOff(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, &fakeFlows{})
	for _, path := range []string{"/v1/campaigns", "/v1/campaigns/status", "/v1/campaigns/cancel"} {
		if w := ask(h, post, path, `{}`); w.Code != 404 || codeOf(t, w.Body.Bytes()) != "not_found" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}
