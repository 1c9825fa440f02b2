package deploy

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/temporal"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// startPostgres starts PostgreSQL with the certificate of the service, and runs the job
// databases. Over TCP it requires TLS and a password.
func (s *site) startPostgres(t *testing.T) *postgrestest.Server {
	t.Helper()
	server := postgrestest.Start(t, "listen_addresses="+s.address("postgres"), "unix_socket_permissions=0777")
	var data string
	admin(t, server, func(conn *pgx.Conn) error { return conn.QueryRow(t.Context(), "SHOW data_directory").Scan(&data) })
	for _, name := range []string{"postgres.crt", "postgres.key"} {
		install(t, filepath.Join(data, name), s.secret(t, name)+"\n", data)
	}
	install(t, filepath.Join(data, "pg_hba.conf"), "local all all trust\nhostssl all all all scram-sha-256\n", data)
	for _, statement := range []string{
		"ALTER SYSTEM SET ssl_cert_file = 'postgres.crt'", "ALTER SYSTEM SET ssl_key_file = 'postgres.key'",
		"ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()", "ALTER ROLE postgres PASSWORD '" + s.secret(t, "postgres.password") + "'",
	} {
		postgrestest.Exec(t, server.URL("postgres"), statement)
	}
	file := filepath.Join(t.TempDir(), "databases.sh")
	text := replaced(t, filepath.Join(root, "deploy/compose/databases.sh"), []string{"/run/secrets", s.secrets, "host=postgres ", "host=" + s.address("postgres") + " "})
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	fill := exec.CommandContext(t.Context(), "sh", file)
	script(t, fill)
	return server
}

// install writes a file that belongs to the owner of another.
func install(t *testing.T, path, content, like string) {
	t.Helper()
	info, err := os.Stat(like)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t); os.Geteuid() == 0 {
		if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}

// admin does something as the superuser.
func admin(t *testing.T, server *postgrestest.Server, do func(*pgx.Conn) error, database ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.URL(strings.Join(append(database, "postgres")[:1], "")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if err := do(conn); err != nil {
		t.Fatal(err)
	}
}

// makeSchema runs the job temporal-schema twice: an installed one stays.
func (s *site) makeSchema(t *testing.T) {
	t.Helper()
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, sqlTool)); err != nil {
		t.Fatal(err)
	}
	module, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "go.temporal.io/server").Output()
	if err != nil {
		t.Fatal(err)
	}
	text := replaced(t, filepath.Join(root, "deploy/compose/schema.sh"), []string{
		"/run/secrets", s.secrets, "/etc/temporal/schema", filepath.Join(strings.TrimSpace(string(module)), "schema"),
	})
	for range 2 {
		job := exec.CommandContext(t.Context(), "sh", "-c", text)
		job.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		for variable := range s.Services["temporal-schema"].Environment {
			job.Env = append(job.Env, variable+"="+s.setting("temporal-schema", variable))
		}
		script(t, job)
	}
}

// startTemporal starts the Temporal server from its own template with the settings of the
// service, as the image does. They go into the environment of the test.
func (s *site) startTemporal(t *testing.T) {
	t.Helper()
	for variable := range s.Services["temporal"].Environment {
		t.Setenv(variable, s.setting("temporal", variable))
	}
	t.Setenv("POSTGRES_PWD", s.secret(t, "temporal.password"))
	cfg, err := config.Load(config.WithEmbedded())
	if err != nil {
		t.Fatal(err)
	}
	server, err := temporal.NewServer(
		temporal.ForServices(temporal.DefaultServices), temporal.WithConfig(cfg),
		temporal.WithLogger(log.NewNoopLogger()), temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// makeNamespace acts as `rekey setup --retention`.
func (s *site) makeNamespace(t *testing.T) {
	t.Helper()
	namespaces, err := client.NewNamespaceClient(client.Options{
		HostPort: s.address("temporal") + ":7233", ConnectionOptions: client.ConnectionOptions{TLS: s.trust(t, "temporal")},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer namespaces.Close()
	request := &workflowservice.RegisterNamespaceRequest{
		Namespace: s.setting("setup", "TEMPORAL_NAMESPACE"), WorkflowExecutionRetentionPeriod: durationpb.New(72 * time.Hour),
	}
	process.Succeeds(t, patience, "the namespace", func() error {
		err := namespaces.Register(t.Context(), request)
		if errors.As(err, new(*serviceerror.NamespaceAlreadyExists)) {
			return nil
		}
		return err
	})
}
