package activities_test

import (
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/statemachine"
)

// A link has the hash parameters of the account's sign-in. It is withheld when rekey makes no such
// hash.
func TestLinkSaysHowToHash(t *testing.T) {
	t.Parallel()
	const (
		bcrypt = "$2y$10$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq"
		argon  = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
		django = "pbkdf2_sha256$600000$c2FsdA$aGFzaA" // damaged
		whole  = "pbkdf2_sha256$600000$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
		spring = "{bcrypt}" + bcrypt
		better = "c3f1a8b39d2b1c4e:5f4dcc3b5aa765d61d8327deb882cf99"
	)
	for _, test := range []struct {
		credential string
		upgrade    activities.Upgrade
		want       string // empty when the link is withheld
	}{
		{bcrypt, activities.NoUpgrade, "2y10"},
		{bcrypt, activities.UpgradeBcrypt, "2y10"},
		{bcrypt, activities.UpgradeArgon2id, "19456,2,1"},
		{argon, activities.NoUpgrade, "64,1,1"},
		{argon, activities.UpgradeArgon2id, "64,1,1"},
		{argon, activities.UpgradeBcrypt, "64,1,1"},
		{django, activities.NoUpgrade, ""},
		{better, activities.NoUpgrade, ""},
		{django, activities.UpgradeArgon2id, ""}, // Django reads no hash without a word in front
		{django, activities.UpgradeBcrypt, ""},
		{"{pbkdf2}5d923b44a6d129f3ddf3e3c8d29412723dcbde72", activities.UpgradeBcrypt, ""},
		{better, activities.UpgradeArgon2id, "19456,2,1"},
		{"$P$Bx0000000000000000000000000000", activities.UpgradeBcrypt, "2y12"},
		{whole, activities.NoUpgrade, "d2:600000"},
		{whole, activities.UpgradeBcrypt, "d2:600000"},
		{whole, activities.UpgradeArgon2id, "d2:600000"},
		{spring, activities.NoUpgrade, "sb:2y10"},
		{"$2y$15$x", activities.NoUpgrade, ""},
	} {
		owner := ann
		owner.Credential = test.credential
		s := newSite(t, owner)
		s.Upgrade = test.upgrade
		got, err := s.sendLink(t, wanted(ann.Address))
		must(t, err)
		if test.want == "" {
			diff(t, test.credential, got, flow.Delivery{Mail: wanted("").Name(), Withheld: flow.HashUnsupported})
			s.audited(t, ann.ID, account.Entry{Event: account.EventMailWithheld, Detail: string(flow.HashUnsupported)})
			continue
		}
		claims, _ := s.claims(t, link.Reset, s.mailer.last(t))
		diff(t, test.credential+" with "+string(test.upgrade), claims.Hash, test.want)
	}
}

// A submission in another form than the account's is refused and audited, and changes nothing. It
// counts when the host reads that form.
func TestAnotherFormIsRefused(t *testing.T) {
	t.Parallel()
	for upgrade, want := range map[activities.Upgrade]statemachine.Event{
		activities.NoUpgrade: statemachine.ChangeRefused, activities.UpgradeArgon2id: statemachine.ChangeRefused,
		activities.UpgradeBcrypt: statemachine.PasswordChanged,
	} {
		s := newSite(t, ann)
		_, err := s.sendLink(t, wanted(ann.Address))
		must(t, err)
		s.Upgrade = upgrade
		v, err := s.change(t, flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, "$2y$12$new"))})
		must(t, err)
		if v.Event != want {
			t.Errorf("%q: %+v", upgrade, v)
		}
		if want == statemachine.ChangeRefused {
			diff(t, "credential", s.credential(t), ann.Credential)
			s.audited(t, ann.ID, account.Entry{Event: account.EventMailIssued}, account.Entry{Event: account.EventChangeRefused, Detail: account.ErrHashForm.Error()})
		}
	}
}

func TestUpgradeIsKnown(t *testing.T) {
	t.Parallel()
	for upgrade, want := range map[activities.Upgrade]bool{"": true, "argon2id": true, "bcrypt": true, "md5": false} {
		if upgrade.Valid() != want {
			t.Errorf("%q: want %v", upgrade, want)
		}
	}
}
