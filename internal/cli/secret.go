package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
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

// checkSecrets judges files that libraries read by themselves, by the names of their variables.
// The libraries report a missing one.
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

// checkDatabaseSecrets judges the files of the PostgreSQL driver: the file of passwords, and the
// key of a client certificate. The URL or a variable names them, or they are in the home folder.
func checkDatabaseSecrets(store string) error {
	var named url.Values
	if u, err := url.Parse(store); err == nil {
		named = u.Query()
	}
	for _, file := range []struct{ parameter, variable, home string }{
		{"passfile", "PGPASSFILE", ".pgpass"},
		{"sslkey", "PGSSLKEY", filepath.Join(".postgresql", "postgresql.key")},
	} {
		if err := checkSecret(named.Get(file.parameter)); err != nil {
			return fmt.Errorf("%s of --store ($REKEY_STORE): %w", file.parameter, err)
		}
		if err := checkSecrets(file.variable); err != nil {
			return err
		}
		if named.Get(file.parameter) != "" || os.Getenv(file.variable) != "" {
			continue
		}
		if err := checkHome(file.home); err != nil {
			return fmt.Errorf("~/%s: %w", file.home, err)
		}
	}
	return nil
}

// checkHome judges a file of the home folder. The driver passes over a file that this process may
// not open, so it is no secret here.
func checkHome(name string) error {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil //nolint:nilerr // no home, no file
	}
	path := filepath.Join(home, name)
	if _, err := os.Stat(path); err != nil {
		return nil //nolint:nilerr // as above
	}
	if err := secretfile.Check(path); !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}
