package backend_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/rekeyhq/rekey/backend"
)

// A Go program serves the routes on a listener of its own, with TLS and two tokens of which one is
// withdrawn soon.
func ExampleNewHandler() {
	tokens, err := backend.ParseTokens("0123456789abcdef0123456789abcdef\nfedcba9876543210fedcba9876543210\n")
	if err != nil {
		fmt.Println(err)
		return
	}
	handler, err := backend.NewHandler(backend.Config{Flows: &fakeFlows{}, Tokens: tokens})
	if err != nil {
		fmt.Println(err)
		return
	}
	listener := httptest.NewTLSServer(handler)
	defer listener.Close()

	r, err := http.NewRequest(http.MethodPost, listener.URL+"/v1/invitations", strings.NewReader(`{"address":"ann@example.com"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer fedcba9876543210fedcba9876543210")
	answer, err := listener.Client().Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	fmt.Println(answer.Status)
	// Output: 202 Accepted
}
