package worker_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/client"
	sdk "go.temporal.io/sdk/worker"

	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/worker"
)

// A host application runs the worker in its own process, beside its sign-in. Here the
// accounts are in a bbolt file; any [account.Store] can take its place.
func ExampleRun() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Println(err)
	}
}

func run(ctx context.Context) error {
	base, err := link.ParseBaseURL("https://accounts.example.com")
	if err != nil {
		return err
	}
	store, err := bolt.Open("/var/lib/harbor/accounts.db")
	if err != nil {
		return err
	}
	defer store.Close()
	mailer, err := mail.NewSMTP(mail.Config{
		Host: "smtp.example.com", Port: 587, Security: mail.SecuritySTARTTLS,
		From: "Harbor <no-reply@example.com>",
	})
	if err != nil {
		return err
	}
	templates, err := mail.Load("", mail.Brand{
		Product: "Harbor", Support: "support@example.com",
		ForgotURL: base.ForgotURL(), SignInURL: "https://app.example.com/login",
	})
	if err != nil {
		return err
	}
	sdk.SetStickyWorkflowCacheSize(1_000) // open runs in memory, some 30 KiB each
	return worker.Run(ctx, worker.Config{
		Temporal: client.Options{HostPort: "127.0.0.1:7233"},
		Keys:     keys.Open("/etc/rekey/keys"),
		Store:    store, Mailer: mailer, Templates: templates,
		BaseURL: base, Log: zerolog.New(os.Stderr),
	})
}
