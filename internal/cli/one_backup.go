package cli

import (
	"fmt"
	"path/filepath"

	"github.com/rekeyhq/rekey/internal/backup"
)

// oneBackupCmd is `rekey one backup`.
type oneBackupCmd struct {
	Data string `required:"" type:"path" env:"REKEY_DATA" help:"Folder of the running rekey one."`
	Dir  string `arg:"" type:"path" help:"Folder to create, with the copies."`
}

// Run asks the running process for copies and writes them.
func (b *oneBackupCmd) Run(p *process) error {
	made, err := backup.Take(p.ctx, b.Data, b.Dir, func(line string) { fmt.Fprintln(p.stdout, line) })
	if err != nil {
		return err
	}
	for _, more := range made.Elsewhere {
		fmt.Fprintln(p.stdout, more)
	}
	_, err = fmt.Fprintf(p.stdout, "%s has a backup of %s\n", b.Dir, b.Data)
	return err
}

// source is all that has to be copied of a running process.
func (m *machine) source() backup.Source {
	s := backup.Source{Dir: m.home.dir, Version: version(), Still: []string{"keys", operatorsFile}, Log: m.process.log}
	if m.one.TemporalDB == "" {
		s.Runs = backup.Live{Name: runsFile, Copy: m.temporal.Backup}
	} else {
		s.Elsewhere = append(s.Elsewhere, "Temporal's runs are in PostgreSQL: dump both of its databases, and before this folder")
	}
	if file := m.one.worker.file; file != nil {
		s.Records = backup.Live{Name: filepath.Base(m.one.worker.Store), Copy: file.Backup}
	} else {
		s.Elsewhere = append(s.Elsewhere, "rekey's records are in PostgreSQL: dump that database, after Temporal's data")
	}
	return s
}
