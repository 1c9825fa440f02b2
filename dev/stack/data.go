package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
)

// temporalFile is the database of the Temporal server in the data folder.
const temporalFile = "temporal.db"

// openData opens the data of the folder, or makes it. Accounts are there before the first
// request for a reset.
func (s *Stack) openData(ctx context.Context) (err error) {
	accounts := filepath.Join(s.Data, "accounts.db")
	used := slices.ContainsFunc([]string{accounts, filepath.Join(s.Data, temporalFile)}, func(file string) bool {
		_, missing := os.Stat(file)
		return missing == nil
	})
	if err := s.openKeys(used); err != nil {
		return err
	}
	s.Store, err = bolt.Open(accounts)
	if errors.Is(err, bolt.ErrDamaged) {
		return fmt.Errorf("%s is damaged, or no account store: put a copy back, or delete it: the seeded accounts are made again, and passwords that were set, sessions and mailed links are lost", accounts)
	}
	if err != nil {
		return err
	}
	s.onStop(s.Store.Close)
	return s.Seed(ctx, s.Store)
}

// openKeys opens the keysets, or makes them where all are missing: in a folder that was in
// use, those of before are lost then.
func (s *Stack) openKeys(used bool) error {
	dir := filepath.Join(s.Data, "keys")
	s.Keys = keys.Open(dir, keys.AllowDev)
	switch err := keys.Create(dir, true); {
	case err == nil:
		s.KeysLost = used
		return nil
	case !errors.Is(err, keys.ErrExists):
		return err
	}
	infos, err := keys.List(dir)
	for _, use := range keys.Uses() {
		has := func(i keys.Info) bool { return i.Use == use }
		if err == nil && !slices.ContainsFunc(infos, has) {
			err = fmt.Errorf("%s is missing", filepath.Join(dir, string(use)+".json"))
		}
	}
	if err != nil {
		return fmt.Errorf("%w; the keysets belong together: put it back from a copy, or delete %s and start again: all are made new, open resets end and mailed links stop working, accounts and passwords stay", err, dir)
	}
	return nil
}

// endUnreadable ends the open runs, also paused ones, that were sealed under lost keys. No
// worker could continue them, and each would retry for ever.
func (s *Stack) endUnreadable(ctx context.Context) error {
	if !s.KeysLost {
		return nil
	}
	temporal, err := client.DialContext(ctx, s.TemporalOptions())
	if err != nil {
		return err
	}
	defer temporal.Close()
	all := &workflowservice.ListWorkflowExecutionsRequest{Query: flow.OpenRuns}
	for {
		page, err := temporal.ListWorkflow(ctx, all)
		if err != nil {
			return err
		}
		for _, run := range page.GetExecutions() {
			if !flow.Open(run.GetStatus()) {
				continue
			}
			at := run.GetExecution()
			if err := temporal.TerminateWorkflow(ctx, at.GetWorkflowId(), at.GetRunId(), "the keys that it was sealed under are lost"); err != nil {
				return err
			}
			s.Ended++
		}
		if all.NextPageToken = page.GetNextPageToken(); len(all.NextPageToken) == 0 {
			return nil
		}
	}
}
