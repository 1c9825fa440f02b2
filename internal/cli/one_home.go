package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"github.com/rekeyhq/rekey/internal/backup"
	"github.com/rekeyhq/rekey/keys"
)

// Files of the folder. The keysets are in keys.
const (
	recordsFile   = "records.db"      // rekey's own records, beside an application
	runsFile      = "temporal.db"     // the runs
	profileFile   = "temporal.toml"   // how commands of operators reach the Temporal server
	identityFile  = "temporal.pem"    // with this certificate and key
	operatorsFile = "operator.secret" // of the UI and the codec server
	lockFile      = "lock"
)

// lockWait is how long a process that was killed may take to end.
const lockWait = 2 * time.Second

// home is the folder of `rekey one` while this process has it.
type home struct {
	dir  string
	lock *bbolt.DB
}

// openHome makes the folder and what is missing in it, and keeps other processes out until close.
func openHome(p *process, dir string) (h *home, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	h = &home{dir: dir}
	// A file of bbolt is a lock on every system, which ends with its process.
	h.lock, err = bbolt.Open(h.path(lockFile), 0o600, &bbolt.Options{Timeout: lockWait})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, errors.New("another process uses this folder: stop it, or give this one a folder of its own")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", h.path(lockFile), err)
	}
	for _, fill := range []func(*process) error{h.restore, h.makeKeys, h.makeSecret} {
		if err := fill(p); err != nil {
			return nil, errors.Join(err, h.close())
		}
	}
	return h, nil
}

func (h *home) close() error { return h.lock.Close() }

func (h *home) path(name string) string { return filepath.Join(h.dir, name) }

// restore checks a folder that was put back from a backup.
func (h *home) restore(p *process) error {
	from, err := backup.Restored(h.dir)
	if from != nil {
		p.log.Warn().Time("made", from.Made).Str("rekey", from.Rekey).Msg("the folder is a backup that was put back")
	}
	return err
}

// makeKeys makes the keysets at the first start. A folder with runs and without keysets has lost
// them: with new ones no open run could go on.
func (h *home) makeKeys(p *process) error {
	dir := h.path("keys")
	there, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	if _, err := os.Stat(h.path(runsFile)); err == nil && len(there) == 0 {
		return fmt.Errorf("%s has no keysets, and the runs in %s are sealed under its keysets: put it back from your copy; or delete the file too, which ends all open resets", dir, h.path(runsFile))
	}
	err = keys.Create(dir, false)
	switch {
	case err == nil:
		p.log.Warn().Str("dir", dir).Msg("made keysets: keep a copy in your secret store")
		return nil
	case errors.Is(err, keys.ErrExists):
		return completeKeys(dir)
	default:
		return err
	}
}

// makeSecret makes the operators' secret at the first start.
func (h *home) makeSecret(*process) error {
	if _, err := os.Stat(h.path(operatorsFile)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return h.write(operatorsFile, []byte(rand.Text()+rand.Text()+"\n"))
}

// admit writes how commands of operators reach the Temporal server and, by its own command line,
// the codec server.
func (h *home) admit(t Temporal, codec, secret string) error {
	identity := h.path(identityFile)
	config := envconfig.ClientConfig{Profiles: map[string]*envconfig.ClientConfigProfile{
		"default": {
			Address: t.Addr(), Namespace: client.DefaultNamespace,
			TLS: &envconfig.ClientConfigTLS{ClientCertPath: identity, ClientKeyPath: identity, ServerCACertPath: identity, ServerName: "localhost"},
		},
	}}
	if codec != "" {
		config.Profiles["default"].Codec = &envconfig.ClientConfigCodec{Endpoint: codec, Auth: "Bearer " + secret}
	}
	text, err := config.ToTOML(envconfig.ClientConfigToTOMLOptions{})
	if err != nil {
		return err
	}
	return errors.Join(h.write(identityFile, t.PEM()), h.write(profileFile, text))
}

// write replaces a file whole, for the owner only.
func (h *home) write(name string, content []byte) error {
	path, next := h.path(name), h.path(name+".new")
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(next, path)
}
