package activities

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/rekeyhq/rekey/flow"
)

// heartbeat reports every [flow.Heartbeat] that the attempt runs, until stop is called. So the
// work of a killed worker begins again within seconds, and a slow mail server is not taken for a
// dead worker. A shorter attempt costs no heartbeat.
//
// The answer to a heartbeat can cancel the attempt: ctx ends.
func heartbeat(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	var beats sync.WaitGroup
	beats.Go(func() {
		tick := time.NewTicker(flow.Heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				activity.RecordHeartbeat(ctx)
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		beats.Wait()
	}
}
