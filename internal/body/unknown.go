package body

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// UnknownField is [ErrUnknown] with the names that a developer needs to correct the request.
type UnknownField struct {
	name  string   // as it was sent
	known []string // the names that the body may have
}

func (u *UnknownField) Error() string { return ErrUnknown.Error() }

func (u *UnknownField) Unwrap() error { return ErrUnknown }

// fieldName is how programs name fields. Another text may be a value in the place of a name, such
// as an address, and is not repeated.
var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,31}$`)

// Text is the sentence of the answer.
func (u *UnknownField) Text() string {
	field := "an unknown field"
	if fieldName.MatchString(u.name) {
		field = `the unknown field "` + u.name + `"`
	}
	return fmt.Sprintf("The body has %s. Known: %s.", field, cmp.Or(strings.Join(u.known, ", "), "none"))
}
