// Package hosturl lets an application in any language own the accounts, behind one signed URL.
//
// A [Host] sends three requests: find, account and change. The plaintext password is in none of
// them. The contract is openapi.yaml, an OpenAPI 3.1 document.
package hosturl

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// Host is an [account.Host] behind a URL.
type Host struct {
	url     string
	secrets []secret
	client  *http.Client

	// Of a request that [Host.Check] makes wrong on purpose.
	now    func() time.Time
	signed string // another body than that of the request
}

var _ account.Host = (*Host)(nil)

// person is an account as the application writes it.
type person struct {
	ID         string   `json:"id"`
	Address    string   `json:"address"`
	Notify     []string `json:"notify"`
	Credential string   `json:"credential"`
	Disabled   bool     `json:"disabled"`
	Resettable *bool    `json:"resettable"` // absent means true
}

const (
	maxAccounts = 100 // of one address
	maxID       = 255 // bytes
)

var (
	errID       = errors.New("an account has no id of 1 to 255 bytes in UTF-8 without NUL")
	errAnother  = errors.New("it answered with another account")
	errTooMany  = fmt.Errorf("it answered with more than %d accounts", maxAccounts)
	errNotSet   = errors.New("it answered 200 to change, but the account has another credential than the new one")
	errNoPath   = errors.New("it answered 404 to find: check the path of the URL")
	errUnsigned = errors.New("it answered 401: compare the secrets and the clocks")
)

// Find implements [account.Host].
func (h *Host) Find(ctx context.Context, address string) ([]account.Account, error) {
	var found struct {
		Accounts []person `json:"accounts"`
	}
	status, err := h.call(ctx, "find", map[string]string{"address": address}, &found)
	switch {
	case err != nil:
		return nil, err
	case status.code == http.StatusNotFound:
		return nil, fault("find", errNoPath)
	case status.code != http.StatusOK:
		return nil, fault("find", status)
	case len(found.Accounts) > maxAccounts:
		return nil, fault("find", errTooMany)
	}
	var all []account.Account
	for _, p := range found.Accounts {
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
	status, err := h.call(ctx, "account", map[string]string{"id": id}, &p)
	switch {
	case err != nil:
		return account.Account{}, err
	case status.code == http.StatusNotFound:
		return account.Account{}, account.ErrNotFound
	case status.code != http.StatusOK:
		return account.Account{}, fault("account", status)
	case p.ID != id:
		return account.Account{}, fault("account", errAnother)
	}
	a, err := p.account()
	if err != nil {
		return account.Account{}, fault("account", err)
	}
	return a, nil
}

// Change implements [account.Host]. It reads the account again after a success, so that an
// application that sets nothing is found out before the owner is told.
func (h *Host) Change(ctx context.Context, c account.HostChange) error {
	status, err := h.call(ctx, "change", map[string]string{
		"id": c.AccountID, "old": "sha256:" + hex.EncodeToString(c.Old[:]), "new": c.New, "submission": c.Submission,
	}, nil)
	switch {
	case err != nil:
		return err
	case status.code == http.StatusNotFound:
		return account.ErrAccountGone
	case status.code == http.StatusConflict:
		return account.ErrCredentialChanged
	case status.code == http.StatusForbidden:
		return account.Veto(status.reason)
	case status.code != http.StatusOK:
		return fault("change", status)
	}
	a, err := h.Account(ctx, c.AccountID)
	if err == nil && a.Credential != c.New {
		err = fault("change", errNotSet)
	}
	if errors.Is(err, account.ErrNotFound) {
		err = account.ErrAccountGone
	}
	return err
}

// account judges an answer.
func (p person) account() (account.Account, error) {
	if !validID(p.ID) {
		return account.Account{}, errID
	}
	return account.Account{
		ID: p.ID, Address: p.Address, Notify: p.Notify, Credential: p.Credential,
		Disabled: p.Disabled, Resettable: p.Resettable == nil || *p.Resettable,
	}, nil
}

// fault says which request failed. No text of the application is in it.
func fault(request string, err error) error {
	return fmt.Errorf("the application at the users' URL, request %s: %w", request, err)
}

// answer is the status of a response, and the reason of a refusal.
type answer struct {
	code   int
	reason string
}

// Error implements error.
func (a answer) Error() string {
	if a.code == http.StatusUnauthorized {
		return errUnsigned.Error()
	}
	return fmt.Sprintf("it answered %d", a.code)
}

// reasonOf reads {"reason": "..."}; another body has none.
func reasonOf(body []byte) string {
	var refusal struct {
		Reason string `json:"reason"`
	}
	if json.Unmarshal(body, &refusal) != nil || refusal.Reason == "" {
		return "it gave no reason"
	}
	return refusal.Reason
}
