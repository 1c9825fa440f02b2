package account_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/account"
)

func owed(addresses ...string) (d account.Debt) {
	for _, a := range addresses {
		d.Left = append(d.Left, account.Recipient{Address: a})
	}
	return d
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// security 18: each address of an account is notified once, in whatever spelling, also one that
// rekey refuses as an address.
func TestNewDebt(t *testing.T) {
	t.Parallel()
	a := account.Account{Address: "Ann@example.com", Notify: []string{
		"ann@EXAMPLE.com", "office@example.com", "Office@example.com", "not an address", "not an address",
	}}
	same(t, "debt", owed("Ann@example.com", "office@example.com", "not an address"), account.NewDebt(a, account.Change{}))
}

// The line of the audit log about a notice that is given up says what it was about.
func TestGivenUpNotices(t *testing.T) {
	t.Parallel()
	a := account.Account{Address: "ann@example.com", Notify: []string{"office@example.com"}}
	for scope, what := range map[string]string{"": "the password change", account.ScopeFirstPassword: "the first password"} {
		n := account.Notice{Debt: account.NewDebt(a, account.Change{Scope: scope})}
		same(t, "none", "no address was notified of "+what, n.GivenUp(noon).Detail)
		n.Debt = n.After(account.TellDone, "ann@example.com", noon)
		same(t, "one", "1 of 2 addresses were not notified of "+what, n.GivenUp(noon).Detail)
	}
}

// A mail server that loses its answers gets three copies at most. The second follows after half
// a minute and the third after 15 minutes. Then the address counts as notified.
func TestUnclearCopiesAreBounded(t *testing.T) {
	t.Parallel()
	d := owed("ann@example.com")
	for n, pause := range []time.Duration{30 * time.Second, 15 * time.Minute} {
		d = d.After(account.TellBegun, "ann@example.com", noon).After(account.TellUnclear, "ann@example.com", noon)
		r, left := d.Recipient("ann@example.com")
		same(t, "left", true, left)
		same(t, "recipient", account.Recipient{Address: "ann@example.com", Copies: n + 1, Next: noon.Add(pause)}, r)
	}
	d = d.After(account.TellBegun, "ann@example.com", noon)
	same(t, "settled", false, d.Settled())
	d = d.After(account.TellUnclear, "ann@example.com", noon)
	same(t, "debt", account.Debt{Left: []account.Recipient{}, Told: 1, Since: noon}, d)
	same(t, "untold", false, d.Untold())
}

// A worker that is killed in the middle leaves a copy that counts, and there is no fourth.
func TestBrokenOffCopiesAreBounded(t *testing.T) {
	t.Parallel()
	d := owed("ann@example.com")
	for range account.MaxCopies {
		same(t, "settled", false, d.Settled())
		d = d.After(account.TellBegun, "ann@example.com", noon)
	}
	same(t, "settled", false, d.Settled())
	d = d.After(account.TellBegun, "ann@example.com", noon)
	same(t, "settled", true, d.Settled())
}

// A mail that definitely did not go out is no copy, and its address goes behind the others.
func TestNotSentIsNoCopy(t *testing.T) {
	t.Parallel()
	d := owed("ann@example.com", "office@example.com")
	for n := range 100 {
		d = d.After(account.TellBegun, "ann@example.com", noon.Add(time.Duration(n)*time.Minute)).
			After(account.TellNotSent, "ann@example.com", noon)
	}
	want := owed("office@example.com", "ann@example.com")
	want.Since = noon
	same(t, "debt", want, d)
}

// Steps leave the debt that they were taken from as it was.
func TestDebtIsAValue(t *testing.T) {
	t.Parallel()
	d := owed("ann@example.com", "office@example.com", "home@example.com")
	for _, what := range []account.Telling{account.TellBegun, account.TellDone, account.TellNotSent, account.TellUnclear, account.TellGivenUp} {
		d.After(what, "office@example.com", noon)
		same(t, string(what), owed("ann@example.com", "office@example.com", "home@example.com"), d)
	}
	same(t, "of no address that is left", d, d.After(account.TellDone, "mallory@example.com", noon))
	same(t, "given up", true, d.After(account.TellGivenUp, "", noon).Untold())
}
