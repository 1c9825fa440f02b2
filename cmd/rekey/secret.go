package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

	"github.com/rekeyhq/rekey/internal/secretfile"
)

// readSecret reads a file without its last line break; no file is no secret.
func readSecret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	b, err := secretfile.Read(path)
	return strings.TrimRight(string(b), "\r\n"), err
}

// checkSecrets judges files that libraries read by themselves, by the names of the variables that
// name them. The libraries say so when one is missing.
func checkSecrets(variables ...string) error {
	for _, name := range variables {
		if err := checkSecret(os.Getenv(name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func checkSecret(path string) error {
	if path == "" {
		return nil
	}
	if err := secretfile.Check(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// checkDatabaseSecrets judges what the driver of PostgreSQL reads: the file of passwords, and the
// key of a client certificate.
func checkDatabaseSecrets(store string) error {
	if u, err := url.Parse(store); err == nil {
		if err := checkSecret(u.Query().Get("sslkey")); err != nil {
			return fmt.Errorf("sslkey of --store ($REKEY_STORE): %w", err)
		}
	}
	return checkSecrets("PGPASSFILE", "PGSSLKEY")
}
