package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/rekeyhq/rekey/internal/belong"
)

// tellPeers says on standard error which processes do not belong together, or with the keys of
// this command. That explains a reset that nobody carries out.
func (d *desk) tellPeers(ctx context.Context, p *process) {
	var asking []belong.Mark
	if mine, err := belong.OfPayload("this command, process", d.keys); err == nil {
		asking = append(asking, mine)
	}
	wrong, ok := errors.AsType[*belong.Mismatch](belong.Look(ctx, d.Client, d.namespace, d.queue, asking...))
	if !ok {
		return // also when Temporal does not tell: that is no answer to what was asked
	}
	for _, reason := range wrong.Reasons {
		fmt.Fprintln(p.stderr, "rekey: warning:", reason)
	}
}
