package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/operator"
	"github.com/rekeyhq/rekey/workflow"
)

const (
	// commandWait bounds a command of an operator, with all its waits.
	commandWait = 30 * time.Second
	// maxArgument is longer than any address.
	maxArgument = 1024
)

// jsonFlag is the output format for programs.
type jsonFlag struct {
	JSON bool `name:"json" env:"REKEY_JSON" help:"Write JSON, for programs."`
}

// flowFlag selects a flow.
type flowFlag struct {
	Flow string `default:"any" enum:"any,${flows}" env:"REKEY_FLOW" help:"Only runs of this flow: ${enum}."`
}

// of is a client of the selected flow.
func (f flowFlag) of(c *operator.Client) *operator.Client {
	for _, d := range workflow.Flows() {
		if d.Kind == f.Flow {
			return c.Of(d)
		}
	}
	return c
}

// kinds are the names of the flows.
func kinds() (all []string) {
	for _, d := range workflow.Flows() {
		all = append(all, d.Kind)
	}
	return all
}

// operate opens the client that the commands of an operator share, and ends it after commandWait.
func (p *process) operate(cfg operator.Config, do func(context.Context, *operator.Client) error) error {
	ctx, cancel := context.WithTimeout(p.ctx, commandWait)
	defer cancel()
	options, err := p.temporalOptions()
	if err != nil {
		return err
	}
	cfg.Temporal, cfg.TaskQueue = options, p.queue
	c, err := operator.Dial(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	return do(ctx, c)
}

// keys is a folder of keysets for a command of an operator. Beside a Temporal on loopback, as of
// `go run ./dev`, they may be for development: users who try the product try the operator's
// commands too.
func (p *process) keys(dir string) keys.Dir {
	if options, err := temporalSettings(p.log); err == nil && loopback.Is(options.HostPort) {
		return keys.Open(dir, keys.AllowDev)
	}
	return keys.Open(dir)
}

func checkOperator(name string) error {
	if err := operator.CheckName(name); err != nil {
		return fmt.Errorf("--as ($REKEY_OPERATOR): %w", err)
	}
	return nil
}

// argument is an argument, or for "-" the first line of the standard input.
func argument(text string, stdin io.Reader) (string, error) {
	if text != "-" {
		return text, nil
	}
	line, err := bufio.NewReader(io.LimitReader(stdin, maxArgument)).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		if errors.Is(err, io.EOF) || err == nil {
			err = unchecked(errors.New("its first line is empty"))
		}
		return "", fmt.Errorf("read standard input: %w", err)
	}
	return line, nil
}

// addressOf is the address in an argument. Errors: account.ErrAddress.
func addressOf(text string, stdin io.Reader) (string, error) {
	text, err := argument(text, stdin)
	if err != nil {
		return "", err
	}
	return account.ParseAddress(text)
}

// targetOf is the address, the run ID or the workflow ID in an argument. Errors: operator.ErrTarget,
// account.ErrAddress.
func targetOf(text string, stdin io.Reader) (string, error) {
	text, err := argument(text, stdin)
	if err != nil {
		return "", err
	}
	if err = operator.CheckTarget(text); errors.Is(err, operator.ErrTarget) {
		err = fmt.Errorf("%w, or - to read one from standard input", err)
	}
	return text, err
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// stamp is a time in a table; none is a dash.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
