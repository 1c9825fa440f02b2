package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	osuser "os/user"
	"path"
	"path/filepath"
	"regexp"
	"slices"

	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// archive is where a release's runs are kept: a folder among those of other releases,
// beside one file with the hashes of all.
type archive struct{ histories, release string }

var (
	errRecorded = errors.New("a recorded release is never recorded again: name the next release")
	errRelease  = errors.New("a release is named as in v0.1.0")
	errTells    = errors.New("a recorded run names this machine or who uses it")
)

// tellsNothing checks that no text holds a name of this machine, of its user or of a folder. It
// checks only: a found name must be kept from Temporal, see anonymous.
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
	folder, folderErr := filepath.Abs(recorded)
	who, userErr := osuser.Current()
	if err := errors.Join(hostErr, folderErr, userErr); err != nil {
		return nil, err
	}
	// Each is longer than chance puts into sealed text, or has a sign that is not in base64.
	return []string{
		`"` + host + `"`, host + ":", "@" + host, fmt.Sprintf("%d@", os.Getpid()),
		`"` + who.Username + `"`, "@" + who.Username, who.HomeDir + "/", folder, filepath.Join(os.TempDir(), "TestStories"),
	}, nil
}

const sums = "SHA256SUMS"

var releaseName = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$`)

func (a archive) folder() string { return filepath.Join(a.histories, a.release) }

// admits is why nothing can be recorded, nil when it can.
func (a archive) admits() error {
	if !releaseName.MatchString(a.release) {
		return fmt.Errorf("%q: %w", a.release, errRelease)
	}
	if _, err := os.Stat(a.histories); err != nil {
		return err
	}
	if _, err := os.Lstat(a.folder()); !errors.Is(err, os.ErrNotExist) {
		return errors.Join(fmt.Errorf("%s is there: %w", a.folder(), errRecorded), err)
	}
	return nil
}

// add writes the runs, by story, and their hashes.
func (a archive) add(runs map[string]*historypb.History) error {
	var lines bytes.Buffer
	texts := map[string][]byte{}
	for _, story := range slices.Sorted(maps.Keys(runs)) {
		text, err := marshal(runs[story])
		if err != nil {
			return err
		}
		texts[story+".json"] = text
		fmt.Fprintf(&lines, "%x  %s\n", sha256.Sum256(text), path.Join(a.release, story+".json"))
	}
	if err := tellsNothing(texts); err != nil {
		return err
	}
	if err := os.Mkdir(a.folder(), 0o755); err != nil {
		return err
	}
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(a.folder(), name), text, 0o644); err != nil {
			return err
		}
	}
	return appendTo(filepath.Join(a.histories, sums), lines.Bytes())
}

// marshal writes a history as `temporal workflow show --output json` does.
func marshal(h *historypb.History) ([]byte, error) {
	text, err := protojson.Marshal(h)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil { // protojson's own spaces differ between builds
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func appendTo(file string, lines []byte) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(lines)
	return errors.Join(err, f.Close())
}
