package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// limit is higher than any measurement comes to, so that limits are computed and refuse no
// request.
const limit = 1_000_000

const newPassword = "plum velvet thirty gulls"

// lane is a site on one database of Temporal, with each part in a process of its own.
type lane struct {
	*site.Site

	database string
	idle     string // where a handler that does nothing is served
	parts    map[string]*process.Process
	postgres *postgrestest.Server // of Temporal; nil for SQLite
	temporal client.Client
	http     http.Client
	people   int          // accounts that there are
	asked    atomic.Int64 // accounts with a request among these
	floors   atomic.Int64 // runs of the floor
}

// newLane makes a site with so many accounts, where Temporal runs.
func newLane(t *testing.T, database string, people int) *lane {
	t.Helper()
	l := &lane{
		Site: site.Bare(t), database: database, idle: "http://" + site.FreeAddr(t), people: people,
		parts: map[string]*process.Process{}, http: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}},
	}
	l.Mail.Keep(math.MaxInt)
	if database == "PostgreSQL" { // the default, unlike the tests'
		l.postgres = postgrestest.Start(t, "fsync=on", "full_page_writes=on", "autovacuum=on", "shared_buffers=128MB")
		l.TemporalDB = l.postgres.URL("temporal")
	}
	l.Env = append(l.Env, "REKEY_LOG_LEVEL=error", "REKEY_CLIENT_LIMIT="+strconv.Itoa(limit), "REKEY_START_LIMIT="+strconv.Itoa(limit))
	l.fill(t)
	l.StartTemporal(t)
	l.parts["temporal"] = l.Temporal
	l.Run(t, 0, "setup")
	l.temporal = l.Dial(t)
	return l
}

// fill puts the accounts into the file.
func (l *lane) fill(t *testing.T) {
	t.Helper()
	all := make([]account.Account, l.people)
	for i := range all {
		all[i] = account.Account{ID: fmt.Sprintf("%07d", i), Address: address(i), Credential: "$argon2id$x", Resettable: true}
	}
	l.Put(t, all...)
}

func address(n int) string { return fmt.Sprintf("person-%d@example.com", n) }

func (l *lane) worker(t *testing.T) {
	t.Helper()
	l.parts["worker"] = l.Start(t, nil, "worker") // requests of mails wait for it
}

func (l *lane) starter(t *testing.T) {
	t.Helper()
	l.parts["starter"] = l.Start(t, nil, "starter")
	process.Succeeds(t, l.Patience, "the starter's answer", func() error {
		_, err := l.send(t.Context(), l.URL+"/nothing", nil, http.StatusNotFound)
		return err
	})
}

// play starts a part that is no program of rekey's.
func (l *lane) play(t *testing.T, part string) {
	t.Helper()
	text, err := json.Marshal(role{part, l.TemporalAddr, l.Dir, l.URL, l.idle, l.Mail.SMTPAddr()})
	if err != nil {
		t.Fatal(err)
	}
	p := process.Start(t, self(), []string{roleEnv + "=" + string(text)})
	p.Await(t, p.Out, ready)
	l.parts[part] = p
}

// history is the whole one of a run, which it waits for.
func (l *lane) history(t *testing.T, id string) *historypb.History {
	t.Helper()
	if err := l.temporal.GetWorkflow(t.Context(), id, "").Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	h := &historypb.History{}
	for events := l.temporal.GetWorkflowHistory(t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		h.Events = append(h.Events, event)
	}
	return h
}

// send posts JSON and fails unless the answer's status is one of these.
func (l *lane) send(ctx context.Context, url string, body map[string]string, want ...int) (status int, err error) {
	sent, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(sent))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := l.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	got, err := io.ReadAll(resp.Body)
	if err == nil && !slices.Contains(want, resp.StatusCode) {
		err = fmt.Errorf("%s: %s", resp.Status, got)
	}
	return resp.StatusCode, err
}

func (l *lane) forgot(ctx context.Context, address string) error {
	_, err := l.send(ctx, l.URL+"/account/forgot_password", map[string]string{"email": address}, http.StatusOK)
	return err
}

// mail is the n-th mail to an address.
func (l *lane) mail(ctx context.Context, address string, n int) (m inbox.Message, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	mails, err := l.Mail.Wait(ctx, address, n)
	if err != nil {
		return m, err
	}
	return mails[n-1], nil
}

// link requests a mail for a new person, and returns the token in it.
func (l *lane) link(ctx context.Context) (who, token string, seen log, err error) {
	n := int(l.asked.Add(1)) - 1
	if n >= l.people {
		return "", "", nil, fmt.Errorf("the site has only %d accounts", l.people)
	}
	who = address(n)
	began := time.Now()
	if err := l.forgot(ctx, who); err != nil {
		return "", "", nil, err
	}
	answered := time.Now()
	m, err := l.mail(ctx, who, 1)
	if err != nil {
		return "", "", nil, err
	}
	found := site.ResetLink.FindStringSubmatch(m.Text)
	if found == nil {
		return "", "", nil, errors.New("no link in the mail")
	}
	return who, found[1], log{{forgotAnswer, began, answered}, {"forgot: the mail", began, m.Created}}, nil
}

const (
	forgotAnswer = "forgot: the answer"
	submitAnswer = "submit: the answer"
	lateAnswer   = "answered 202" // the password was taken and is not applied yet
)

// reset resets a password as a quick person does.
func (l *lane) reset(ctx context.Context) (log, error) {
	who, token, seen, err := l.link(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	status, err := l.send(ctx, l.URL+"/account/reset_password", map[string]string{"token": token, "password": newPassword}, http.StatusOK, http.StatusAccepted)
	if err != nil {
		return nil, err
	}
	seen = append(seen, event{submitAnswer, began, time.Now()})
	if status == http.StatusAccepted {
		seen = append(seen, event{lateAnswer, began, time.Now()})
	}
	notice, err := l.mail(ctx, who, 2)
	return append(seen, event{"submit: the notice", began, notice.Created}), err
}

func floorID(n int64) string { return fmt.Sprintf("floor/%d", n) }

// floor starts a run of the floor and waits for its answer.
func (l *lane) floor(ctx context.Context) (log, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Patience)
	defer cancel()
	began, id := time.Now(), floorID(l.floors.Add(1)-1)
	run, err := l.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: floorQueue}, floorName, floorSteps)
	if err != nil {
		return nil, err
	}
	update, err := l.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, RunID: run.GetRunID(), UpdateName: floorAsk, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return nil, err
	}
	err = update.Get(ctx, nil)
	return log{{"floor: the answer", began, time.Now()}}, err
}

// requested asks for a mail for a new person, and waits for it.
func (l *lane) requested(ctx context.Context) (log, error) {
	_, _, seen, err := l.link(ctx)
	return seen, err
}

// oneStep is a whole run with one activity.
func (l *lane) oneStep(ctx context.Context) (log, error) {
	id := floorID(l.floors.Add(1) - 1)
	run, err := l.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: floorQueue}, floorName, 1)
	if err != nil {
		return nil, err
	}
	return nil, run.Get(ctx, nil)
}

// stranger requests a mail for an unknown address.
func (l *lane) stranger(ctx context.Context) (log, error) {
	return nil, l.forgot(ctx, rand.Text()+"@example.com")
}

// bareStart is the one call that a request makes, with nothing in it.
func (l *lane) bareStart(ctx context.Context) (log, error) {
	id := "bare/" + rand.Text()
	_, err := l.temporal.SignalWithStartWorkflow(ctx, id, "again", nil, client.StartWorkflowOptions{ID: id, TaskQueue: "nobody"}, "Nothing")
	return nil, err
}

func tomorrow() time.Time { return time.Now().Add(24 * time.Hour) }
