package stack

import (
	"context"
	"path/filepath"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/worker"
)

// Part is a stack of which nothing runs yet, for a process that runs one part: the worker with
// Work or the starter with Resets. The other parts are elsewhere: Temporal at Temporal, the mail
// server at Smarthost, the keysets in Data and the starter at the URL.
func Part(ctx context.Context, cfg Config, url string) *Stack {
	s := newStack(ctx, cfg)
	s.URL, s.Keys = url, keys.Open(filepath.Join(s.Data, "keys"), keys.AllowDev)
	return s
}

// Work runs a worker with this store until the context ends.
func (s *Stack) Work(ctx context.Context, store account.Store) error {
	cfg, err := s.workerConfig(store)
	if err != nil {
		return err
	}
	return worker.Run(ctx, cfg)
}
