package operator

import (
	"errors"
	"regexp"
)

// ErrOperator means that a name cannot stand in the audit log, which holds no address.
var ErrOperator = errors.New("want your name for the audit log, such as a.smith: letters, digits, dot, dash and underscore, no mail address")

var operatorName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// CheckName judges the name of an operator. Errors: ErrOperator.
func CheckName(name string) error {
	if !operatorName.MatchString(name) {
		return ErrOperator
	}
	return nil
}

// mayWrite refuses a read-only client, and an operator without a name.
func (c *Client) mayWrite(operator string) error {
	if c.readOnly {
		return ErrReadOnly
	}
	return CheckName(operator)
}
