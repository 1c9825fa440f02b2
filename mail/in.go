package mail

// In returns the templates of a language, which is a BCP 47 tag.
func (t *Templates) In(locale string) *Templates {
	in := *t
	in.locale = locale
	return &in
}

// Locale is the language of the templates, empty for the one of [Load].
func (t *Templates) Locale() string { return t.locale }
