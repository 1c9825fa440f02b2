package keys

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tink-crypto/tink-go/v2/keyset"
)

// Info describes a keyset, without any secret of it.
type Info struct {
	Use     Use
	Dev     bool
	Created time.Time
	Keys    []Key
}

// Key describes a key of a keyset.
type Key struct {
	ID      uint32
	Primary bool // seals what is new; the others only open
}

// List describes the keysets of a folder; files that are not there are left out, since
// no process has them all.
func List(dir string) ([]Info, error) {
	var infos []Info
	for _, u := range Uses() {
		h, m, err := Open(dir, AllowDev).load(u)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, describe(h, m))
	}
	if len(infos) == 0 {
		return nil, fmt.Errorf("no keysets in %s: make them with `rekey keys new`", dir)
	}
	return infos, nil
}

func describe(h *keyset.Handle, m meta) Info {
	info := Info{Use: m.Use, Dev: m.Dev, Created: m.Created}
	set := h.KeysetInfo()
	for _, k := range set.GetKeyInfo() {
		info.Keys = append(info.Keys, Key{ID: k.GetKeyId(), Primary: k.GetKeyId() == set.GetPrimaryKeyId()})
	}
	return info
}

// Add adds a key that opens, and seals nothing until it is promoted. It returns the
// key's ID.
func Add(dir string, u Use) (id uint32, err error) {
	err = rotate(dir, u, func(m *keyset.Manager) error {
		id, err = m.Add(u.template())
		return err
	})
	return id, err
}

// Promote makes a key the one that seals. Every process must have it by then, or it
// meets what it cannot open and waits.
func Promote(dir string, u Use, id uint32) error {
	return rotate(dir, u, func(m *keyset.Manager) error { return m.SetPrimary(id) })
}

// Retire deletes a key that is not the primary one. What it sealed cannot be opened
// any more, so links must have expired and runs must have ended.
func Retire(dir string, u Use, id uint32) error {
	return rotate(dir, u, func(m *keyset.Manager) error { return m.Delete(id) })
}

func rotate(dir string, u Use, change func(*keyset.Manager) error) error {
	switch u {
	case Link, Payload, Submission:
	case SubmissionPublic:
		return fmt.Errorf("%s is made from %s: rotate that one", SubmissionPublic, Submission)
	case Account, Salt:
		return fmt.Errorf("%s: %w", u, ErrNotRotated)
	default:
		return fmt.Errorf("no keyset is named %q: want link, payload or submission", u)
	}
	d := Open(dir, AllowDev)
	h, m, err := d.load(u)
	if err != nil {
		return err
	}
	manager := keyset.NewManagerFromHandle(h)
	if err := change(manager); err != nil {
		return fmt.Errorf("keyset %s: %w", u, err)
	}
	if h, err = manager.Handle(); err != nil {
		return fmt.Errorf("keyset %s: %w", u, err)
	}
	return d.save(u, h, m)
}
