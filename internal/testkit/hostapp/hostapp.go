// Package hostapp is an application that owns accounts, behind the URL that a worker asks. Tests
// break its rules, and stop it in the middle of a request.
package hostapp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/storetest"
)

// Key is what requests are signed with.
var Key = []byte("0123456789abcdef0123456789abcdef") //nolint:gochecknoglobals // a constant

// Secret is a key as operators write it.
func Secret(key []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(key) }

// App answers /rekey/find, /rekey/account, /rekey/change and /rekey/accounts.
type App struct {
	*storetest.Memory
	// Before and After are called with the name of each signed request, before it takes effect
	// and before its answer; nil for nothing.
	Before, After func(request string)

	bad []string
}

// New returns an application that breaks these rules.
func New(bad ...string) *App {
	none := func(string) {}
	return &App{Memory: storetest.NewMemory(), Before: none, After: none, bad: bad}
}

func (app *App) breaks(rule string) bool { return slices.Contains(app.bad, rule) }

// person is an account as the contract has it.
type person struct {
	ID         string   `json:"id"`
	Address    string   `json:"address"`
	Notify     []string `json:"notify,omitempty"`
	Credential string   `json:"credential"`
	Disabled   bool     `json:"disabled,omitempty"`
	Resettable bool     `json:"resettable"`
	Locale     string   `json:"locale,omitempty"`
}

// ServeHTTP implements http.Handler.
func (app *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var in struct {
		Address, ID, Old, New, Submission, After string
		Limit                                    int
		Verified                                 bool
	}
	switch {
	case err != nil || json.Unmarshal(body, &in) != nil:
		w.WriteHeader(http.StatusBadRequest)
		return
	case !app.signed(r.Header, body):
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	request := strings.TrimPrefix(r.URL.Path, "/rekey/")
	app.Before(request)
	var out any
	switch request {
	case "find":
		out, err = app.find(r.Context(), in.Address)
	case "account":
		var a account.Account
		a, err = app.Account(r.Context(), in.ID)
		out = person(a)
	case "accounts":
		out, err = app.page(r.Context(), in.After, in.Limit)
	case "change":
		err = app.change(r.Context(), account.HostChange{
			AccountID: in.ID, New: in.New, Submission: in.Submission, Verified: in.Verified,
		}, in.Old)
	}
	app.After(request)
	switch {
	case errors.Is(err, account.ErrNotFound), errors.Is(err, account.ErrAccountGone):
		w.WriteHeader(http.StatusNotFound)
		out = map[string]string{"error": "no_account"}
	case errors.Is(err, account.ErrCredentialChanged):
		w.WriteHeader(http.StatusConflict)
		out = map[string]string{"error": "credential_changed"}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (app *App) find(ctx context.Context, address string) (any, error) {
	found, err := app.Find(ctx, address)
	return people(found), err
}

// people is an answer with some accounts.
func people(found []account.Account) any {
	all := []person{}
	for _, a := range found {
		all = append(all, person(a))
	}
	return map[string]any{"accounts": all}
}

func (app *App) page(ctx context.Context, after string, limit int) (any, error) {
	switch {
	case app.breaks("lists nothing"):
		return nil, account.ErrNotFound
	case app.breaks("begins again"):
		after = ""
	case app.breaks("counts from the end"):
		all, err := app.Accounts(ctx, "", 1000)
		return people(all[max(0, len(all)-limit):]), err
	case app.breaks("ignores the limit"):
		limit++
	}
	page, err := app.Accounts(ctx, after, limit)
	if app.breaks("lists backwards") {
		slices.Reverse(page)
	}
	return people(page), err
}

func (app *App) change(ctx context.Context, c account.HostChange, old string) error {
	digest, err := hex.DecodeString(strings.TrimPrefix(old, "sha256:"))
	if err != nil || len(digest) != len(c.Old) || app.breaks("sets nothing") {
		return err
	}
	copy(c.Old[:], digest)
	if app.breaks("cuts the hash") && len(c.New) > 40 {
		c.New = c.New[:40]
	}
	a, err := app.Account(ctx, c.AccountID)
	switch {
	case err == nil && app.breaks("compares nothing"):
		c.Old = account.CredentialDigest(a.Credential)
	case err == nil && app.breaks("refuses a repetition") && a.Credential == c.New:
		return account.ErrCredentialChanged
	}
	return app.Change(ctx, c)
}

// signed verifies a signature.
func (app *App) signed(h http.Header, body []byte) bool {
	good, late := verify(h, body)
	return (good || app.breaks("takes any signature")) && (!late || app.breaks("takes old ones"))
}

// Signed verifies a signature of Standard Webhooks by [Key].
func Signed(h http.Header, body []byte) bool {
	good, late := verify(h, body)
	return good && !late
}

func verify(h http.Header, body []byte) (good, late bool) {
	stamp, err := strconv.ParseInt(h.Get("Webhook-Timestamp"), 10, 64)
	if err != nil {
		return false, true
	}
	mac := hmac.New(sha256.New, Key)
	fmt.Fprintf(mac, "%s.%d.%s", h.Get("Webhook-Id"), stamp, body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return slices.Contains(strings.Fields(h.Get("Webhook-Signature")), want), time.Since(time.Unix(stamp, 0)).Abs() > 5*time.Minute
}
