package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
)

// sum reads a file.
func sum(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	h := sha256.New()
	size, err := io.Copy(h, f)
	return File{Size: size, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

// write makes a file of its owner with all that a reader has, and syncs it.
func write(path string, from io.Reader) (File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return File{}, err
	}
	h := sha256.New()
	size, err := io.Copy(io.MultiWriter(f, h), from)
	if err == nil {
		err = f.Sync()
	}
	return File{Size: size, SHA256: hex.EncodeToString(h.Sum(nil))}, errors.Join(err, f.Close())
}

// syncDir makes the names of a folder durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
