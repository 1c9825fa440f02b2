package starter_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
)

// config is the configuration of the example.
func config() starter.Config {
	return starter.Config{
		Temporal:   client.Options{HostPort: "127.0.0.1:7233"},
		Keys:       keys.Open("/etc/rekey/keys"),
		BaseURL:    link.MustParseBaseURL("https://accounts.example.com"),
		Product:    "Harbor",
		StartLimit: 20,
		Policy:     password.DefaultPolicy(),
		Hashing:    password.DefaultParams(),
		Budget:     password.NewBudget(runtime.NumCPU(), 64, 10*time.Second),
	}
}

// A Go backend with pages of its own uses the client in place of the HTTP routes.
func ExampleClient() {
	ctx := context.Background()
	resets, err := starter.Dial(ctx, config())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resets.Close()

	// A visitor filled in the "Forgot your password?" form. No error reveals whether the address
	// has an account.
	ctx = starter.WithClientAddr(ctx, netip.MustParseAddr("192.0.2.7"))
	switch err := resets.Request(ctx, "ann@example.com"); {
	case errors.Is(err, account.ErrAddress):
		fmt.Println("this is no mail address")
	case err != nil:
		fmt.Println("try again in a minute") // ErrOverloaded, ErrUnavailable
	default:
		fmt.Println("if there is an account, a mail is on its way")
	}

	// Later they come back through the link of the mail and choose a password.
	const token, chosen = "the last part of the link's path", "plum velvet thirty gulls"
	err = resets.Submit(ctx, token, chosen)
	var refusal *password.Refusal
	switch {
	case err == nil:
		fmt.Println("the password is changed: please sign in")
	case errors.Is(err, starter.ErrPending):
		fmt.Println("accepted; it is changed as soon as a worker is there")
	case errors.As(err, &refusal):
		fmt.Println(refusal.Reason, refusal.Suggestions) // the link is as good as before
	case errors.Is(err, starter.ErrLinkExpired), errors.Is(err, starter.ErrLinkUsed):
		fmt.Println("ask for a new link")
	case errors.Is(err, starter.ErrBusy), errors.Is(err, starter.ErrUnavailable):
		fmt.Println("nothing was accepted: try again")
	default:
		fmt.Println(err) // ErrLinkInvalid, ErrLinkCanceled, ErrChangeRefused
	}
}
