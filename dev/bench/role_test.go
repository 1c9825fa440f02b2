package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/web"
)

// role is a part that is none of rekey's programs. It is this test binary, started once more, so
// that the system counts its CPU time and memory apart.
type role struct {
	Part                     string
	Temporal, Dir, URL, Idle string
	Mail                     string // the address of the mail server
}

// roleEnv makes a process a part.
const roleEnv = "REKEY_BENCH_ROLE"

// play is the whole life of such a process; it ends with an error.
func play(text string) error {
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return err
	}
	part := map[string]func(context.Context) error{"starter": r.starter, "floor": r.floor, "nothing": r.nothing, "whole": r.whole}[r.Part]
	return cmp.Or(part(context.Background()), fmt.Errorf("%s has ended", r.Part))
}

func (r role) client() client.Options {
	return client.Options{HostPort: r.Temporal, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))}
}

// ready is a part's output when it works.
const ready = "ready"

// serve serves as `rekey starter` does, with a thread more for each core.
func serve(ctx context.Context, url string, handler http.Handler) error {
	listener, err := net.Listen("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0))
	fmt.Println(ready)
	return web.Serve(ctx, listener, handler, zerolog.Nop())
}

func (r role) nothing(ctx context.Context) error {
	return serve(ctx, r.Idle, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

// starter is rekey's with the least Argon2id there is, which is no setting of the product.
func (r role) starter(ctx context.Context) error {
	cfg := stack.Throwaway(r.Dir)
	cfg.Temporal, cfg.StartLimit, cfg.ClientLimit = r.Temporal, limit, limit
	cfg.Hashing = password.Params{Memory: 8, Time: 1, Threads: 1}
	handler, err := stack.Part(ctx, cfg, r.URL).Resets(ctx)
	if err != nil {
		return err
	}
	return serve(ctx, r.URL, handler)
}

// whole is all that `go run ./dev --data` runs, but for its mails, which go where those of other
// measurements go.
func (r role) whole(ctx context.Context) error {
	const free = "127.0.0.1:0"
	runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0)) // as `rekey starter`
	_, err := stack.Start(ctx, stack.Config{
		Listen: strings.TrimPrefix(r.URL, "http://"), Temporal: r.Temporal, UI: free, Codec: free, Inbox: free, SMTP: free,
		Smarthost: r.Mail, Data: r.Dir, ResetPassword: true, Log: zerolog.Nop(),
	})
	if err != nil {
		return err
	}
	fmt.Println(ready)
	select {} // until it is killed
}

const (
	floorQueue = "floor"
	floorName  = "Floor"
	floorStep  = "Step"
	floorAsk   = "done"
	// floorSteps is how many activities a reset has: the wait, two mails, the change.
	floorSteps = 4
)

// floor is a worker of floorRun with the settings of rekey's that matter to speed.
func (r role) floor(ctx context.Context) error {
	c, err := client.DialContext(ctx, r.client())
	if err != nil {
		return err
	}
	sdk.SetStickyWorkflowCacheSize(1_000) // as `rekey worker`
	w := sdk.New(c, floorQueue, sdk.Options{})
	w.RegisterWorkflowWithOptions(floorRun, workflow.RegisterOptions{Name: floorName})
	w.RegisterActivityWithOptions(func(context.Context) error { return nil }, activity.RegisterOptions{Name: floorStep})
	if err := w.Start(); err != nil {
		return err
	}
	fmt.Println(ready)
	select {} // until it is killed
}

// floorRun does so many activities, one after the other, that do nothing, and answers an Update when
// they are done.
func floorRun(ctx workflow.Context, steps int) error {
	done := false
	err := workflow.SetUpdateHandler(ctx, floorAsk, func(ctx workflow.Context) error {
		return workflow.Await(ctx, func() bool { return done })
	})
	if err != nil {
		return err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	for range steps {
		if err := workflow.ExecuteActivity(ctx, floorStep).Get(ctx, nil); err != nil {
			return err
		}
	}
	done = true
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// self is this program.
func self() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}
