package operator_test

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/operator"
)

// A support desk of your own looks up a person's resets, and cancels the newest for them.
func ExampleClient() {
	ctx := context.Background()
	desk, err := operator.Dial(ctx, operator.Config{
		Temporal: client.Options{HostPort: "127.0.0.1:7233"},
		Keys:     keys.Open("/etc/rekey/keys"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer desk.Close()

	runs, err := desk.Find(ctx, "ann@example.com", 5)
	switch {
	case errors.Is(err, operator.ErrNoRun):
		fmt.Println("nobody has asked for a reset")
		return
	case err != nil:
		fmt.Println(err)
		return
	}
	for _, r := range runs {
		fmt.Println(r.RunID, r.State, r.Mails, r.Withheld)
	}

	if newest := runs[0]; !newest.Settled() {
		done, err := desk.Cancel(ctx, newest.RunID, "a.smith")
		fmt.Println(done.Result, err) // canceled, too_late, already_over or asked
	}
}
