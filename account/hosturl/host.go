// Package hosturl lets an application in any language own the accounts, behind one signed URL.
//
// A [Host] sends three requests: find, account and change; and accounts for a reset of all. The
// plaintext password is in none of them. The contract is openapi.yaml, an OpenAPI 3.1 document.
package hosturl

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/webhook"
	"github.com/rekeyhq/rekey/password"
)

// Host is an [account.Host] behind a URL.
type Host struct {
	url     string
	secrets webhook.Secrets
	client  *http.Client

	// Of a request that [Host.Check] makes wrong on purpose.
	now    func() time.Time
	signed string // another body than that of the request
}

var _ account.Host = (*Host)(nil)

// person is an account as the application writes it. A field that is absent is nil.
type person struct {
	ID         *string         `json:"id"`
	Address    *string         `json:"address"`
	Notify     []string        `json:"notify"`
	Credential json.RawMessage `json:"credential"` // a string or null
	Disabled   bool            `json:"disabled"`
	Resettable *bool           `json:"resettable"` // absent means true
	Locale     json.RawMessage `json:"locale"`     // a string; anything else is no language
}

// change is the body of the request of this name.
type change struct {
	ID         string `json:"id"`
	Old        string `json:"old"`
	New        string `json:"new"`
	Submission string `json:"submission"`
	Verified   bool   `json:"verified,omitempty"`
}

const (
	maxAccounts = 100 // of one address
	maxNotify   = 10  // further addresses of an account
	maxID       = 255 // bytes
)

var (
	errContract = errors.New("it answered 200 with a body that does not fit the contract") // and is not quoted
	errAnother  = errors.New("it answered with another account")
	errRepeated = errors.New("it answered with an account twice, or with that of the page before")
	errNotSet   = errors.New("it answered 200 to change, but the account has the old credential")
	errOtherSet = errors.New("it answered 200 to change, but the account has another credential than the new one: it cut it, or hashed it once more")
)

// Find implements [account.Host].
func (h *Host) Find(ctx context.Context, address string) ([]account.Account, error) {
	var found struct {
		Accounts *[]person `json:"accounts"`
	}
	err := h.call(ctx, "find", map[string]string{"address": address}, &found)
	if err == nil && (found.Accounts == nil || len(*found.Accounts) > maxAccounts) {
		err = errContract
	}
	if err != nil {
		return nil, fault("find", err)
	}
	var all []account.Account
	for _, p := range *found.Accounts {
		a, err := p.account()
		if err != nil {
			return nil, fault("find", err)
		}
		all = append(all, a)
	}
	return all, nil
}

// Account implements [account.Host].
func (h *Host) Account(ctx context.Context, id string) (account.Account, error) {
	var p person
	err := h.call(ctx, "account", map[string]string{"id": id}, &p)
	if errors.Is(err, noAccount) {
		return account.Account{}, account.ErrNotFound
	}
	var a account.Account
	if err == nil {
		a, err = p.account()
	}
	if err == nil && a.ID != id {
		err = errAnother
	}
	if err != nil {
		return account.Account{}, fault("account", err)
	}
	return a, nil
}

// Change implements [account.Host]. It reads the account again after a success, so that an
// application that sets nothing is found out before the owner is told.
func (h *Host) Change(ctx context.Context, c account.HostChange) error {
	err := h.call(ctx, "change", change{c.AccountID, "sha256:" + hex.EncodeToString(c.Old[:]), c.New, c.Submission, c.Verified}, nil)
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case ok && refused.Code == noAccount.Code:
		return account.ErrAccountGone
	case ok && refused.Code == changed.Code:
		return account.ErrCredentialChanged
	case ok:
		return account.Veto(cmp.Or(refused.Reason, "no reason was given"))
	case err != nil:
		return fault("change", err)
	}
	a, err := h.Account(ctx, c.AccountID)
	switch {
	case errors.Is(err, account.ErrNotFound):
		return nil // deleted since
	case err != nil:
		return err
	case a.Credential == c.New:
		return nil
	case account.SameCredential(a.Credential, c.Old[:]):
		return fault("change", errNotSet)
	case spoilt(a.Credential, c.New):
		return fault("change", errOtherSet)
	}
	return nil
}

// spoilt reports that an application has stored another hash otherwise than it was told. A credential that
// the owner chose since is no such one.
func spoilt(stored, hash string) bool {
	again, _ := password.Verify(stored, hash)
	return again || strings.HasPrefix(hash, stored) || account.Form(stored) != account.Form(hash)
}

// account judges an answer.
func (p person) account() (account.Account, error) {
	var credential *string
	switch {
	case p.ID == nil || !validID(*p.ID) || p.Address == nil || len(p.Credential) == 0 || len(p.Notify) > maxNotify:
		return account.Account{}, errContract
	case json.Unmarshal(p.Credential, &credential) != nil:
		return account.Account{}, errContract
	case credential == nil:
		credential = new(string)
	}
	return account.Account{
		ID: *p.ID, Address: *p.Address, Notify: p.Notify, Credential: *credential,
		Disabled: p.Disabled, Resettable: p.Resettable == nil || *p.Resettable, Locale: locale(p.Locale),
	}, nil
}

// locale reads a language, which account.Beside judges. No answer is refused for its sake.
func locale(written json.RawMessage) string {
	var tag string
	if json.Unmarshal(written, &tag) != nil {
		return ""
	}
	return tag
}

// fault says which request failed. The end of the caller's context is not the application's fault.
func fault(request string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("the application at the users' URL, request %s: %w", request, err)
}

// refusal is a decision of the application. A proxy in front of it answers with the same statuses,
// so the body has to say it too.
type refusal struct {
	status int
	Code   string `json:"error"`
	Reason string `json:"reason"`
}

// Error implements error.
func (r *refusal) Error() string { return fmt.Sprintf("it answered %d %s", r.status, r.Code) }

// Is compares the decision and not its reason.
func (r *refusal) Is(target error) bool {
	other, ok := target.(*refusal)
	return ok && r.Code == other.Code
}

// The decisions of the contract.
var (
	noAccount = &refusal{status: http.StatusNotFound, Code: "no_account"}
	changed   = &refusal{status: http.StatusConflict, Code: "credential_changed"}
	forbidden = &refusal{status: http.StatusForbidden, Code: "refused"}
)

// decision is that of a response to a request, or an error that it has none. No text of the response
// is in it but a reason.
func decision(request string, status int, body []byte) error {
	if request == "accounts" && (status == http.StatusNotFound || status == http.StatusNotImplemented) {
		return fmt.Errorf("it answered %d: %w", status, account.ErrNotListed)
	}
	for _, known := range []*refusal{noAccount, changed, forbidden} {
		if status != known.status {
			continue
		}
		r := &refusal{status: status}
		if json.Unmarshal(body, r) != nil || r.Code != known.Code {
			return fmt.Errorf(`it answered %d without {"error": "%s"}: check the path of the URL, and proxies in between`, status, known.Code)
		}
		return r
	}
	if status == http.StatusUnauthorized {
		return errUnsigned
	}
	return fmt.Errorf("it answered %d", status)
}

var errUnsigned = errors.New("it answered 401: compare the secrets and the clocks")
