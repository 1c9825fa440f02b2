package starter

import (
	"context"

	"github.com/rekeyhq/rekey/account"
)

type localeKey struct{}

// WithLocale gives a [Resets] the language of the caller, a BCP 47 tag such as "pt-BR". The mail of an
// account without a language of its own is written in it. A tag that account.ParseLocale does not read
// is dropped.
func WithLocale(ctx context.Context, tag string) context.Context {
	return context.WithValue(ctx, localeKey{}, account.ParseLocale(tag))
}

// Locale is the language set by [WithLocale], empty without one.
func Locale(ctx context.Context) string {
	tag, _ := ctx.Value(localeKey{}).(string)
	return tag
}
