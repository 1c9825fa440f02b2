package temporal

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/schema/sqlite"
)

// stores are where a server keeps its data.
type stores struct {
	runs, list *config.SQL // the runs themselves, and the lists of runs
	shards     int32       // history shards
	close      func() error
}

// open finds the data, and creates missing parts: database, tables, namespace.
func open(ctx context.Context, o Options) (*stores, error) {
	opened, err := openStores(ctx, o)
	if err != nil {
		return nil, err
	}
	namespace, err := sqlite.NewNamespaceConfig(clusterName, o.Namespace, false, o.SearchAttributes)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("namespace %s: %w", o.Namespace, err), opened.close())
	}
	// The name of its package notwithstanding, this is for every SQL database.
	if err := sqlite.CreateNamespaces(opened.runs, namespace); err != nil {
		return nil, errors.Join(fmt.Errorf("namespace %s: %w", o.Namespace, err), opened.close())
	}
	return opened, nil
}

func openStores(ctx context.Context, o Options) (*stores, error) {
	switch {
	case o.File != "" && o.Database != "":
		return nil, errors.New("a file and a database for temporal: give one of them")
	case o.Database != "":
		return openPostgres(ctx, o.Database, o.Password)
	default:
		return openSQLite(ctx, o.File)
	}
}
