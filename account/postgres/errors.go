package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekeyhq/rekey/account"
)

// Error is a fault of the database. The server's text is left out, because it may quote
// values: "Key (email)=(...) already exists". The server's own log has it, under the same
// SQLSTATE.
type Error struct {
	Code string // SQLSTATE; empty when it was no answer of the server
	text string
	// final is that of a refusal that has no SQLSTATE.
	final bool
}

// Error describes a fault in rekey's own words.
func (e *Error) Error() string {
	if e.Code == "" {
		return "PostgreSQL: " + e.text
	}
	return "PostgreSQL: " + e.text + " (SQLSTATE " + e.Code + ")"
}

// SQLSTATEs that mean more to rekey than a failure.
const (
	stringTooLong       = "22001"
	outOfRange          = "22003"
	invalidText         = "22P02"
	untranslatable      = "22P05"
	uniqueViolation     = "23505"
	notSupported        = "0A000"
	readOnlyTransaction = "25006"
	serializationFails  = "40001"
	deadlockDetected    = "40P01"
	noPermission        = "42501"
	noSchema            = "3F000"
	noTable             = "42P01"
	raised              = "P0001"
	lockNotAvailable    = "55P03"
	canceled            = "57014"
)

// advice is the remedy for a SQLSTATE.
var advice = map[string]string{ //nolint:gochecknoglobals // a constant table
	stringTooLong:       "a value is too long for its column: if it is the column of the password, widen it, or drop --upgrade-hash",
	uniqueViolation:     "another transaction wrote the same, time and again",
	notSupported:        "the server cannot do that: a standby, which is read-only, answers so: name the primary, or add target_session_attrs=read-write to the URL",
	readOnlyTransaction: "the server is read-only, as a standby is: name the primary, or add target_session_attrs=read-write to the URL",
	serializationFails:  "another transaction was in the way, time and again",
	deadlockDetected:    "other transactions and this one waited for each other, time and again",
	noPermission:        "the user lacks a permission: GRANT it",
	"23503":             "another table refers to a row that has to go: make its foreign key ON DELETE CASCADE or SET NULL",
	"23514":             "a CHECK refuses the new value",
	"23502":             "a column wants a value",
	noSchema:            "there is no schema rekey: run `rekey migrate`",
	noTable:             "a table is missing: run `rekey migrate`, or check the names of your own",
	"22021":             "a text holds what the database cannot keep",
	raised:              "a trigger or a function of the application refuses the new value: let it accept the hash that rekey writes",
	"44000":             "the view's WITH CHECK OPTION refuses the new row",
	"25P02":             "the transaction failed before",
	"28000":             "the server refuses this user from here: there is no such role, or the pg_hba.conf of the server keeps it out",
	"28P01":             "the password is wrong, or there is no such role",
	"3D000":             "there is no such database",
	"42P07":             "the schema rekey holds a table that rekey did not make",
	"42703":             "a column is missing: check the names of your own table",
	"53100":             "the server's disk is full",
	"53300":             "the server has too many connections: lower pool_max_conns in the URL, or raise its limit",
	"55000":             "the table or view cannot be updated",
	lockNotAvailable:    "a lock was not given in time",
	canceled:            "the statement was canceled",
	"57P01":             "the server is shutting down",
	"57P02":             "the server crashed",
	"57P03":             "the server is starting or stopping",
}

// fault is an error as it may be seen. It does not change sentinels and the end of a context.
func fault(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("PostgreSQL: no answer in time: %w", context.DeadlineExceeded)
	}
	for _, known := range []error{
		context.Canceled,
		account.ErrNotFound, account.ErrMailLimit, account.ErrTooManyCopies, account.ErrTokenUnknown, account.ErrAccountGone,
		account.ErrNotResettable, account.ErrHasPassword, account.ErrAddressChanged, account.ErrCredentialChanged, account.ErrHashForm,
	} {
		if errors.Is(err, known) {
			return known
		}
	}
	if ours, ok := errors.AsType[*Error](err); ok {
		return ours
	}
	if code := sqlState(err); code != "" {
		return &Error{Code: code, text: why(code)}
	}
	return &Error{text: link(err)}
}

// missingGrant says which permission is missing.
func missingGrant(grant string) error {
	return &Error{Code: noPermission, text: "this user of the database may not: GRANT " + grant}
}

func why(code string) string {
	if text, ok := advice[code]; ok {
		return text
	}
	return "the server refuses; its log says why"
}

// link names the fault of the connection.
func link(err error) string {
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the server is not trusted: " + untrusted.Error()
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return "the connection failed: " + number.Error()
	}
	return "the connection failed, or its answer could not be read"
}

func sqlState(err error) string {
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return said.Code
	}
	return ""
}
