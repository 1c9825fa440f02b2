package web_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/web"
)

// The routes and pages beside those of a host application.
func ExampleNewHandler() {
	resets, err := starter.Dial(context.Background(), starter.Config{
		Temporal: client.Options{HostPort: "127.0.0.1:7233"},
		Keys:     keys.Open("/etc/rekey/keys"),
		BaseURL:  link.MustParseBaseURL("https://accounts.example.com"), Product: "Harbor",
		StartLimit: 20,
		Policy:     password.DefaultPolicy(),
		Budget:     password.NewBudget(runtime.NumCPU(), 64, 10*time.Second),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resets.Close()
	pages, err := web.NewHandler(resets, web.Config{
		LoginURL: "/login", Support: "support@example.com",
		Enabled: true, ClientLimit: 10, Log: zerolog.New(os.Stderr),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(http.ResponseWriter, *http.Request) {}) // yours
	mux.Handle("/account/", pages)
	mux.Handle("/.well-known/change-password", pages)
}
