package main

import (
	"context"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
)

// answers checks that a store can be read. Nobody has the address: .invalid is kept free of
// names (RFC 2606).
func answers(store account.Store) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := store.Find(ctx, "probe@rekey.invalid")
		return err
	}
}

// reaches checks that Temporal answers.
func reaches(c client.Client) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	}
}
