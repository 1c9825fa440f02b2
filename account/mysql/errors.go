package mysql

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"

	driver "github.com/go-sql-driver/mysql"

	"github.com/rekeyhq/rekey/account"
)

// Error is a fault of the database. The server's text is left out, because it may quote values:
// "Duplicate entry 'ann@example.com' for key". The server's own log has it, under the same number.
type Error struct {
	Number uint16 // of the server's error; 0 when it was no answer of the server
	text   string
}

// Error describes a fault in rekey's own words.
func (e *Error) Error() string {
	if e.Number == 0 {
		return "MariaDB or MySQL: " + e.text
	}
	return fmt.Sprintf("MariaDB or MySQL: %s (error %d)", e.text, e.Number)
}

// advice is the remedy for an error of the server.
var advice = map[uint16]string{ //nolint:gochecknoglobals // a constant table
	1044: "this user may not use the database: GRANT it the rights of docs/hosts/mysql.md",
	1045: "the server refuses this user or its password",
	1049: "there is no such database",
	1142: "this user lacks a right: GRANT it those of docs/hosts/mysql.md",
	1143: "this user lacks a right on a column: GRANT it those of docs/hosts/mysql.md",
	1146: "a view is missing: docs/hosts/mysql.md has both",
	1205: "another transaction holds the row",
	1213: "another transaction and this one waited for each other",
	1264: "a value is out of range for its column",
	1288: "a view cannot be changed: it must be of one table, without DISTINCT, GROUP BY or UNION",
	1290: "the server is read-only, as a replica is: name the primary",
	1356: "a view refers to a table, a column or a right that is missing",
	1406: "a value is too long for its column: widen the column of the password",
	1451: "another table refers to a session that has to go: make its foreign key ON DELETE CASCADE or SET NULL",
	1644: "a trigger of the application refuses the new value: let it accept the hash that rekey writes",
	3819: "a CHECK refuses the new value",
	4025: "a CHECK refuses the new value",
}

// fault is an error without the values that it may quote. The end of the caller's context stays.
func fault(ctx context.Context, err error) error {
	var answer *driver.MySQLError
	switch {
	case err == nil || errors.Is(err, account.ErrRefused) || errors.As(err, new(*Error)):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.As(err, &answer):
		return &Error{text: "the connection failed, or its answer could not be read" + why(err)}
	case advice[answer.Number] == "":
		return &Error{Number: answer.Number, text: "an error that the server's log explains"}
	}
	return &Error{Number: answer.Number, text: advice[answer.Number]}
}

// why is the cause of a failed connection, as far as it quotes nothing.
func why(err error) string {
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return ": " + certificate.Error()
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		return ": " + failed.Error()
	}
	return ""
}

// never is the refusal that an error of a change stands for, when no repetition mends it. Other
// errors stay as they are.
func never(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e != errNotStored && !slices.Contains([]uint16{1264, 1406, 1451, 1644, 3819, 4025}, e.Number) {
		return err
	}
	return fmt.Errorf("%w: %w", account.ErrNeverTaken, e)
}
