package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
)

var errTells = errors.New("a recorded run names this machine or who uses it")

// tellsNothing checks that no text holds a name of this machine, of its user or of a
// folder. It checks only: what it finds is to be kept from Temporal, see anonymous.
func tellsNothing(texts map[string][]byte) error {
	private, err := privateNames()
	if err != nil {
		return err
	}
	var errs []error
	for name, text := range texts {
		for _, p := range private {
			if bytes.Contains(text, []byte(p)) {
				errs = append(errs, fmt.Errorf("%s holds %q: %w", name, p, errTells))
			}
		}
	}
	return errors.Join(errs...)
}

func privateNames() ([]string, error) {
	host, hostErr := os.Hostname()
	folder, folderErr := os.Getwd()
	who, userErr := user.Current()
	if err := errors.Join(hostErr, folderErr, userErr); err != nil {
		return nil, err
	}
	// Each is longer than chance puts into sealed text, or has a sign that is not in base64.
	return []string{
		`"` + host + `"`, host + ":", "@" + host, fmt.Sprintf("%d@", os.Getpid()),
		`"` + who.Username + `"`, "@" + who.Username, who.HomeDir + "/", folder, filepath.Join(os.TempDir(), scratch),
	}, nil
}
