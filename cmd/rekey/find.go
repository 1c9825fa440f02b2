package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rekeyhq/rekey/workflow"
)

// jsonFlag is how programs read a command.
type jsonFlag struct {
	JSON bool `name:"json" env:"REKEY_JSON" help:"Write JSON, for programs."`
}

// findCmd is `rekey find`.
type findCmd struct {
	Keys  string `required:"" type:"path" env:"REKEY_KEYS" help:"Folder of keysets (reads account.json and, to tell why a mail was withheld, payload.json where it is)."`
	UIURL string `name:"ui-url" env:"REKEY_UI_URL" help:"Where Temporal's UI is, to print the page of each run: https://temporal.example.com."`
	Last  int    `default:"5" env:"REKEY_LAST" help:"Runs to print at most, the newest first: 1 to 50."`
	jsonFlag

	Email string `arg:"" help:"Mail address of the account, or - to read it from standard input: a command line is seen by others and kept by the shell."`
}

// Run prints the runs of an account.
func (f *findCmd) Run(p *process) error {
	ctx, cancel := context.WithTimeout(p.ctx, commandWait)
	defer cancel()
	address, err := addressOf(f.Email, p.stdin)
	if err != nil {
		return err
	}
	d, err := openDesk(ctx, p, f.Keys)
	if err != nil {
		return err
	}
	defer d.Close()
	id, err := d.workflowID(address)
	if err != nil {
		return err
	}
	found, err := d.runs(ctx, id, f.Last)
	if err != nil {
		d.tellPeers(ctx, p)
		return err
	}
	for i := range found {
		found[i].URL = page(f.UIURL, d.namespace, found[i])
	}
	d.tellPeers(ctx, p)
	if f.JSON {
		return writeJSON(p.stdout, found)
	}
	return writeRuns(p.stdout, found)
}

func (f *findCmd) check() error {
	if f.Last < 1 || f.Last > 50 {
		return fmt.Errorf("--last ($REKEY_LAST): want 1 to 50, not %d", f.Last)
	}
	if u, err := url.Parse(f.UIURL); f.UIURL != "" && (err != nil || u.Host == "") {
		return errors.New("--ui-url ($REKEY_UI_URL): want an absolute URL such as https://temporal.example.com")
	}
	return nil
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func writeRuns(out io.Writer, runs []resetRun) error {
	fmt.Fprintf(out, "workflow %s\n\n", runs[0].Workflow)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tSTATE\tSTARTED\tENDED\tMAILS\tEXPIRES\tNOTE")
	for _, r := range runs {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d of %d\t%s\t%s\n",
			r.Run, r.State, stamp(r.Started), stamp(r.Ended), r.Mails, workflow.MaxMails, stamp(r.Expires), r.note())
	}
	return w.Flush()
}

// note is what else an operator asks for.
func (r resetRun) note() string {
	var notes []string
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if r.Paused {
		add("paused in Temporal: nothing happens until it is unpaused there")
	}
	switch {
	case r.Trying != nil && r.Trying.Next.IsZero():
		add("a mail is being sent, attempt %d%s", r.Trying.Number, r.Trying.reason())
	case r.Trying != nil:
		add("a mail is not sent yet, attempt %d at %s%s", r.Trying.Number, stamp(r.Trying.Next), r.Trying.reason())
	}
	if r.Failure != "" {
		add("the run failed: %s", r.Failure)
	}
	if r.Asked > 0 {
		add("asked for again, without another mail: %d", r.Asked)
	}
	if r.Withheld != "" {
		add("the last mail was withheld: %s", r.Withheld)
	}
	if r.Refused != "" {
		add("the change was refused: %s", r.Refused)
	}
	if r.Untold {
		add("the password was changed, and nobody was told")
	}
	if r.Sealed {
		add("only payload.json tells whether a mail was withheld, and it is not here or lacks the key")
	}
	if r.URL != "" {
		add("%s", r.URL)
	}
	return strings.Join(notes, "; ")
}

// stamp is a time in a table; none is a dash.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
