package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	socketName = "rekey.sock"
	spoolName  = ".backup" // of a folder in the data folder, for copies that are under way
)

// Listen listens in a data folder, for its owner and root only. The process must hold the locks of
// the data: a socket that is there already is taken for one of a killed process.
func Listen(dir string) (net.Listener, error) {
	path := filepath.Join(dir, socketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// Serve answers [Take] until the context ends, and closes the listener. One backup is made at a
// time. The rest of one that a killed process began is removed.
func Serve(ctx context.Context, listener net.Listener, s Source) error {
	if err := os.RemoveAll(filepath.Join(s.Dir, spoolName)); err != nil {
		return errors.Join(err, listener.Close())
	}
	h := &handler{source: s}
	mux := http.NewServeMux()
	mux.Handle("POST /backup", h)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	err := server.Serve(listener)
	h.alone.Lock() // for ever: the copies use what the caller closes next
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

type handler struct {
	source Source
	alone  sync.Mutex
}

// ServeHTTP answers with a tar archive, whose last file is the manifest. An answer without it is
// unfinished.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.alone.TryLock() {
		http.Error(w, ErrBusy.Error(), http.StatusConflict)
		return
	}
	defer h.alone.Unlock()
	spool := filepath.Join(h.source.Dir, spoolName)
	defer func() { _ = os.RemoveAll(spool) }() // or the next one does
	m := Manifest{Rekey: h.source.Version, Made: time.Now().UTC(), Elsewhere: h.source.Elsewhere}
	if err := h.source.copyAll(r.Context(), spool); err != nil {
		h.source.Log.Error().Err(err).Msg("backup failed")
		if r.Context().Err() != nil { // nobody asks any more, or this process stops
			panic(http.ErrAbortHandler)
		}
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-tar")
	if err := send(w, spool, &m); err != nil {
		h.source.Log.Error().Err(err).Msg("backup failed") // the client misses the manifest
		return
	}
	h.source.Log.Info().Int("files", len(m.Files)).Dur("took_ms", time.Since(m.Made)).Msg("backup sent")
}

// copyAll makes all copies before the first is sent, so that a slow client does not move their
// moments apart.
func (s Source) copyAll(ctx context.Context, spool string) error {
	if err := os.Mkdir(spool, 0o700); err != nil {
		return err
	}
	for _, l := range []Live{s.Runs, s.Records} {
		if l.Copy == nil {
			continue
		}
		if err := l.Copy(ctx, filepath.Join(spool, l.Name)); err != nil {
			return err
		}
	}
	for _, name := range s.Still {
		if err := s.copyStill(spool, name); err != nil {
			return err
		}
	}
	return nil
}

// copyStill copies a file, or all files of a folder except unfinished ones, which begin with a dot.
func (s Source) copyStill(spool, name string) error {
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // nothing was written
	return fs.WalkDir(root.FS(), name, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.Name()[0] == '.':
			return nil
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(spool, path), 0o700)
		}
		f, err := root.Open(path)
		if err != nil {
			return err
		}
		_, err = write(filepath.Join(spool, path), f)
		return errors.Join(err, f.Close())
	})
}

// send writes the files of a folder, and then the manifest of them.
func send(w http.ResponseWriter, spool string, m *Manifest) error {
	archive := tar.NewWriter(w)
	err := filepath.WalkDir(spool, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		f, err := sum(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(spool, path)
		if err != nil {
			return err
		}
		f.Name = filepath.ToSlash(rel)
		m.Files = append(m.Files, f)
		return sendFile(archive, f, path)
	})
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	raw = append(raw, '\n')
	if err := archive.WriteHeader(header(ManifestName, int64(len(raw)))); err != nil {
		return err
	}
	if _, err := bytes.NewReader(raw).WriteTo(archive); err != nil {
		return err
	}
	return archive.Close()
}

func sendFile(archive *tar.Writer, f File, path string) error {
	if err := archive.WriteHeader(header(f.Name, f.Size)); err != nil {
		return err
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = from.WriteTo(archive)
	return errors.Join(err, from.Close())
}

func header(name string, size int64) *tar.Header {
	return &tar.Header{Name: name, Size: size, Mode: 0o600, Typeflag: tar.TypeReg}
}
