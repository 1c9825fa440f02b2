package stack_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/dev/stack/stacktest"
	"github.com/rekeyhq/rekey/internal/backup"
	"github.com/rekeyhq/rekey/password"
)

const patience = time.Minute

// product keeps all in a folder. It belongs to one test.
type product struct {
	*stack.Stack
	t *testing.T
}

func start(t *testing.T, dir, listen string, people int) *product {
	t.Helper()
	cfg := stack.Throwaway(dir)
	cfg.Listen, cfg.Memory, cfg.CoolDown = listen, false, time.Nanosecond
	cfg.Seed = func(ctx context.Context, s *bolt.Store) error {
		if people == 0 {
			return nil
		}
		var all []account.Account
		for n := range people {
			all = append(all, person(n))
		}
		return s.PutMany(ctx, all)
	}
	return &product{stacktest.Start(t, cfg), t}
}

func person(n int) account.Account {
	id := fmt.Sprintf("p%d", n)
	return account.Account{ID: id, Address: id + "@example.com", Credential: "$argon2id$x", Resettable: true}
}

// answer is that of a JSON route.
type answer struct {
	HTTP         int `json:"-"`
	Status, Code string
}

// try sends JSON until the answer is about the request, and not that it takes longer.
func (p *product) try(path string, body map[string]string) (a answer) {
	p.t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	for a.HTTP == 0 || a.HTTP == http.StatusAccepted {
		resp, err := http.Post(p.URL+path, "application/json", bytes.NewReader(sent))
		if err != nil {
			p.t.Fatal(err)
		}
		a = answer{HTTP: resp.StatusCode}
		if err := errors.Join(json.NewDecoder(resp.Body).Decode(&a), resp.Body.Close()); err != nil {
			p.t.Fatal(err)
		}
	}
	return a
}

// post is try until the product can take the request.
func (p *product) post(path string, body map[string]string) (a answer) {
	p.t.Helper()
	process.Eventually(p.t, patience, "POST "+path, func() bool {
		a = p.try(path, body)
		return a.HTTP != http.StatusServiceUnavailable
	})
	return a
}

var resetLink = regexp.MustCompile(`/account/change-password/([A-Za-z0-9_-]+)`)

// request requests a link and returns the token of the newest mail.
func (p *product) request(n int) string {
	p.t.Helper()
	if a := p.post("/account/forgot_password", map[string]string{"email": person(n).Address}); a.HTTP != http.StatusOK {
		p.t.Errorf("request of %d: %+v", n, a)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	mails, err := p.Mail.Wait(ctx, person(n).Address, 1)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	return resetLink.FindStringSubmatch(mails[len(mails)-1].Text)[1]
}

func (p *product) use(token, password string) answer {
	p.t.Helper()
	return p.post("/account/reset_password/"+token, map[string]string{"password": password})
}

func chosen(n int) string { return fmt.Sprintf("plum velvet thirty gulls %d", n) }

const other = "brass kettle under ferns"

// serve answers a backup of a product, with the parts of `rekey one`.
func (p *product) serve(between func()) {
	p.t.Helper()
	listener, err := backup.Listen(p.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(p.t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- backup.Serve(ctx, listener, backup.Source{
			Dir: p.Data, Log: p.Log, Still: []string{"keys"},
			Runs: backup.Live{Name: "temporal.db", Copy: p.Server.Backup},
			Records: backup.Live{Name: "accounts.db", Copy: func(ctx context.Context, path string) error {
				between()
				return p.Store.Backup(ctx, path)
			}},
		})
	}()
	p.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			p.t.Error(err)
		}
	})
}

// changes are how often a person's password was changed, and whether it is this one now.
func (p *product) changes(n int, now string) (times int, is bool) {
	p.t.Helper()
	log, err := p.Store.Audit(p.t.Context(), person(n).ID)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range log {
		if e.Event == account.EventPasswordChanged {
			times++
		}
	}
	a, err := p.Store.Account(p.t.Context(), person(n).ID)
	if err != nil {
		p.t.Fatal(err)
	}
	is, err = password.Verify(a.Credential, now)
	return times, err == nil && is
}

// once checks that a password was changed, and not again.
func (p *product) once(n int) {
	p.t.Helper()
	if times, is := p.changes(n, chosen(n)); times != 1 || !is {
		p.t.Errorf("person %d: %d changes, and it is the chosen password: %v", n, times, is)
	}
}

// A backup that is taken while people reset their passwords, started elsewhere: open resets go on,
// used links stay used, and no password changes twice. The same holds for people who were busy
// between the copy of Temporal and that of the accounts.
//
// security 23: no restored folder changes a password again, or opens a used link.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	const before, people, early, late = 30, 90, 90, 91
	p := start(t, t.TempDir(), "127.0.0.1:0", people+2)
	tokens := make([]string, people+2)
	tokens[early] = p.request(early)
	p.serve(func() {
		if a := p.use(tokens[early], chosen(early)); a.HTTP != http.StatusOK {
			t.Errorf("somebody during the backup: %+v", a)
		}
		tokens[late] = p.request(late)
	})
	p.load(tokens, 0, before)
	copied := filepath.Join(t.TempDir(), "copy")
	taken := make(chan error, 1)
	go func() {
		begun := time.Now()
		m, err := backup.Take(t.Context(), p.Data, copied, func(string) {})
		if err == nil {
			t.Logf("%d files in %v", len(m.Files), time.Since(begun))
		}
		taken <- err
	}()
	p.load(tokens, before, people)
	if err := errors.Join(<-taken, p.Stop()); err != nil {
		t.Fatal(err)
	}
	sound(t, filepath.Join(copied, "temporal.db"))
	if m, err := backup.Restored(copied); err != nil || m == nil {
		t.Fatalf("the copy: %v, %v", m, err)
	}

	q := start(t, copied, strings.TrimPrefix(p.URL, "http://"), 0) // links name the site
	for n, token := range tokens[:before] {
		if used := n%2 == 0; used {
			if a := q.use(token, other); a.Code != "link_used" {
				t.Errorf("person %d: a used link with another password: %+v", n, a)
			}
		} else if a := q.use(token, chosen(n)); a.HTTP != http.StatusOK {
			t.Errorf("person %d: an open link: %+v", n, a)
		}
		q.once(n)
	}
	for n, token := range tokens[before:people] {
		q.somewhere(before+n, token)
	}
	q.between(early, tokens[early], late, tokens[late])
	q.noneFailed()
}

// load resets passwords, half of them to the end, four at a time.
func (p *product) load(tokens []string, from, to int) {
	p.t.Helper()
	var all sync.WaitGroup
	next := make(chan int)
	for range 4 {
		all.Go(func() {
			for n := range next {
				tokens[n] = p.request(n)
				if n%2 != 0 {
					continue
				}
				if a := p.use(tokens[n], chosen(n)); a.HTTP != http.StatusOK {
					p.t.Errorf("person %d: %+v", n, a)
				}
			}
		})
	}
	for n := from; n < to; n++ {
		next <- n
	}
	close(next)
	all.Wait()
}

// somewhere checks a person of whom the copy may have any part: with the link of before or another
// one the password is changed once.
func (p *product) somewhere(n int, token string) {
	p.t.Helper()
	if times, _ := p.changes(n, chosen(n)); times == 1 {
		if a := p.try("/account/reset_password/"+token, map[string]string{"password": other}); a.HTTP == http.StatusOK {
			p.t.Errorf("person %d: a used link with another password: %+v", n, a)
		}
		p.once(n)
		return
	}
	process.Eventually(p.t, patience, "a change", func() bool {
		a := p.try("/account/reset_password/"+token, map[string]string{"password": chosen(n)})
		if a.HTTP != http.StatusOK {
			token = p.request(n)
		}
		return a.HTTP == http.StatusOK
	})
	p.once(n)
}

// between checks two people of the time between the copies. One had a link before and has changed
// the password: that is so. The other's run is gone: the link says so, and has left nothing.
func (p *product) between(early int, used string, late int, mailed string) {
	p.t.Helper()
	if a := p.try("/account/reset_password/"+used, map[string]string{"password": other}); a.Code != "unavailable" {
		p.t.Errorf("a link that was used, with another password: %+v", a)
	}
	if a := p.use(used, chosen(early)); a.HTTP != http.StatusOK {
		p.t.Errorf("a link that was used, with that password: %+v", a)
	}
	p.once(early)
	if a := p.try("/account/reset_password/"+mailed, map[string]string{"password": other}); a.Code != "link_expired" {
		p.t.Errorf("a link whose run is gone: %+v", a)
	}
	if a := p.use(p.request(late), chosen(late)); a.HTTP != http.StatusOK {
		p.t.Errorf("another link: %+v", a)
	}
	p.once(late)
}

// noneFailed checks that every run is open or ended as runs do.
func (p *product) noneFailed() {
	p.t.Helper()
	temporal, err := client.Dial(p.TemporalOptions())
	if err != nil {
		p.t.Fatal(err)
	}
	defer temporal.Close()
	for query, none := range map[string]bool{"": false, "ExecutionStatus NOT IN ('Running', 'Completed')": true} {
		got, err := temporal.CountWorkflow(p.t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: query})
		if err != nil || (got.GetCount() == 0) != none {
			p.t.Errorf("%q: %v runs, %v", query, got, err)
		}
	}
}

// sound judges a file with SQLite's own check.
func sound(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var said string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&said); err != nil || said != "ok" {
		t.Errorf("integrity_check: %s, %v", said, err)
	}
}
