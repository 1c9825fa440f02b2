package codecserver_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/codecserver"
	"github.com/rekeyhq/rekey/keys"
)

// A codec server of one's own, for operators with Temporal's command line. `rekey codec` is
// the same with flags.
func Example() {
	payloads, err := keys.Open("/etc/rekey/keys").Payload()
	if err != nil {
		fmt.Println("the keyset cannot be read")
		return
	}
	secret, err := os.ReadFile("/etc/rekey/codec-secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	operators, err := codecserver.Bearer(strings.TrimSpace(string(secret)))
	if err != nil {
		fmt.Println(err)
		return
	}
	handler, err := codecserver.New(codecserver.Config{
		Decoder: payloads,
		Origin:  "https://temporal.example.com",
		Auth:    []codecserver.Auth{operators},
		Log:     zerolog.New(os.Stderr),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := &http.Server{Addr: "127.0.0.1:8081", Handler: handler, ReadTimeout: 10 * time.Second}
	fmt.Println(server.ListenAndServe())
	// Output: the keyset cannot be read
}
