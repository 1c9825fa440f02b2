package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
)

// auditCmd is `rekey audit`.
type auditCmd struct {
	storeFlags
	Account  string `env:"REKEY_AUDIT_ACCOUNT" help:"Only lines of this account ID."`
	Reset    string `name:"run" env:"REKEY_AUDIT_RUN" help:"Only lines of this run, by its original run ID."`
	Event    string `env:"REKEY_AUDIT_EVENT" help:"Only this event, such as password_changed."`
	Operator string `env:"REKEY_AUDIT_OPERATOR" help:"Only actions of this operator."`
	Since    string `env:"REKEY_AUDIT_SINCE" help:"Only lines of this time or later: 2026-01-31, 2026-01-31T12:00:00Z, or an age such as 24h."`
	Until    string `env:"REKEY_AUDIT_UNTIL" help:"Only lines before this time, written as for --since."`
	Last     int    `default:"100" env:"REKEY_AUDIT_LAST" help:"Maximum number of lines, the last ones; 0 is all."`
	jsonFlag

	Address string `arg:"" optional:"" name:"email" help:"Only lines of accounts that have this mail address now, or - to read it from standard input."`
}

func (a *auditCmd) check() error {
	if a.Last < 0 {
		return fmt.Errorf("--last ($REKEY_AUDIT_LAST): want 0 or more, not %d", a.Last)
	}
	_, err := a.filter(time.Now())
	return cmp.Or(err, a.storeFlags.check())
}

// Run prints lines of the audit log, the oldest first.
func (a *auditCmd) Run(p *process) (err error) {
	ctx, cancel := context.WithTimeout(p.ctx, commandWait)
	defer cancel()
	f, err := a.filter(time.Now())
	if err != nil {
		return err
	}
	log, err := a.auditor(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if a.Address != "" {
		if f.AccountIDs, err = a.owners(ctx, p, log); err != nil {
			return err
		}
	}
	lines, err := log.Entries(ctx, f)
	if err != nil {
		return err
	}
	return writeAudit(p, lines, a.JSON)
}

var errNoLedger = errors.New("--store ($REKEY_STORE): this store has no audit log")

// ledger opens the store for a command of an operator.
func (s *storeFlags) ledger(ctx context.Context, p *process) (account.Store, account.Archive, error) {
	store, err := s.open(ctx, p.log)
	if err != nil {
		return nil, nil, err
	}
	ledger, ok := store.(account.Archive)
	if !ok {
		return nil, nil, errors.Join(errNoLedger, store.Close())
	}
	return store, ledger, nil
}

// auditor reads an audit log.
type auditor interface {
	Entries(ctx context.Context, f account.Filter) ([]account.Entry, error)
	Owners(ctx context.Context, address string) ([]string, error)
	Close() error
}

// auditor opens the audit log. In PostgreSQL it takes only the rights to read it.
func (s *storeFlags) auditor(ctx context.Context, p *process) (auditor, error) {
	if !postgres.IsURL(s.Store) || s.UsersURL != "" {
		store, err := s.open(ctx, p.log)
		if err != nil {
			return nil, err
		}
		return fileAuditor{store}, nil
	}
	cfg, err := databaseConfig(s.Store, s.Password)
	if err != nil {
		return nil, err
	}
	log, err := postgres.OpenAuditor(ctx, cfg)
	if err != nil {
		return nil, explainStore(err)
	}
	return log, nil
}

// fileAuditor is that of a store which this process has opened.
type fileAuditor struct{ account.Store }

func (f fileAuditor) Entries(ctx context.Context, by account.Filter) ([]account.Entry, error) {
	ledger, ok := f.Store.(account.Archive)
	if !ok {
		return nil, errNoLedger
	}
	return ledger.Entries(ctx, by)
}

func (f fileAuditor) Owners(ctx context.Context, address string) (ids []string, err error) {
	found, err := f.Find(ctx, address)
	for _, owner := range found {
		if account.SameAddress(owner.Address, address) {
			ids = append(ids, owner.ID)
		}
	}
	return ids, err
}

// owners are the accounts that have the address.
func (a *auditCmd) owners(ctx context.Context, p *process, log auditor) ([]string, error) {
	address, err := addressOf(a.Address, p.stdin)
	if err != nil {
		return nil, err
	}
	ids, err := log.Owners(ctx, address)
	if err != nil {
		return nil, explainStore(err)
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return a.Account != "" && id != a.Account })
	if len(ids) == 0 {
		return nil, refusal("no account has this address; use --account for an account that had it")
	}
	return ids, nil
}

func (a *auditCmd) filter(now time.Time) (f account.Filter, err error) {
	f = account.Filter{Run: a.Reset, Event: account.Event(a.Event), Operator: a.Operator, Last: a.Last}
	if a.Account != "" {
		f.AccountIDs = []string{a.Account}
	}
	if f.Since, err = moment(a.Since, now); err != nil {
		return f, fmt.Errorf("--since ($REKEY_AUDIT_SINCE): %w", err)
	}
	if f.Until, err = moment(a.Until, now); err != nil {
		return f, fmt.Errorf("--until ($REKEY_AUDIT_UNTIL): %w", err)
	}
	return f, nil
}

// moment is a time from an operator: a day, a time, or how long ago it is.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, errors.New("want a day such as 2026-01-31, a time such as 2026-01-31T12:00:00Z, or an age such as 24h")
}

// auditLine is a line of the log as JSON.
type auditLine struct {
	At        time.Time     `json:"at"`
	Event     account.Event `json:"event"`
	AccountID string        `json:"account_id,omitempty"`
	Run       string        `json:"run_id,omitempty"`
	Client    string        `json:"client,omitempty"`
	Operator  string        `json:"operator,omitempty"`
	Detail    string        `json:"detail,omitempty"`
}

func writeAudit(p *process, lines []account.Entry, asJSON bool) error {
	if asJSON {
		list := []auditLine{}
		for _, e := range lines {
			list = append(list, auditLine{e.At, e.Event, e.AccountID, e.Run, e.Client, e.Operator, e.Detail})
		}
		return writeJSON(p.stdout, list)
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tEVENT\tACCOUNT\tRUN\tBY\tDETAIL")
	for _, e := range lines {
		by := strings.TrimSpace(e.Client + " " + e.Operator)
		fmt.Fprintln(w, strings.Join([]string{stamp(e.At), string(e.Event), dash(e.AccountID), dash(e.Run), dash(by), dash(e.Detail)}, "\t"))
	}
	return w.Flush()
}

// dash stands for nothing in a table. A value is quoted that could be taken for another cell.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Sprintf("%q", text)
	}
	return text
}
