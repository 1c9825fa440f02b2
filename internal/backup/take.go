package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode"
)

// Take backs up the rekey that runs on the data folder into dir, which must be missing or empty.
// All is written into a folder beside it, synced and checked, and that folder then gets the
// name. So a folder of that name is whole. A killed process leaves one with ".unfinished-" in its
// name, which may be deleted. Progress gets lines of text. Errors: ErrNotEmpty, ErrNotRunning,
// ErrBusy, ErrUnfinished, those of the running process, those of the disk.
func Take(ctx context.Context, data, dir string, progress func(string)) (_ *Manifest, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := mustBeEmpty(dir); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	parent := filepath.Dir(dir)
	work, err := os.MkdirTemp(parent, filepath.Base(dir)+".unfinished-") // 0700
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(work))
		}
	}()
	progress("copying inside the running rekey")
	answer, err := ask(ctx, data)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Close() }() // it was read, or is given up
	m, err := receive(answer, work, progress)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) { // it is empty
		return nil, err
	}
	if err := os.Rename(work, dir); err != nil {
		return nil, err
	}
	return m, syncDir(parent)
}

func mustBeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err == nil && len(entries) > 0:
		return ErrNotEmpty
	}
	return err
}

// ask returns the archive that a running process sends.
func ask(ctx context.Context, data string) (io.ReadCloser, error) {
	socket := filepath.Join(data, socketName)
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://rekey/backup", nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%s: %w", data, ErrNotRunning)
	case ctx.Err() != nil, errors.Is(err, os.ErrPermission):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w (%w)", ErrUnfinished, err)
	case answer.StatusCode == http.StatusOK:
		return answer.Body, nil
	}
	why, err := io.ReadAll(io.LimitReader(answer.Body, 4096))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return nil, ErrUnfinished
	}
	if answer.StatusCode == http.StatusConflict {
		return nil, ErrBusy
	}
	return nil, fmt.Errorf("the running rekey could not copy its data: %s", plain(strings.TrimSpace(string(why))))
}

// receive writes the files of an archive into a folder and compares them with the manifest at its
// end.
func receive(from io.Reader, dir string, progress func(string)) (*Manifest, error) {
	archive := tar.NewReader(from)
	var got []File
	for {
		head, err := archive.Next()
		if err != nil { // also io.EOF: the manifest would have come before
			return nil, fmt.Errorf("%w (%w)", ErrUnfinished, err)
		}
		if head.Name == ManifestName {
			return finish(archive, dir, got)
		}
		// This command may be root's, and the process is not: it names no place outside of the folder.
		if !filepath.IsLocal(head.Name) || head.Name != plain(head.Name) {
			return nil, ErrUnfinished
		}
		path := filepath.Join(dir, filepath.FromSlash(head.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		f, err := write(path, archive)
		if err != nil {
			return nil, unfinished(err)
		}
		f.Name = head.Name
		got = append(got, f)
		progress(fmt.Sprintf("%-26s %8.1f MB", f.Name, float64(f.Size)/1e6))
	}
}

// unfinished is the error of a write, or of an archive that ended within a file.
func unfinished(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("%w (%w)", ErrUnfinished, err)
	}
	return err
}

// finish writes the manifest, and makes the folder durable.
func finish(archive io.Reader, dir string, got []File) (*Manifest, error) {
	raw, err := io.ReadAll(archive)
	if err != nil {
		return nil, unfinished(err)
	}
	var m Manifest
	if err := json.Unmarshal(raw, &m); err != nil || !slices.Equal(m.Files, got) {
		return nil, ErrUnfinished
	}
	for i, line := range m.Elsewhere {
		m.Elsewhere[i] = plain(line)
	}
	if _, err := write(filepath.Join(dir, ManifestName), bytes.NewReader(raw)); err != nil {
		return nil, err
	}
	return &m, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return syncDir(path)
	})
}

// plain is a text without characters that control a terminal.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
