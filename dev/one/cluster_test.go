package one

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	_ "go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql" // as in Temporal's program
	"go.temporal.io/server/temporal"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/signals"
)

// clusterSocket is the variable with the folder of PostgreSQL's socket. Temporal's template knows
// host names only.
const clusterSocket = "REKEY_TEST_CLUSTER"

// cluster is Temporal's own server, from the template and the variables of its image, until SIGTERM.
func cluster() error {
	cfg, err := config.Load(config.WithEmbedded())
	if err != nil {
		return err
	}
	for _, store := range cfg.Persistence.DataStores {
		store.SQL.ConnectAttributes = map[string]string{"host": os.Getenv(clusterSocket)}
	}
	server, err := temporal.NewServer(
		temporal.ForServices(temporal.DefaultServices), temporal.WithConfig(cfg),
		temporal.WithLogger(log.NewNoopLogger()), temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
	)
	if err != nil {
		return err
	}
	ctx := signals.Context()
	if err := server.Start(); err != nil {
		return err
	}
	fmt.Println("cluster member runs")
	<-ctx.Done()
	return server.Stop()
}

// member starts a member of a Temporal cluster on the database of `rekey one`, which has the tables
// of its frontend at an address.
func member(t *testing.T, database, frontend string) *process.Process {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	dynamic, err := filepath.Abs("../../deploy/compose/temporal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	env := []string{
		clusterSocket + "=" + u.Query().Get("host"), "DB=postgres12_pgx", "POSTGRES_SEEDS=127.0.0.1", "POSTGRES_USER=" + u.Query().Get("user"),
		"DBNAME=" + name, "VISIBILITY_DBNAME=" + name + "_visibility", "NUM_HISTORY_SHARDS=4", "DYNAMIC_CONFIG_FILE_PATH=" + dynamic,
		"PUBLIC_FRONTEND_ADDRESS=" + frontend,
	}
	port := func(variable, address string) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, variable+"="+port)
	}
	port("FRONTEND_GRPC_PORT", frontend)
	for _, variable := range []string{
		"FRONTEND_HTTP_PORT", "FRONTEND_MEMBERSHIP_PORT", "MATCHING_GRPC_PORT", "MATCHING_MEMBERSHIP_PORT",
		"HISTORY_GRPC_PORT", "HISTORY_MEMBERSHIP_PORT", "WORKER_GRPC_PORT", "WORKER_MEMBERSHIP_PORT",
	} {
		port(variable, site.FreeAddr(t))
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := process.Start(t, self, env)
	p.Await(t, p.Out, "cluster member runs")
	return p
}
