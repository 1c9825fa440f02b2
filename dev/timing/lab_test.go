package timing

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/stack"
)

// lab is a running product with as many accounts as unknown addresses.
type lab struct {
	*stack.Stack
	known, unknown []string
	ahead          atomic.Int64 // of the starter's clock
}

// pairs of requests are sent in each situation.
const pairs = 500

// farPairs are fewer, for a large difference.
const farPairs = 200

var (
	away   = flag.Duration("away", 0, "round trip from rekey to Temporal; a quarter more by chance")
	pauses = flag.Bool("pauses", false, "send 600 pairs, each request 50 to 400 ms after the last one")
)

// across delays each call by a round trip.
func across(trip time.Duration) client.ConnectionOptions {
	delay := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		select {
		case <-time.After(trip + rand.N(trip/4)):
			return invoke(ctx, method, req, reply, cc, opts...)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return client.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(delay)}}
}

// measure runs a scenario on a product of its own, a round trip away from Temporal.
func (s scenario) measure(t *testing.T, trip time.Duration) samples {
	t.Helper()
	l := &lab{}
	cfg := stack.Throwaway(t.TempDir())
	cfg.Now = func() time.Time { return time.Now().Add(time.Duration(l.ahead.Load())) }
	if s.config != nil {
		s.config(&cfg)
	}
	if trip > 0 {
		cfg.Client.ConnectionOptions = across(trip)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute) // a mail that never comes must not hang it
	t.Cleanup(cancel)
	var err error
	if l.Stack, err = stack.Start(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Stop() })
	l.Mail.Keep(math.MaxInt) // the mails of others push out none that is waited for
	n := cmp.Or(s.pairs, pairs)
	if *pauses {
		n = 600
	}
	err = l.people(ctx, n, s.account)
	if err == nil && s.before != nil {
		err = s.before(ctx, l)
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.time(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// people makes the accounts. The addresses of both groups look alike.
func (l *lab) people(ctx context.Context, n int, special func(*account.Account)) error {
	var all []account.Account
	for n := range n {
		a := account.Account{ID: fmt.Sprintf("a%d", n), Address: fmt.Sprintf("known%d@example.com", n), Credential: "$argon2id$x", Resettable: true}
		if special != nil {
			special(&a)
		}
		all = append(all, a)
		l.known = append(l.known, a.Address)
		l.unknown = append(l.unknown, fmt.Sprintf("other%d@example.com", n))
	}
	return l.Store.PutMany(ctx, all)
}

// time sends requests for accounts and unknown addresses, in pairs of a random order. The work
// that one request leaves behind falls on both groups alike.
func (l *lab) time(ctx context.Context) (got samples, err error) {
	for i := range l.known {
		for _, which := range rand.Perm(2) {
			if *pauses {
				<-time.After(50*time.Millisecond + rand.N(350*time.Millisecond))
			}
			address, times := l.known[i], &got.known
			if which == 1 {
				address, times = l.unknown[i], &got.unknown
			}
			start := time.Now()
			if err := l.ask(ctx, address); err != nil {
				return got, err
			}
			*times = append(*times, time.Since(start))
		}
	}
	return got, nil
}

// each does something for all addresses, a few at a time.
func (l *lab) each(ctx context.Context, addresses []string, do func(context.Context, string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, address := range addresses {
		group.Go(func() error { return do(ctx, address) })
	}
	return group.Wait()
}

func (l *lab) ask(ctx context.Context, address string) error {
	return l.post(ctx, "/account/forgot_password", map[string]string{"email": address})
}

// post sends JSON, and retries while it was accepted and has no effect yet, or while Temporal does
// not answer in time on a busy machine. The measured time includes the retries.
func (l *lab) post(ctx context.Context, path string, body any) error {
	b, err := json.Marshal(body)
	for pending := true; pending && err == nil; {
		pending, err = l.try(ctx, path, b)
	}
	return err
}

func (l *lab) try(ctx context.Context, path string, b []byte) (pending bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.URL+path, bytes.NewReader(b))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	pending = resp.StatusCode == http.StatusAccepted || resp.StatusCode == http.StatusServiceUnavailable
	if err == nil && resp.StatusCode != http.StatusOK && !pending {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, answer)
	}
	return pending, err
}

// token waits for the first mail to an address and takes the token of a page's link.
func (l *lab) token(ctx context.Context, address, page string) (string, error) {
	mails, err := l.Mail.Wait(ctx, address, 1)
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile("/account/" + page + "/([A-Za-z0-9_-]+)").FindStringSubmatch(mails[0].Text)
	if found == nil {
		return "", errors.New("the mail has no link to the page " + page)
	}
	return found[1], nil
}
