package keys

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tink-crypto/tink-go/v2/keyset"
)

// Info describes a keyset, without any secret of it.
type Info struct {
	Use      Use
	Dev      bool      // made for development
	Created  time.Time // when the keyset was made, with its first key
	Promoted time.Time // since when the primary key seals; data of an older one is older
	Keys     []Key     // in the order they were added
}

// Key describes a key of a keyset.
type Key struct {
	ID      uint32
	Primary bool // seals new data; the others only open
}

// List describes the keysets of a folder; files that are not there are left out, since
// no process has them all.
func List(dir string) ([]Info, error) {
	var infos []Info
	for _, u := range Uses() {
		h, m, err := Open(dir, AllowDev, byOperator).load(u)
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
	info := Info{Use: m.Use, Dev: m.Dev, Created: m.Created, Promoted: cmp.Or(m.Promoted, m.Created)}
	set := h.KeysetInfo()
	for _, k := range set.GetKeyInfo() {
		info.Keys = append(info.Keys, Key{ID: k.GetKeyId(), Primary: k.GetKeyId() == set.GetPrimaryKeyId()})
	}
	return info
}

// Add adds a key that opens, and seals nothing until it is promoted. It returns the
// key's ID. Add, Promote and Retire wait for each other, also in other processes; running
// processes notice nothing until they are restarted with the new file.
func Add(dir string, u Use) (id uint32, err error) {
	err = rotate(dir, u, func(k *keyset.Manager, _ *meta) error {
		id, err = k.Add(u.template())
		return err
	})
	return id, err
}

// Promote makes a key the one that seals. Every process must have it by then, or it meets data
// that it cannot open and waits. Errors: ErrNoKey.
func Promote(dir string, u Use, id uint32) error {
	return rotate(dir, u, func(k *keyset.Manager, m *meta) error {
		if primary, err := find(k, id); primary || err != nil {
			return err
		}
		m.Promoted = now()
		return k.SetPrimary(id)
	})
}

// Retire deletes a key that is not the primary one and remembers its ID, for ever. Values
// sealed with it cannot be opened any more and are refused as foreign, so links must have
// expired and runs must have ended. Errors: ErrNoKey, ErrPrimary.
func Retire(dir string, u Use, id uint32) error {
	return rotate(dir, u, func(k *keyset.Manager, m *meta) error {
		switch primary, err := find(k, id); {
		case err != nil:
			return err
		case primary:
			return ErrPrimary
		}
		m.Retired = append(m.Retired, id)
		return k.Delete(id)
	})
}

// find says whether a key is the primary one. Errors: ErrNoKey.
func find(k *keyset.Manager, id uint32) (primary bool, err error) {
	h, err := k.Handle()
	if err != nil {
		return false, err
	}
	for _, key := range describe(h, meta{}).Keys {
		if key.ID == id {
			return key.Primary, nil
		}
	}
	return false, ErrNoKey
}

func rotate(dir string, u Use, change func(*keyset.Manager, *meta) error) (err error) {
	if err := rotates(u); err != nil {
		return err
	}
	unlock, err := lock(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	d := Open(dir, AllowDev, byOperator)
	h, m, err := d.load(u)
	if err != nil {
		return err
	}
	manager := keyset.NewManagerFromHandle(h)
	if err := change(manager, &m); err != nil {
		return fmt.Errorf("keyset %s: %w", u, err)
	}
	if h, err = manager.Handle(); err != nil {
		return fmt.Errorf("keyset %s: %w", u, err)
	}
	return d.save(u, h, m, replace)
}

func rotates(u Use) error {
	switch u {
	case Link, Payload, Submission:
		return nil
	case SubmissionPublic:
		return fmt.Errorf("%s is made from %s: rotate that one", SubmissionPublic, Submission)
	case Account, Salt:
		return fmt.Errorf("keyset %s: %w", u, ErrNotRotated)
	default:
		return fmt.Errorf("%q: %w", u, ErrUse)
	}
}
