package bolt_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
)

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	s := open(t)
	for what, change := range map[string]func(*account.Account){
		"no ID":                  func(a *account.Account) { a.ID = "" },
		"NUL in the ID":          func(a *account.Account) { a.ID = "a\x00b" },
		"no address":             func(a *account.Account) { a.Address = "" },
		"no address that is one": func(a *account.Account) { a.Address = "Ann <ann@example.com>" },
	} {
		a := ann()
		change(&a)
		err := s.Put(t.Context(), a)
		if err == nil || strings.Contains(err.Error(), "ann@") || strings.Contains(what, "ID") != strings.Contains(err.Error(), "account ID") {
			t.Errorf("%s: error %v", what, err)
		}
		if _, err := s.Account(t.Context(), a.ID); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("%s: it is there: %v", what, err)
		}
	}
}

// Many accounts take several transactions; those before a bad one are written.
func TestPutMany(t *testing.T) {
	t.Parallel()
	s := open(t)
	people := make([]account.Account, 5001)
	for i := range people {
		people[i] = ann()
		people[i].ID = strconv.Itoa(i)
		people[i].Address = fmt.Sprintf("p%d@example.com", i)
	}
	must(t, s.PutMany(t.Context(), people))
	for _, i := range []int{0, 4999, 5000} {
		found, err := s.Find(t.Context(), people[i].Address)
		must(t, err)
		if len(found) != 1 || found[0].ID != people[i].ID {
			t.Errorf("person %d: %v", i, found)
		}
	}
	for i := range people {
		people[i].Disabled = true
	}
	people[5000].Address = ""
	if err := s.PutMany(t.Context(), people); !errors.Is(err, account.ErrAddress) {
		t.Errorf("error %v", err)
	}
	for i, want := range map[string]bool{"4999": true, "5000": false} {
		if a, err := s.Account(t.Context(), i); err != nil || a.Disabled != want {
			t.Errorf("person %s: %+v, %v", i, a, err)
		}
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	s := open(t)
	must(t, s.Put(t.Context(), ann()))
	sid, err := s.NewSession(t.Context(), "ann", ann().Credential)
	must(t, err)
	must(t, s.Delete(t.Context(), "ann"))
	if err := s.Delete(t.Context(), "ann"); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	must(t, s.Put(t.Context(), ann()))
	if _, err := s.Session(t.Context(), sid); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("a session outlives its account: %v", err)
	}
}
