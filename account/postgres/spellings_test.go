package postgres_test

import (
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// notUnicode makes a database whose texts are in another encoding.
func notUnicode(t *testing.T) string {
	t.Helper()
	url := postgrestest.Database(t)
	postgrestest.Exec(t, url, `CREATE DATABASE `+name(url)+`_latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'`)
	latin := strings.Replace(url, name(url)+"?", name(url)+"_latin?", 1)
	must(t, postgres.Migrate(t.Context(), postgres.Config{URL: latin}, func(postgres.Migration) {}))
	return latin
}

// security 20: addresses are found as they are stored, for every RFC and every folding of the
// database. Letters that look alike stay two owners (CVE-2019-19844). An address that the
// database's encoding lacks has no account. It is no fault that is retried for a day.
func TestFindUnusualAddresses(t *testing.T) {
	t.Parallel()
	inC := migrated(t)
	for kind, url := range map[string]string{"text": inC, "citext": inC, "text in Turkish": turkish(t), "text in LATIN1": notUnicode(t)} {
		declared, _, _ := strings.Cut(kind, " in ")
		postgrestest.Exec(t, url, anew+`CREATE EXTENSION citext; `+plainTables("text")+`; ALTER TABLE users ALTER email TYPE `+declared+`;
			INSERT INTO users VALUES ('dot', 'Ann.@docomo.example'), ('dots', 'ann..lee@example.com'), ('quoted', '"Ann Lee"@example.com'), ('intranet', 'ann@Intranet'),
				('underline', 'ann@My_Host.example'), ('letters', 'JÜrgen@BÜCHER.example'), ('small', 'jürgen@example.com'), ('mike', 'mike@example.com')`)
		s := openUsers(t, url, plainUsers())
		want := map[string]string{
			"ann.@docomo.example": "dot", "ann..lee@example.com": "dots", `"ann lee"@example.com`: "quoted", "ann@intranet": "intranet",
			"ann@my_host.example": "underline", "jürgen@example.com": "small", "jÜrgen@example.com": "",
			"mi\u212Ae@example.com": "", "mike@example.com": "mike", "用户@example.com": "", "用户@例え.example": "", "ann@xn--r8jz45g.example": "",
		}
		if kind != "text in LATIN1" && kind != "text in Turkish" { // "C" does not fold the Ü of the domain
			want["jÜrgen@xn--bcher-kva.example"] = "letters"
		}
		for address, id := range want {
			found, err := s.Find(t.Context(), address)
			if err != nil || len(found) != min(1, len(id)) || len(found) == 1 && found[0].ID != id {
				t.Errorf("%s: %+q: found %d, want %q, %v", kind, address, len(found), id, err)
			}
		}
	}
}
