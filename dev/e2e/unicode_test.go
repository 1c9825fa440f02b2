package e2e

import (
	"testing"

	"github.com/rekeyhq/rekey/account"
)

// security 18, 20: a table of users may have domains as people write them. Mail servers take
// their ASCII form.
func TestUnicodeDomainsAreMailed(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	newPerson(t, s, func(a *account.Account) { a.Address, a.Notify = "Bo@BÜCHER.example", []string{"bo@straße.example"} })
	forgot(t, s, "bo@bücher.example")
	token, _ := tokens(t, s, "Bo@xn--bcher-kva.example", 1)
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Fatalf("reset: %+v", a)
	}
	mailed(t, s, "Bo@xn--bcher-kva.example", 2)
	mailed(t, s, "bo@xn--strae-oqa.example", 1)
}
