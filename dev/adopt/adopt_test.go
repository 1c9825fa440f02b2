package adopt

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

func TestMain(m *testing.M) {
	os.Exit(site.Main(func() int { return postgrestest.Run(m) }))
}

const (
	alice = "alice@example.com" // forgot her password
	bob   = "bob@example.com"   // did not

	before = `six "grey" herons at dawn`
	after  = `sieben \graue\ Reiher's "ﬁ²" 鷺` // NFKC is another text
)

// request asks an application to do something: migrate makes its tables, signUp a user, signIn a
// session. The answer to session is the user of a cookie.
type request struct {
	Do       string `json:"do"`
	Email    string `json:"email,omitempty"`
	Password string `json:"password,omitempty"`
	Cookie   string `json:"cookie,omitempty"`
}

type answer struct {
	Status int    `json:"status"` // of signIn; 200 for a session
	Cookie string `json:"cookie"`
	Email  string `json:"email"` // empty without a session
}

// application is one that has a recipe.
type application struct {
	page string // of docs/hosts
	// start starts it in a database and returns what answers its requests.
	start func(t *testing.T, p *place) func(request) answer
	// furnish is SQL that makes the users of withheld what they are.
	furnish string
	// withheld are users who get no mail, with the reason.
	withheld map[string]string
	// stale is SQL that fills what the application's own reset would end or set, and fresh are
	// conditions that hold after it, also that nothing of bob has changed.
	stale, fresh string
	// hidden are tables that the worker's role sees nothing of.
	hidden []string
}

// place is where an application and rekey run.
type place struct {
	*site.Site
	*site.Page

	sql string // URL of the application's database, for an administrator
	ask func(request) answer
}

// adopts follows the page of an application, resets a password, and asks the application.
func (app application) adopts(t *testing.T, recipe string) {
	t.Helper()
	t.Parallel()
	suite.Long(t)
	p := app.prepare(t)
	p.follow(t, recipe)

	cookie := p.signIn(t, alice, before, true)
	p.signIn(t, alice, after, false)
	bobs := p.signIn(t, bob, before, true)
	p.session(t, cookie, alice)
	postgrestest.Exec(t, p.sql, app.stale)

	who := account.Account{Address: alice}
	p.Forgot(t, who)
	p.Insist(t, p.Token(t, who, 1), after)
	p.Mails(t, who, 2) // the notice too

	p.session(t, cookie, "")
	postgrestest.Exec(t, p.sql, app.fresh)
	p.signIn(t, alice, before, false)
	p.session(t, p.signIn(t, alice, after, true), alice)
	p.session(t, bobs, bob)
	p.signIn(t, bob, before, true)
	for address, reason := range app.withheld {
		p.withheld(t, address, reason)
	}
	p.leastRights(t, app.hidden)
}

// prepare starts PostgreSQL, Temporal, a mail server and the application with its users.
func (app application) prepare(t *testing.T) *place {
	t.Helper()
	suite.Program(t, "psql")
	p := &place{Site: site.Bare(t), Page: site.ReadPage(t, "../../docs/hosts/"+app.page+".md")}
	p.sql = postgrestest.Start(t, "timezone=Asia/Tokyo").Database(t) // a time in UTC differs from now()
	database, err := url.Parse(p.sql)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(database.Path, "/")
	postgrestest.Exec(t, p.sql, `CREATE ROLE app LOGIN; ALTER DATABASE `+name+` OWNER TO app; ALTER SCHEMA public OWNER TO app`)
	p.ask = app.start(t, p)
	p.ask(request{Do: "migrate"})
	p.ask(request{Do: "signUp", Email: alice, Password: before})
	p.ask(request{Do: "signUp", Email: bob, Password: before})
	for address := range app.withheld {
		p.ask(request{Do: "signUp", Email: address, Password: before})
	}
	postgrestest.Exec(t, p.sql, app.furnish)

	p.StartTemporal(t)
	owner, worker := "'"+p.as("app")+"'", "'"+p.as("rekey")+"'"
	p.Here = strings.NewReplacer("https://accounts.example.com", p.URL, "mail.example.com", "127.0.0.1", "127.0.0.1:7233", p.TemporalAddr,
		"./keys", p.keys(), "postgres://app@127.0.0.1/app", owner, "postgres://rekey@127.0.0.1/app", worker,
		"postgres://postgres@127.0.0.1/postgres", owner, "postgres://rekey@127.0.0.1/postgres", worker)
	return p
}

// as is the URL of the application's database for a role.
func (p *place) as(role string) string {
	return strings.Replace(p.sql, "user=postgres", "user="+role, 1)
}

// env has the application's database for its own role, as libpq and as a URL.
func (p *place) env(t *testing.T) []string {
	t.Helper()
	database, err := url.Parse(p.sql)
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		"PGUSER=app", "PGDATABASE=" + strings.TrimPrefix(database.Path, "/"), "PGHOST=" + database.Query().Get("host"),
		"DATABASE_URL=" + p.as("app"),
	}
}

func (p *place) keys() string { return filepath.Join(p.Dir, "keys-of-the-page") }

// follow takes the steps of the page.
func (p *place) follow(t *testing.T, recipe string) {
	t.Helper()
	postgrestest.Exec(t, p.sql, p.Block(t, "sql", "CREATE ROLE"))
	p.Type(t, p.Block(t, "sh", "rekey setup"))
	for range 2 { // it may be repeated
		p.Type(t, p.Block(t, "sh", "--recipe "+recipe+" "))
	}
	worker := p.Start(t, nil, p.Commands(t, "rekey worker")[0]...)
	worker.Await(t, worker.Err, `"worker started"`)
	starter := p.Start(t, nil, p.Commands(t, "rekey starter")[0]...)
	starter.Await(t, starter.Err, `"starter listens"`)
}

// signIn signs in by the application's own code, which is to take the password or not.
func (p *place) signIn(t *testing.T, address, password string, takes bool) (cookie string) {
	t.Helper()
	a := p.ask(request{Do: "signIn", Email: address, Password: password})
	if (a.Status == http.StatusOK) != takes {
		t.Fatalf("sign-in of %s with %q: status %d", address, password, a.Status)
	}
	return a.Cookie
}

// session checks whose session a cookie is.
func (p *place) session(t *testing.T, cookie, want string) {
	t.Helper()
	if got := p.ask(request{Do: "session", Cookie: cookie}).Email; got != want {
		t.Errorf("the session is of %q, want %q", got, want)
	}
}

// withheld checks that a user gets the same answer and no mail.
func (p *place) withheld(t *testing.T, address, reason string) {
	t.Helper()
	p.Forgot(t, account.Account{Address: address})
	now, cancel := context.WithCancel(t.Context())
	cancel()
	process.Eventually(t, p.Patience, "a mail to "+address+" is withheld: "+reason, func() bool {
		var runs []struct{ Withheld string }
		out := p.Run(t, 0, "find", "--keys", p.keys(), "--json", address).Out.String()
		if err := json.Unmarshal([]byte(out), &runs); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		if mails, err := p.Mail.Wait(now, address, 1); err == nil {
			t.Fatalf("%s got a mail:\n%s", address, mails[0].Text)
		}
		return len(runs) == 1 && runs[0].Withheld == reason
	})
}

// leastRights checks that the worker's role can change a password through the view and nothing
// else.
func (p *place) leastRights(t *testing.T, hidden []string) {
	t.Helper()
	rights := []string{
		`has_column_privilege('rekey', 'rekey.users', 'credential', 'UPDATE')`,
		`NOT has_column_privilege('rekey', 'rekey.users', 'address', 'UPDATE')`,
		`NOT has_table_privilege('rekey', 'rekey.users', 'INSERT, DELETE')`,
		`NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = 'rekey'::regnamespace AND has_function_privilege('rekey', oid, 'EXECUTE'))`,
	}
	for _, table := range hidden {
		rights = append(rights, `NOT has_any_column_privilege('rekey', '`+table+`', 'SELECT, INSERT, UPDATE, REFERENCES')`,
			`NOT has_table_privilege('rekey', '`+table+`', 'DELETE, TRUNCATE, TRIGGER')`)
	}
	postgrestest.Exec(t, p.sql, asserts(rights...))
}

// program answers by a program in testdata, which starts anew for each request.
func program(find func(*testing.T) string, file string) func(*testing.T, *place) func(request) answer {
	return func(t *testing.T, p *place) func(request) answer {
		t.Helper()
		args, env := []string{find(t), file}, p.env(t)
		return func(asked request) (a answer) {
			process.Ask(t, "testdata", env, args, asked, &a)
			return a
		}
	}
}

// has finds an interpreter that can run a line, which loads libraries.
func has(libraries, flag, line string, names ...string) func(*testing.T) string {
	return func(t *testing.T) string {
		t.Helper()
		for _, name := range names {
			if exec.Command(name, flag, line).Run() == nil {
				return name
			}
		}
		suite.Missing(t, libraries)
		return ""
	}
}

// asserts is SQL that fails when a condition is false or NULL.
func asserts(conditions ...string) string {
	var sql strings.Builder
	for _, condition := range conditions {
		sql.WriteString("ASSERT " + condition + ", $text$" + condition + "$text$;\n")
	}
	return "DO $do$ BEGIN\n" + sql.String() + "END $do$"
}
