package flowfuse

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
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

const newPassword = "plum velvet thirty gulls"

// place has all that the page wants before its first step, and what its steps make.
type place struct {
	*site.Site
	*site.Page

	front *proxy
	admin *visitor
	ids   map[string]string // of FlowFuse's users, by their names
	sql   string            // URL of FlowFuse's database, for an administrator
}

// The recipe of docs/hosts/flowfuse.md, from its first step to a sign-in with the new password.
func TestFlowFuse(t *testing.T) {
	t.Parallel()
	suite.Long(t)
	p := prepare(t)
	p.follow(t)

	old := newVisitor(t, p.front.URL)
	if status := old.signIn(t, "alice", oldPassword); status != http.StatusOK || old.signedIn(t) != "alice" {
		t.Fatalf("alice's sign-in before: %d", status)
	}
	p.admin.must(t, http.MethodPut, "/api/v1/users/"+p.ids["alice"], map[string]any{"password_expired": true})
	p.admin.must(t, http.MethodPut, "/api/v1/users/"+p.ids["carol"], map[string]any{"suspended": true})

	b := browse(t)
	p.request(t, b)
	link := p.link(t, "alice")
	p.choose(t, b, link)
	p.Mails(t, account.Account{Address: "alice@example.com"}, 2) // the notice too
	p.enter(t, b)

	if name := old.signedIn(t); name != "" {
		t.Errorf("the session from before the change is still that of %s", name)
	}
	if status := newVisitor(t, p.front.URL).signIn(t, "alice", oldPassword); status != http.StatusUnauthorized {
		t.Errorf("sign-in with the old password: %d", status)
	}
	p.withheld(t)
	p.sayWhy(t, b)
	p.leastRights(t)
}

// prepare starts PostgreSQL, Temporal, a mail server, FlowFuse and the proxy.
func prepare(t *testing.T) *place {
	t.Helper()
	postgrestest.Require(t)
	suite.Program(t, "chromium", "chromium-browser", "google-chrome")
	suite.Program(t, "psql")
	dir := install(t)
	p := &place{Site: site.Bare(t), Page: site.ReadPage(t, "../../docs/hosts/flowfuse.md")}
	p.StartTemporal(t)

	p.sql = postgrestest.Start(t).Database(t)
	database, err := url.Parse(p.sql)
	if err != nil {
		t.Fatal(err)
	}
	name, socket := strings.TrimPrefix(database.Path, "/"), database.Query().Get("host")
	postgrestest.Exec(t, p.sql, `CREATE ROLE forge LOGIN; ALTER DATABASE `+name+` OWNER TO forge; ALTER SCHEMA public OWNER TO forge`)

	host := site.FreeAddr(t)
	p.front = newProxy(t, p.routes(t, "reset_password/"), p.URL, "http://"+host)
	_, port, _ := net.SplitHostPort(host)
	_, smtp, _ := net.SplitHostPort(p.Mail.SMTPAddr())
	startFlowFuse(t, dir, strings.NewReplacer("SMTP_PORT", smtp, "PORT", port, "BASE_URL", p.front.URL, "DATABASE_HOST", socket, "DATABASE", name))
	p.admin, p.ids = furnish(t, p.front.URL)

	p.Here = strings.NewReplacer(
		"https://flow.example.com", p.front.URL, "mail.example.com", "127.0.0.1", "./keys", p.keys(), "127.0.0.1:7233", p.TemporalAddr,
		"postgres://forge@127.0.0.1:5432/flowforge", "'"+p.as("forge")+"'", "postgres://rekey@127.0.0.1:5432/flowforge", "'"+p.as("rekey")+"'")
	return p
}

// as is the URL of FlowFuse's database for a role.
func (p *place) as(role string) string {
	return strings.Replace(p.sql, "user=postgres", "user="+role, 1)
}

func (p *place) keys() string { return filepath.Join(p.Dir, "keys-of-the-page") }

// follow takes the steps of the page.
func (p *place) follow(t *testing.T) {
	t.Helper()
	postgrestest.Exec(t, p.sql, p.Block(t, "sql", "CREATE ROLE"))
	p.Type(t, p.Block(t, "sh", "rekey setup"))
	for range 2 { // it may be repeated
		p.Type(t, p.Block(t, "sh", "rekey adopt"))
	}
	worker := p.Start(t, nil, p.Commands(t, "rekey worker")[0]...)
	worker.Await(t, worker.Err, `"worker started"`)
	starter := p.Start(t, nil, p.Commands(t, "rekey starter")[0]...)
	starter.Await(t, starter.Err, `"starter listens"`)
}

// request asks for a mail on FlowFuse's pages.
func (p *place) request(t *testing.T, b *tab) {
	t.Helper()
	b.visit(p.front.URL)
	b.fill("username", "alice")
	b.click("Login")
	b.click("Forgot your password?")
	b.fill("Email address", "alice@example.com")
	b.click("Send reset link")
	b.see("We have sent you an email with instructions to reset your password")
	p.front.sees(t, "POST /account/forgot_password: 200 by rekey")
}

// link is that of the mail, to FlowFuse's page. The one for "this wasn't me" leads to rekey's.
func (p *place) link(t *testing.T, name string) string {
	t.Helper()
	text := p.Mails(t, account.Account{Address: name + "@example.com"}, 1)[0].Text
	link := regexp.MustCompile(regexp.QuoteMeta(p.front.URL) + site.ResetLink.String()).FindString(text)
	if link == "" {
		t.Fatalf("no link to %s in the mail:\n%s", p.front.URL, text)
	}
	wasNot := regexp.MustCompile(regexp.QuoteMeta(p.front.URL) + `/account/cancel-reset/\S+`).FindString(text)
	page, err := http.Get(wasNot)
	if err != nil {
		t.Fatal(err)
	}
	_ = page.Body.Close()
	p.front.sees(t, "GET /account/cancel-reset/{token}: 200 by rekey")
	return link
}

// choose types the new password on FlowFuse's page, after one that rekey refuses.
func (p *place) choose(t *testing.T, b *tab, link string) {
	t.Helper()
	for i, typed := range []struct{ password, answer string }{
		{"plum velvet", "POST /account/reset_password/{token}: 400 by rekey"},
		{newPassword, "POST /account/reset_password/{token}: 200 by rekey"},
	} {
		b.visit(link)
		b.fill("New Password", typed.password)
		b.judged()
		b.fill("Confirm", typed.password)
		b.click("Change password")
		p.front.sees(t, typed.answer)
		if refused := i == 0; refused && strings.Contains(b.text(), "successful") {
			t.Errorf("the page takes a refusal for a success:\n%s", b.text())
		}
	}
	b.see("Password reset successful.")
}

// enter signs in on FlowFuse's page with the new password.
func (p *place) enter(t *testing.T, b *tab) {
	t.Helper()
	b.click("Return Home")
	b.fill("username", "alice")
	b.click("Login")
	b.fill("password", newPassword)
	b.click("Login")
	p.front.sees(t, "POST /account/login: 200 by flowfuse")
	b.see("You need to be in a team") // and not that she must set a new password
	if name := b.signedIn(); name != "alice" {
		t.Errorf("the browser has the session of %q", name)
	}
}

// withheld checks that a suspended user gets the same answer and no mail.
func (p *place) withheld(t *testing.T) {
	t.Helper()
	carol := map[string]any{"email": "carol@example.com"}
	if status, answer := newVisitor(t, p.front.URL).ask(t, http.MethodPost, "/account/forgot_password", carol); status != http.StatusOK {
		t.Fatalf("request of a suspended user: %d %v", status, answer)
	}
	process.Eventually(t, p.Patience, "a mail is withheld", func() bool {
		var runs []struct{ Withheld string }
		out := p.Run(t, 0, "find", "--keys", p.keys(), "--json", "carol@example.com").Out.String()
		if err := json.Unmarshal([]byte(out), &runs); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		return len(runs) == 1 && runs[0].Withheld == "disabled"
	})
	now, cancel := context.WithCancel(t.Context())
	cancel()
	mails, _ := p.Mail.Wait(now, "carol@example.com", 2)
	for _, m := range mails { // one is FlowFuse's, which says that she is suspended
		if site.ResetLink.MatchString(m.Text) {
			t.Errorf("a suspended user got a link:\n%s", m.Text)
		}
	}
}

// sayWhy resets a password on rekey's page, with the last location of the recipe.
func (p *place) sayWhy(t *testing.T, b *tab) {
	t.Helper()
	p.front.add(p.routes(t, "password-changed"))
	newVisitor(t, p.front.URL).must(t, http.MethodPost, "/account/forgot_password", map[string]any{"email": "dave@example.com"})
	b.visit(p.link(t, "dave"))
	for _, typed := range []struct{ password, says string }{{"plum velvet", "The password is too short."}, {newPassword, "Your password was changed"}} {
		b.fill("New password", typed.password)
		b.fill("New password again", typed.password)
		b.click("Set the new password")
		b.see(typed.says)
	}
	if status := newVisitor(t, p.front.URL).signIn(t, "dave", newPassword); status != http.StatusOK {
		t.Errorf("sign-in after a change on rekey's page: %d", status)
	}
}

// leastRights checks that the worker's role can change a password through the view and nothing
// else.
func (p *place) leastRights(t *testing.T) {
	t.Helper()
	postgrestest.Exec(t, p.as("rekey"), `DO $$ BEGIN
		ASSERT NOT has_any_column_privilege('"Users"', 'SELECT') AND NOT has_any_column_privilege('"Users"', 'UPDATE');
		ASSERT NOT has_column_privilege('rekey.users', 'address', 'UPDATE') AND NOT has_table_privilege('rekey.users', 'INSERT, DELETE');
		ASSERT NOT has_any_column_privilege('"Sessions"', 'SELECT') AND NOT has_table_privilege('"Sessions"', 'DELETE');
		ASSERT NOT has_function_privilege('rekey.change_password()', 'EXECUTE');
	END $$`)
}
