package temporal

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/resolver"
)

// ErrNoFile means that a server keeps its runs in memory or in PostgreSQL, which pg_dump copies.
var ErrNoFile = errors.New("there is no file: Temporal keeps its runs in memory or in PostgreSQL")

// Backup copies the server's file to another path while the server runs: all runs as they were at
// one moment, for the owner only, synced, and without the room that deleted runs left. The path
// must not exist. Nothing else uses the file meanwhile: calls of the server wait, and none fails
// (docs/operations/backups.md has how long). The context is looked at before. Errors: ErrNoFile,
// those of the disk; then an unfinished copy may be left.
func (s *Server) Backup(ctx context.Context, path string) error {
	if s.file == "" {
		return ErrNoFile
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// SQLite writes into an empty file, and would make one that others may read.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // Sync has told of errors
	if err := s.copyTo(path); err != nil {
		return fmt.Errorf("copy of temporal file %s: %w", s.file, spoiled(err))
	}
	return f.Sync()
}

// copyTo uses the one connection of the server, which no other can stand beside: it has locked the
// file for itself. The server's pool returns it for equal settings.
func (s *Server) copyTo(path string) (err error) {
	db, err := sql.NewSQLAdminDB(sqlplugin.DbKindUnknown, s.stores.runs, resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Exec("VACUUM INTO ?", path)
}
