package starter

import "context"

type localeKey struct{}

// WithLocale sets the language of the page or client that makes a request, a BCP 47 tag. Mails of
// accounts without a language of their own are written in it.
func WithLocale(ctx context.Context, tag string) context.Context {
	return context.WithValue(ctx, localeKey{}, tag)
}

// Locale is the tag of [WithLocale], or "" without one.
func Locale(ctx context.Context) string {
	tag, _ := ctx.Value(localeKey{}).(string)
	return tag
}
