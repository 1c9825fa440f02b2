package cli

import (
	"errors"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/rekeyhq/rekey/keys"
)

// keysCmd is `rekey keys`.
type keysCmd struct {
	New     keysNewCmd     `cmd:"" help:"Create a folder with every keyset."`
	List    keysListCmd    `cmd:"" help:"List the keysets of a folder and their keys."`
	Add     keysAddCmd     `cmd:"" help:"Add a key to a keyset, the first step of a rotation. Give the new files to all processes before the next step."`
	Promote keysPromoteCmd `cmd:"" help:"Make a key the primary, which seals new data: the second step."`
	Retire  keysRetireCmd  `cmd:"" help:"Delete a former primary key: the last step, after its links and runs have ended."`
}

type keysNewCmd struct {
	Dir  string `arg:"" type:"path" help:"Folder to create."`
	Keep bool   `env:"REKEY_KEYS_KEEP" help:"Accept a folder that already has every keyset: for a job that runs at each start."`
}

// Run makes the folder.
func (k *keysNewCmd) Run(p *process) error {
	err := keys.Create(k.Dir, false)
	if k.Keep && errors.Is(err, keys.ErrExists) {
		if err := completeKeys(k.Dir); err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.stdout, "kept the keysets in %s\n", k.Dir)
		return err
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "made keysets in %s: give each process only the files it reads, and keep a copy in your secret store\n", k.Dir)
	return err
}

// completeKeys refuses a folder that lacks a keyset: a new one would not belong to the others.
func completeKeys(dir string) error {
	infos, err := keys.List(dir)
	if err != nil {
		return err
	}
	for _, use := range keys.Uses() {
		if !slices.ContainsFunc(infos, func(i keys.Info) bool { return i.Use == use }) {
			return fmt.Errorf("%s has keysets but none for %s: restore it from your copy; after a first start that was interrupted there is none, and no run needs them: delete the folder's files", dir, use)
		}
	}
	return nil
}

type keysListCmd struct {
	Dir string `arg:"" type:"path" help:"Folder of keysets."`
}

// Run prints one line per key.
func (k *keysListCmd) Run(p *process) error {
	infos, err := keys.List(k.Dir)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEYSET\tKEY\tPRIMARY\tCREATED\tKIND")
	for _, info := range infos {
		for _, key := range info.Keys {
			fmt.Fprintf(w, "%s\t%d\t%t\t%s\t%s\n", info.Use, key.ID, key.Primary, info.Created.Format(time.RFC3339), kind(info))
		}
	}
	return w.Flush()
}

func kind(i keys.Info) string {
	if i.Dev {
		return "dev"
	}
	return "production"
}

type keysAddCmd struct {
	Dir string   `arg:"" type:"path" help:"Folder of keysets."`
	Use keys.Use `arg:"" help:"Keyset: link, payload or submission."`
}

// Run adds a key and prints its ID.
func (k *keysAddCmd) Run(p *process) error {
	id, err := keys.Add(k.Dir, k.Use)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "added key %d to %s; when every process has the new file: rekey keys promote %s %s %d\n", id, k.Use, k.Dir, k.Use, id)
	return err
}

type keysPromoteCmd struct {
	Dir string   `arg:"" type:"path" help:"Folder of keysets."`
	Use keys.Use `arg:"" help:"Keyset: link, payload or submission."`
	ID  uint32   `arg:"" help:"Key ID from rekey keys list."`
}

// Run makes the key the primary one.
func (k *keysPromoteCmd) Run(p *process) error {
	if err := keys.Promote(k.Dir, k.Use, k.ID); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.stdout, "key %d seals new data of %s; restart the processes one by one\n", k.ID, k.Use)
	return err
}
