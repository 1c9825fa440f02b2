package cli

import (
	"fmt"
	"time"

	"github.com/rekeyhq/rekey/keys"
)

type keysRetireCmd struct {
	Early bool `name:"early" env:"REKEY_EARLY" help:"Delete a stolen key at once: its open links and runs are lost."`

	Dir string   `arg:"" type:"path" help:"Folder of keysets."`
	Use keys.Use `arg:"" help:"Keyset: link, payload or submission."`
	ID  uint32   `arg:"" help:"Key ID from rekey keys list."`
}

// Run deletes the key.
func (k *keysRetireCmd) Run(p *process) error {
	if err := k.check(time.Now()); err != nil {
		return err
	}
	if err := keys.Retire(k.Dir, k.Use, k.ID); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.stdout, "key %d of %s is deleted: data that it sealed can no longer be read\n", k.ID, k.Use)
	return err
}

// check refuses to delete a key that may still be needed. Without a promotion only the primary key
// has sealed anything.
func (k *keysRetireCmd) check(now time.Time) error {
	infos, err := keys.List(k.Dir)
	if err != nil || k.Early {
		return err
	}
	for _, i := range infos {
		until := i.Promoted.Add(outlives(k.Use))
		if i.Use == k.Use && !i.Promoted.Equal(i.Created) && now.Before(until) {
			return fmt.Errorf("links, submissions or runs that an older key of %s sealed may be open until %s: wait, or give --early if the key is stolen", k.Use, stamp(until))
		}
	}
	return nil
}

// outlives is how long data under an old key may be open after another one was promoted. It
// includes a day for the restarts. A link and a submission count for 24 hours. The longest run
// tries three mails for a day each, waits a day for each link, and tries its notice for a day.
func outlives(u keys.Use) time.Duration {
	const day = 24 * time.Hour
	if u == keys.Payload {
		return 9 * day
	}
	return 2 * day
}
