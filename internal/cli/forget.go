package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// forgetCmd is `rekey forget`.
type forgetCmd struct {
	storeFlags
	As  string `required:"" env:"REKEY_OPERATOR" help:"Your name, for the audit log: a.smith."`
	Yes bool   `env:"REKEY_FORGET_YES" help:"No question, for programs."`
	jsonFlag

	Account string `arg:"" help:"ID of an account that your application has deleted."`
}

func (f *forgetCmd) check() error { return cmp.Or(checkOperator(f.As), f.storeFlags.check()) }

// Run deletes all that the store keeps of a deleted account, and prints how much that was.
func (f *forgetCmd) Run(p *process) (err error) {
	if !f.Yes {
		if err := confirm(p, "This deletes all data of the account in rekey, with its audit log. Type its ID again: ", f.Account); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(p.ctx, commandWait)
	defer cancel()
	store, ledger, err := f.ledger(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	gone, err := ledger.Forget(ctx, f.Account, account.Entry{At: time.Now().UTC(), Operator: f.As})
	if errors.Is(err, account.ErrAccountThere) {
		return refusal(err.Error())
	}
	if err != nil {
		return err
	}
	if f.JSON {
		return writeJSON(p.stdout, gone)
	}
	_, err = fmt.Fprintf(p.stdout, "deleted: %d token records, %d mail counts, %d submissions, %d sessions, %d lines of the audit log\n",
		gone.Tokens, gone.Mails, gone.Submissions, gone.Sessions, gone.Entries)
	return err
}

// confirm asks a person to type something again.
func confirm(p *process, question, want string) error {
	fmt.Fprint(p.stderr, question)
	answer, err := bufio.NewReader(io.LimitReader(p.stdin, maxArgument)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != want {
		return refusal("nothing is deleted: wrong ID; --yes skips the question")
	}
	return nil
}
