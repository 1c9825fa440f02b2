// Command one is the program rekey with the command `rekey one`: everything in one process, for one
// machine. It has all other commands too. docs/deploy/one.md says how it is run.
package main

import (
	"context"
	"net/http"
	"os"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/cli"
	"github.com/rekeyhq/rekey/one/temporal"
	"github.com/rekeyhq/rekey/one/ui"
)

func main() { os.Exit(cli.Main(cli.One(cli.Embedded{Temporal: start, UI: pages}))) }

// server is a Temporal server that only clients with its identity reach.
type server struct {
	*temporal.Server
	*temporal.Identity
}

func start(ctx context.Context, o cli.TemporalOptions) (cli.Temporal, error) {
	identity, err := temporal.NewIdentity()
	if err != nil {
		return nil, err
	}
	running, err := temporal.Start(ctx, temporal.Options{
		Addr: o.Addr, File: o.File, Database: o.Database, Password: o.Password, Identity: identity, Log: &o.Log,
		SearchAttributes: map[string]enumspb.IndexedValueType{flow.StateAttribute.GetName(): enumspb.INDEXED_VALUE_TYPE_KEYWORD},
	})
	if err != nil {
		return nil, err
	}
	return server{running, identity}, nil
}

func pages(o cli.UIOptions) (http.Handler, error) {
	return ui.Handler(ui.Options{Temporal: o.Temporal, Identity: o.PEM, Codec: o.Codec, Sealed: o.Sealed})
}
