package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/password"
)

const maxBody = 16 << 10

// credentials are the input of a sign-in; Username and Email mean the same.
type credentials struct {
	Username string `json:"username"`
	Email    string `json:"email"`
	Password string `json:"password"`
}

func readCredentials(w http.ResponseWriter, r *http.Request, form bool) (credentials, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	var c credentials
	if form {
		if err := r.ParseForm(); err != nil {
			return c, err
		}
		c = credentials{Email: r.PostForm.Get("email"), Password: r.PostForm.Get("password")}
	} else if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
		return c, err
	}
	if cmp.Or(c.Username, c.Email) == "" || c.Password == "" {
		return c, errors.New("a field is missing")
	}
	return c, nil
}

// newSession checks the password and returns a session ID. An address without an
// account costs the same time as one with a wrong password.
func (a *app) newSession(ctx context.Context, c credentials) (string, error) {
	who, err := a.find(ctx, cmp.Or(c.Username, c.Email))
	if err != nil {
		return "", err
	}
	right := false
	err = a.Budget.Do(ctx, func() error {
		right, err = password.Verify(cmp.Or(who.Credential, a.decoy), a.Policy.Normalize(c.Password))
		return err
	})
	if err != nil {
		return "", err
	}
	if !right || who.Disabled || who.Credential == "" {
		return "", errSignIn
	}
	return a.Store.NewSession(ctx, who.ID, who.Credential)
}

// find is the account of an address, or the zero Account.
func (a *app) find(ctx context.Context, address string) (account.Account, error) {
	address, err := account.ParseAddress(address)
	if err != nil {
		return account.Account{}, nil //nolint:nilerr // unknown address
	}
	found, err := a.Store.Find(ctx, address)
	if err != nil || len(found) != 1 {
		return account.Account{}, err
	}
	return found[0], nil
}

// setCookie sends the session ID. Secure is left out because the program serves
// plain HTTP on loopback; a real application sets it.
func setCookie(w http.ResponseWriter, sid string) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure would keep it from plain HTTP
		Name: cookieName, Value: sid, Path: "/",
		HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
