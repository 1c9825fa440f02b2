package verifyemail_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"time"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/activities"
	verifyemail "github.com/rekeyhq/rekey/examples/verify-email"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/worker"
)

var (
	temporal = client.Options{HostPort: "127.0.0.1:7233"}
	keysets  = keys.Open("/etc/rekey/keys")
	base     = link.MustParseBaseURL("https://accounts.example.com")
)

// The worker does the work of all runs. It has the accounts and the mail server.
func ExampleFlow() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := work(ctx); err != nil {
		fmt.Println(err)
	}
}

func work(ctx context.Context) error {
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
		Product: "Harbor", Support: "support@example.com", ForgotURL: base.ForgotURL(),
	})
	if err != nil {
		return err
	}
	return worker.Run(ctx, worker.Config{
		Temporal: temporal, Keys: keysets, BaseURL: base,
		Store: store, Mailer: mailer, Templates: templates,
		Flows: []activities.Flow{verifyemail.Flow(markVerified)},
		Log:   zerolog.New(os.Stderr),
	})
}

// markVerified notes that an address is verified: a row of the application's own database.
func markVerified(_ context.Context, accountID, address string) error {
	fmt.Println("UPDATE users SET verified = true WHERE id = $1 AND email = $2", accountID, address)
	return nil
}

// The starter begins runs and serves the page. It has neither accounts nor a mail server.
func ExampleHandler() {
	if err := serve(context.Background()); err != nil {
		fmt.Println(err)
	}
}

func serve(ctx context.Context) error {
	resets, err := starter.Dial(ctx, starter.Config{
		Temporal: temporal, Keys: keysets, BaseURL: base, Product: "Harbor",
		Policy: password.DefaultPolicy(), Budget: password.NewBudget(runtime.NumCPU(), 64, 10*time.Second),
	})
	if err != nil {
		return err
	}
	defer resets.Close()
	verify := verifyemail.Client(resets)

	mux := http.NewServeMux()
	mux.Handle("/account/verify-email/", verifyemail.Handler(verify))
	mux.Handle("/account/not-my-address/", verifyemail.Handler(verify))
	mux.HandleFunc("POST /sign-up", func(w http.ResponseWriter, r *http.Request) { // after the account is made
		if err := verify.Demand(r.Context(), r.FormValue("email"), "sign-up", ""); err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable) // or account.ErrAddress
		}
	})
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}
