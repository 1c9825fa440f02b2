package postgres

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	counted   = 10_000           // rows that are looked at
	countWait = 30 * time.Second // for one statement
)

// patiently runs a statement that may take long, without which the others still make sense.
func (a *adoption) patiently(ctx context.Context, what string, run func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, a.tx, run) // a savepoint
	if sqlState(err) == canceled {
		a.note(true, "%s took more than %s, and was given up", what, countWait)
		return nil
	}
	return err
}

// countHashes reports the formats of the hashes.
func (a *adoption) countHashes(ctx context.Context) error {
	return a.patiently(ctx, "reading the hashes", func(pgx.Tx) error {
		found, err := a.names(ctx, fmt.Sprintf(`SELECT coalesce(%s::text, '') FROM %s LIMIT %d`, a.stored.name, a.hashed.name, counted))
		formats := map[Note]int{}
		for _, hash := range found {
			formats[a.cfg.Judge(hash)]++
		}
		for _, n := range slices.SortedFunc(maps.Keys(formats), func(x, y Note) int { return cmp.Compare(x.Text, y.Text) }) {
			a.note(n.Mend, "%d of %d hashes: %s", formats[n], len(found), n.Text)
		}
		return err
	})
}

// countAddresses reports addresses of several users, and how many users are closed.
func (a *adoption) countAddresses(ctx context.Context, closed string) error {
	closed = cmp.Or(closed, "false")
	err := a.patiently(ctx, "the search for addresses of several users", func(tx pgx.Tx) error {
		var several int
		err := tx.QueryRow(ctx, fmt.Sprintf(`SELECT count(*) FROM (SELECT FROM %s AS u WHERE %s::text <> '' AND NOT (%s) GROUP BY %s HAVING count(*) > 1) AS several`,
			a.users.name, a.address.of("u").name, closed, a.address.of("u").folded())).Scan(&several)
		if err == nil && several > 0 {
			a.note(true, "%d addresses belong to several users each, and get no mail: a link resets one account", several)
		}
		return err
	})
	if err != nil {
		return err
	}
	return a.patiently(ctx, "counting closed accounts", func(tx pgx.Tx) error {
		var all, shut int
		err := tx.QueryRow(ctx, fmt.Sprintf(`SELECT count(*), count(*) FILTER (WHERE %s) FROM (SELECT * FROM %s LIMIT %d) AS u`, closed, a.users.name, counted)).Scan(&all, &shut)
		if err == nil && shut > 0 {
			a.note(shut == all, "%d of %d accounts are closed, and get no mail", shut, all)
		}
		return err
	})
}

// timeLookup reports how long a look-up by address takes, and the index that it lacks.
func (a *adoption) timeLookup(ctx context.Context) error {
	find := fmt.Sprintf(`SELECT FROM %s WHERE %s`, a.users.name, a.address.among())
	return a.patiently(ctx, "a look-up by address", func(tx pgx.Tx) error {
		began := time.Now()
		if _, err := tx.Exec(ctx, find, []string{probe}); err != nil {
			return err
		}
		took := time.Since(began)
		is, err := served(ctx, tx, find, a.users.oid)
		if err != nil {
			return err
		}
		if !is {
			a.note(true, "no index serves the look-up by address, which took %s, and every request from the internet makes one: %s",
				took.Round(time.Millisecond/10), a.users.indexOn(a.address.folded()))
		}
		return nil
	})
}

// Names, without case and underscores, of columns that may close an account, sign it in or change with
// its password, and of those that are about other things.
var (
	tellingName = regexp.MustCompile(`^(is|was|has|can|account|user|soft|login|non)*(lock(ed|out)?|inactive|active|enabled?|disabled?|remov|suspend|bann?|block|delet|discard|trash|terminat|frozen|retired|approved|login|clos|archiv|deactivat|status|expires?|expired|validuntil)(e?d|ed)?(at|on|by|until|till|ends?|flag)?$` +
		`|^(account|user)state$|token|session|refresh|remember|apikey|authkey|persist|uniquifier|loginhash|cookie|^jti$|jwt|[^e]stamp$|salt|^(auth)?provider|sso|saml|ldap|authtype|authmethod|anonym|^password(changed|updated)|^unconfirmed|^(email|confirm).*(token|change)`)
	signsIn   = regexp.MustCompile(`login|session|remember|refresh|^unconfirmed|^(email|confirm).*(token|change)`)
	otherName = regexp.MustCompile(`^(confirm|unconfirm|verif|email|phone|mfa|otp|totp|twofactor)|count$`)
)

// lookAtRest reports columns that nothing is known of.
func (a *adoption) lookAtRest(t table) {
	var left []string
	for _, c := range t.sorted() {
		if name := c.plain(); !a.uses(t, c) && tellingName.MatchString(name) && (signsIn.MatchString(name) || !otherName.MatchString(name)) {
			left = append(left, c.name+" "+c.declared)
		}
	}
	if len(left) > 0 {
		a.note(true, "these columns of %s are left alone: %s. If one closes an account, add it to disabled in the view. If one says that an account signs in elsewhere, add resettable. If one changes with a password, add it to the UPDATE. Do not adopt a table whose hash needs a salt of another column", t.name, strings.Join(left, ", "))
	}
}
