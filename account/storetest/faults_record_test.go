package storetest

import (
	"context"

	"github.com/rekeyhq/rekey/account"
)

// auditing is a fault of the audit log: it changes entries, or drops them by false.
func auditing(keep func(*account.Entry) bool) func(*broken) {
	return func(b *broken) {
		b.audit = func(ctx context.Context, id string) ([]account.Entry, error) {
			all, err := b.Harness.Audit(ctx, id)
			var kept []account.Entry
			for _, e := range all {
				if keep(&e) {
					kept = append(kept, e)
				}
			}
			return kept, err
		}
	}
}

func without(event account.Event) func(*account.Entry) bool {
	return func(e *account.Entry) bool { return e.Event != event }
}

// recordFaults are about which record a change goes by, and the audit log's entries.
func recordFaults() []fault {
	return []fault{
		{"change/other submission", "takes the next one", unknown(func(ctx context.Context, b *broken, c account.Change) (string, error) {
			t, ok := b.token(c.Record)
			if !ok {
				return "", account.ErrTokenUnknown
			}
			b.overwrite(ctx, c, t.AccountID)
			return t.AccountID, nil
		})},
		{"change/other submission", "calls it a refusal", unknown(func(context.Context, *broken, account.Change) (string, error) {
			return "", account.ErrCredentialChanged
		})},
		{"change/other submission", "audits a refusal", unknown(func(ctx context.Context, b *broken, c account.Change) (string, error) {
			t, _ := b.token(c.Record)
			_ = b.Record(ctx, account.Entry{At: c.At, Event: account.EventChangeRefused, AccountID: t.AccountID})
			return "", account.ErrTokenUnknown
		})},
		{"change/unknown", "ignores the scope", issuing(func(t *account.TokenRecord, _ *int) { t.Scope = account.ScopePasswordReset })},
		{"change/unknown", "ignores the run", before(func(_ context.Context, b *broken, c *account.Change) {
			if t, ok := b.token(c.Record); ok && b.owner(c.Submission) == "" {
				c.Run = t.Run
			}
		})},
		{"change/unknown", "ignores the submission's run", unknown(func(_ context.Context, b *broken, c account.Change) (string, error) {
			if owner := b.owner(c.Submission); owner != "" {
				return owner, nil
			}
			return "", account.ErrTokenUnknown
		})},
		{"change/unknown", "compares part of the token", before(func(_ context.Context, b *broken, c *account.Change) {
			for _, t := range b.tokens("") {
				if [31]byte(t.Key[:31]) == [31]byte(c.Record[:31]) && t.Scope == account.ScopePasswordReset {
					c.Record = t.Key
				}
			}
		})},
		{"change/unknown", "takes none for any", before(func(_ context.Context, b *broken, c *account.Change) {
			for _, t := range b.tokens("") {
				if c.Record == (account.RecordKey{}) && t.Scope == account.ScopePasswordReset {
					c.Record = t.Key
				}
			}
		})},
		{"change/unknown", "burns what it does not take", unknown(func(ctx context.Context, b *broken, c account.Change) (string, error) {
			b.drop(ctx, c.Record)
			return "", account.ErrTokenUnknown
		})},
		{"change/expired", "judges expiry", func(b *broken) {
			b.change = func(ctx context.Context, c account.Change) (string, error) {
				if t, ok := b.token(c.Record); ok && c.At.After(t.Expires) {
					return "", account.ErrTokenUnknown
				}
				return b.Harness.ChangePassword(ctx, c)
			}
		}},
		{"audit/record", "drops entries", func(b *broken) {
			b.record = func(context.Context, account.Entry) error { return nil }
		}},
		{"audit/record", "drops entries without an account", auditing(func(e *account.Entry) bool { return e.AccountID != "" })},
		{"audit/record", "drops the detail", auditing(func(e *account.Entry) bool { e.Detail = ""; return true })},
		{"audit/record", "shows everything to everybody", func(b *broken) {
			b.audit = func(ctx context.Context, _ string) ([]account.Entry, error) { return b.Harness.Audit(ctx, "ann") }
		}},
	}
}
