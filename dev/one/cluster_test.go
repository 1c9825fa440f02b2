package one

import (
	"fmt"
	"math/rand/v2"
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
		temporal.WithLogger(log.NewZapLogger(log.BuildZapLogger(log.Config{Level: "warn"}))), temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
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

// member starts a member of a Temporal cluster on the database of `rekey one`, which has the tables.
// It has an address of loopback for itself: Temporal's table of members takes no port above 32767,
// where the free ones are.
func member(t *testing.T, database string) (p *process.Process, frontend string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	dynamic, err := filepath.Abs("../../deploy/compose/temporal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	host := fmt.Sprintf("127.%d.%d.%d", 1+rand.N(250), rand.N(250), 1+rand.N(250))
	p = process.Start(t, self, []string{
		clusterSocket + "=" + u.Query().Get("host"), "DB=postgres12_pgx", "POSTGRES_SEEDS=127.0.0.1", "POSTGRES_USER=" + u.Query().Get("user"),
		"DBNAME=" + name, "VISIBILITY_DBNAME=" + name + "_visibility", "NUM_HISTORY_SHARDS=4", "DYNAMIC_CONFIG_FILE_PATH=" + dynamic, "BIND_ON_IP=" + host,
	})
	p.Await(t, p.Out, "cluster member runs")
	return p, host + ":7233"
}
