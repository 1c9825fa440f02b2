// Package flood sends the whole product more than it should take, and checks the result.
package flood

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/dev/stack/stacktest"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/workflow"
)

const (
	atOnce    = 64 // an answer mostly waits, so that its time tells nothing
	clients   = 5_000
	requests  = 20_000
	addresses = 100_000
)

// security 33: 20,000 requests for one address are answered alike, whether there is an account
// or not. They leave one run with a short history, three mails at most, and no memory behind.
// The owner can reset the password all the same.
func TestFloodForOneAddress(t *testing.T) {
	suite.Long(t)
	s := start(t, nil)
	const known, unknown = "ada@example.com", "nobody@example.com"
	put(t, s, known)
	forgotMany(t, s, requests/10, always(known))
	forgotMany(t, s, requests/10, always(unknown))
	before := heap()
	for _, address := range []string{known, unknown} {
		began := time.Now()
		answers := forgotMany(t, s, requests*9/10, always(address))
		if answers[http.StatusOK] != requests*9/10 {
			t.Errorf("%s: answers %v", address, answers)
		}
		t.Logf("%s: %d requests in %v", address, requests*9/10, time.Since(began).Round(time.Second))
	}
	grown := heap() - before
	t.Logf("memory grew by %.1f MiB", grown)
	if grown > 16 {
		t.Errorf("memory grew by %.1f MiB", grown)
	}
	if n := runs(t, s, 2); n != 2 {
		t.Errorf("%d runs of two addresses", n)
	}
	for _, address := range []string{known, unknown} {
		if n := historyLength(t, s, address); n > 200 {
			t.Errorf("%s: %d events", address, n)
		}
	}
	mails := mailed(t, s, known)
	if len(mails) > 3 {
		t.Errorf("%d mails", len(mails))
	}
	resets(t, s, mails[0])
}

// security 34: 5,000 clients, each with a limit too, send requests for 100,000 random
// addresses. They start as many runs as the budget has. After the flood the next person is
// served.
func TestFloodOfAddresses(t *testing.T) {
	suite.Long(t)
	var ahead atomic.Int64
	const perSecond, burst = 20, 200
	s := start(t, func(c *stack.Config) {
		c.StartLimit, c.ClientLimit = perSecond, 10
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	began := time.Now()
	answers := forgotMany(t, s, addresses, func(i int) (address, client string) {
		return fmt.Sprintf("random-%d@example.com", i), fmt.Sprintf("10.1.%d.%d", i%clients/250, i%clients%250)
	})
	took := time.Since(began)
	most := burst + int(perSecond*took.Seconds()) + 1
	t.Logf("%d requests in %v: %v; the budget is %d", addresses, took.Round(time.Second), answers, most)
	if answers[http.StatusOK]+answers[http.StatusServiceUnavailable]+answers[http.StatusTooManyRequests] != addresses {
		t.Errorf("answers %v", answers)
	}
	if refused := answers[http.StatusServiceUnavailable]; refused < clients {
		t.Errorf("the budget refused %d requests: %v", refused, answers)
	}
	accepted := answers[http.StatusOK]
	if n := runs(t, s, accepted); n > most || n != accepted {
		t.Errorf("%d runs of %d requests that were accepted, the budget is %d", n, accepted, most)
	}
	other := func(int) (string, string) { return "grace@example.com", "10.3.0.1" }
	if answers := forgotMany(t, s, 1, other); answers[http.StatusOK] != 1 {
		t.Errorf("a client of another network: %v", answers)
	}
	ahead.Store(int64(10 * time.Second))
	const known = "ada@example.com"
	put(t, s, known)
	if answers := forgotMany(t, s, 1, always(known)); answers[http.StatusOK] != 1 {
		t.Fatalf("after the flood: %v", answers)
	}
	resets(t, s, mailed(t, s, known)[0])
}

func start(t *testing.T, change func(*stack.Config)) *stack.Stack {
	t.Helper()
	cfg := stack.Throwaway(t.TempDir())
	if change != nil {
		change(&cfg)
	}
	return stacktest.Start(t, cfg)
}

func put(t *testing.T, s *stack.Stack, address string) {
	t.Helper()
	err := s.Store.Put(t.Context(), account.Account{ID: address, Address: address, Credential: "$argon2id$x", Resettable: true})
	if err != nil {
		t.Fatal(err)
	}
}

// always is one client with requests for one address.
func always(address string) func(int) (string, string) {
	return func(int) (string, string) { return address, "10.2.0.1" }
}

// forgotMany sends n requests, several at once, and counts the answers. For the i-th request
// ask returns the address, and the client that a proxy would have named.
func forgotMany(t *testing.T, s *stack.Stack, n int, ask func(i int) (address, client string)) map[int]int {
	t.Helper()
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		next    atomic.Int64
		answers = map[int]int{}
	)
	web := http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}
	defer web.CloseIdleConnections()
	for range atOnce {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				address, client := ask(int(i))
				code := post(t, &web, s.URL+"/account/forgot_password", client, map[string]string{"email": address})
				mu.Lock()
				answers[code]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return answers
}

func post(t *testing.T, web *http.Client, url, client string, body map[string]string) int {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Error(err)
		return 0
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		t.Error(err)
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", client)
	resp, err := web.Do(r)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// heap is the memory of the process, in MiB, after all that it can free: data in a pool stays
// for one collection more.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// temporalClient talks to the server as an operator's tools do.
func temporalClient(t *testing.T, s *stack.Stack) client.Client {
	t.Helper()
	codec, err := s.Keys.Payload()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(codec.ClientOptions(s.TemporalOptions()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// runs counts the resets that were ever started. Temporal lists a run a moment after its
// start, so it is counted again as long as there are fewer than at least.
func runs(t *testing.T, s *stack.Stack, atLeast int) int {
	t.Helper()
	c := temporalClient(t, s)
	count := func() int {
		counted, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: client.DefaultNamespace, Query: "WorkflowType = '" + workflow.ResetPassword.Name + "'",
		})
		if err != nil {
			t.Fatal(err)
		}
		return int(counted.GetCount())
	}
	again, over := time.NewTicker(50*time.Millisecond), time.After(patience)
	defer again.Stop()
	for {
		n := count()
		if n >= atLeast {
			return n
		}
		select {
		case <-again.C:
		case <-over:
			return n
		}
	}
}

// historyLength counts the events of the newest run of an address.
func historyLength(t *testing.T, s *stack.Stack, address string) (n int) {
	t.Helper()
	k, err := s.Keys.AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	events := temporalClient(t, s).GetWorkflowHistory(t.Context(), workflow.ResetPassword.ID(k.Key(address)), "", false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for ; events.HasNext(); n++ {
		if _, err := events.Next(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%s: %d events", address, n)
	return n
}
