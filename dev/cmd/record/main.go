// Command record records the runs that a release makes, one file for each story, from the
// whole product against a real Temporal server. Later releases replay them: `go test
// ./workflow`.
//
//	go run ./dev/cmd/record v1.2.3
//
// It takes between two and three minutes. Every story checks what it recorded, and nothing is
// written unless all of them are what they are called, and no two the same. The runs hold
// nothing of the machine or of who recorded them: clients have fixed names, and payloads are
// sealed under the keyset in workflow/testdata/keys, which production refuses.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/rekeyhq/rekey/internal/usage"
)

type cli struct {
	Release   string `arg:"" help:"The release that the runs are of, such as v0.1.0."`
	Histories string `default:"workflow/testdata/histories" help:"Folder with the runs of all releases."`
	Keys      string `default:"workflow/testdata/keys" help:"Folder with the keyset of the runs."`
}

func main() {
	if spec, ok := os.LookupEnv(workerSpec); ok {
		os.Exit(serve(spec))
	}
	var c cli
	usage.Parse(&c, "record", "Record the runs of a release, for later ones to replay.")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := c.run(ctx)
	stop()
	usage.Exit("record", err)
}

func (c *cli) run(ctx context.Context) error {
	to := archive{c.Histories, c.Release}
	if err := to.admits(); err != nil {
		return err
	}
	recorded, err := record(ctx, c.Keys)
	if err != nil {
		return err
	}
	if err := to.add(recorded); err != nil {
		return err
	}
	fmt.Printf("%d runs are in %s. Now: go test ./workflow -run TestCost -update\n", len(recorded), to.folder())
	return nil
}
