package breached_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/password/breached"
)

func Example() {
	// A range server with one hash: that of "correct horse battery staple".
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("asked for", r.URL.Path)
		fmt.Fprintln(w, "AD6438836DBE526AA231ABDE2D0EEF74D42:216")
	}))
	defer mirror.Close()

	corpus, err := breached.New(breached.Config{URL: mirror.URL + "/range", FailClosed: true, Log: zerolog.Nop()})
	if err != nil {
		panic(err)
	}
	err = corpus.Check(context.Background(), "correct horse battery staple")
	if refusal, ok := errors.AsType[*password.Refusal](err); ok {
		fmt.Println(refusal.Code)
		fmt.Println(refusal.Reason)
	}
	// Output:
	// asked for /range/ABF7A
	// password_breached
	// The password is known from a data breach, so it is among the first that an attacker tries.
}
