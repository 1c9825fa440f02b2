package main

import (
	"context"
	"net"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/temporal"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/web"
	"github.com/rekeyhq/rekey/worker"
	"github.com/rekeyhq/rekey/workflow"
)

const product, support = "Harbor", "support@example.com"

// cachedRuns is what `rekey worker` keeps in memory.
const cachedRuns = 1_000

func (r role) keyFolder() string      { return filepath.Join(r.Dir, "keys") }
func (r role) keys() keys.Dir         { return keys.Open(r.keyFolder(), keys.AllowDev) }
func (r role) accounts() string       { return filepath.Join(r.Dir, "accounts.db") }
func (r role) client() client.Options { return client.Options{HostPort: r.Temporal, Logger: quiet()} }

func runTemporal(ctx context.Context, r role, ready func()) error {
	o := temporal.Options{
		Addr: r.Temporal, Database: r.Database,
		SearchAttributes: map[string]enumspb.IndexedValueType{
			workflow.StateAttribute.GetName(): enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		},
	}
	if r.Database == "" {
		o.File = filepath.Join(r.Dir, "temporal.db")
	}
	server, err := temporal.Start(ctx, o)
	if err != nil {
		return err
	}
	defer server.Stop()
	ready()
	<-ctx.Done()
	return nil
}

func runWorker(ctx context.Context, r role, ready func()) error {
	store, err := bolt.OpenExisting(r.accounts())
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	base := link.MustParseBaseURL(r.URL)
	templates, err := mail.Load("", mail.Brand{Product: product, Support: support, ForgotURL: base.ForgotURL()})
	if err != nil {
		return err
	}
	mailer, err := r.mailer()
	if err != nil {
		return err
	}
	sdk.SetStickyWorkflowCacheSize(cachedRuns)
	return worker.Run(ctx, worker.Config{
		Temporal: r.client(), Keys: r.keys(), Store: store, Mailer: mailer, Templates: templates,
		BaseURL: base, Log: zerolog.Nop(), Started: func(client.Client) { ready() },
	})
}

func (r role) mailer() (*mail.SMTP, error) {
	host, service, err := net.SplitHostPort(r.SMTP)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(service)
	if err != nil {
		return nil, err
	}
	return mail.NewSMTP(mail.Config{Host: host, Port: port, Security: mail.SecurityNone, From: "no-reply@example.com"})
}

// hashQueue and hashWait are those of `rekey starter`.
const (
	hashQueue = 64
	hashWait  = 10 * time.Second
)

// limit is higher than any measurement comes to, so that limits are worked out and refuse
// nobody.
const limit = 1_000_000

// moreThreads gives Go the threads of `rekey starter`, and returns how many there were.
func moreThreads() (cores int) {
	cores = runtime.GOMAXPROCS(0)
	runtime.GOMAXPROCS(2 * cores)
	return cores
}

func runStarter(ctx context.Context, r role, ready func()) error {
	policy := password.DefaultPolicy()
	cores := moreThreads()
	base := link.MustParseBaseURL(r.URL)
	c, err := starter.Dial(ctx, starter.Config{
		Temporal: r.client(), Keys: r.keys(), BaseURL: base, Product: product,
		LinkLife: r.LinkLife, StartLimit: limit, Policy: policy, Hashing: r.Hashing, Budget: password.NewBudget(cores, hashQueue, hashWait),
	})
	if err != nil {
		return err
	}
	defer c.Close()
	handler, err := web.NewHandler(c, web.Config{
		Support: support, Enabled: true, ClientLimit: limit, Log: zerolog.Nop(),
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", strings.TrimPrefix(r.URL, "http://"))
	if err != nil {
		return err
	}
	ready()
	return web.Serve(ctx, listener, handler, zerolog.Nop())
}
