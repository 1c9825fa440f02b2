package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/operator"
)

// findCmd is `rekey find`.
type findCmd struct {
	Keys  string `required:"" type:"path" env:"REKEY_KEYS" help:"Folder of keysets (reads account.json, and payload.json if present, to show why a mail was withheld)."`
	UIURL string `name:"ui-url" env:"REKEY_UI_URL" help:"URL of Temporal's UI, to print the page of each run: https://temporal.example.com."`
	Last  int    `default:"5" env:"REKEY_LAST" help:"Maximum number of runs of a flow, the newest first: 1 to 50."`
	jsonFlag

	Email string `arg:"" help:"Mail address of the account, or - to read it from standard input: other users and the shell history see a command line."`
}

// foundRun is a run, and where Temporal's UI shows it.
type foundRun struct {
	operator.Run
	URL string `json:"url,omitempty"`
}

// Run prints the runs of an account, and on standard error the processes that do not belong
// together.
func (f *findCmd) Run(p *process) error {
	address, err := addressOf(f.Email, p.stdin)
	if err != nil {
		return err
	}
	return p.operate(operator.Config{Keys: p.keys(f.Keys), ReadOnly: true}, func(ctx context.Context, c *operator.Client) error {
		runs, err := c.Find(ctx, address, f.Last)
		for _, reason := range c.Mismatches(ctx) {
			fmt.Fprintln(p.stderr, "rekey: warning:", reason)
		}
		if err != nil {
			return err
		}
		found := make([]foundRun, len(runs))
		for i, r := range runs {
			found[i] = foundRun{r, page(f.UIURL, c.Namespace(), r)}
		}
		if f.JSON {
			return writeJSON(p.stdout, found)
		}
		return writeRuns(p.stdout, found)
	})
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

// page is where Temporal's UI shows a run.
func page(ui, namespace string, r operator.Run) string {
	if ui == "" {
		return ""
	}
	return fmt.Sprintf("%s/namespaces/%s/workflows/%s/%s/history",
		strings.TrimSuffix(ui, "/"), url.PathEscape(namespace), url.PathEscape(r.WorkflowID), r.RunID)
}

// writeRuns writes a table for each flow.
func writeRuns(out io.Writer, runs []foundRun) error {
	for first := true; len(runs) > 0; first = false {
		n := 1
		for n < len(runs) && runs[n].WorkflowID == runs[0].WorkflowID {
			n++
		}
		if !first {
			fmt.Fprintln(out)
		}
		if err := writeFlow(out, runs[:n]); err != nil {
			return err
		}
		runs = runs[n:]
	}
	return nil
}

func writeFlow(out io.Writer, runs []foundRun) error {
	fmt.Fprintf(out, "workflow %s\n\n", runs[0].WorkflowID)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tSTATE\tSTARTED\tENDED\tMAILS\tEXPIRES\tNOTE")
	for _, r := range runs {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d of %d\t%s\t%s\n",
			r.RunID, r.State, stamp(r.Started), stamp(r.Ended), r.Mails, flow.MaxMails, stamp(r.Expires), r.note())
	}
	return w.Flush()
}

// note has the further facts for an operator.
func (r foundRun) note() string {
	var notes []string
	add := func(is bool, format string, args ...any) {
		if is {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	add(r.Paused, "paused in Temporal: unpause it there to continue")
	if t := r.Trying; t != nil {
		add(t.Next.IsZero(), "a mail is being sent, attempt %d%s", t.Number, lastFailure(t))
		add(!t.Next.IsZero(), "a mail is not sent yet, attempt %d at %s%s", t.Number, stamp(t.Next), lastFailure(t))
	}
	add(r.Failure != "", "the run failed: %s", r.Failure)
	add(r.Asked > 0, "requests without another mail: %d", r.Asked)
	add(r.Bounces > 0, "mails that bounced: %d", r.Bounces)
	add(r.Complaints > 0, "complaints about mails: %d; the account gets no further one for a day", r.Complaints)
	add(r.Withheld != "", "the last mail was withheld: %s", r.Withheld)
	add(r.Refused != "", "the change was refused: %s", r.Refused)
	add(r.Untold, "password changed, but no address was notified")
	add(r.Owed, "a notice is pending for an address")
	add(r.Sealed, "unknown whether a mail was withheld: payload.json is missing or lacks the key")
	add(r.URL != "", "%s", r.URL)
	return strings.Join(notes, "; ")
}

func lastFailure(a *operator.Attempt) string {
	if a.Why == "" {
		return ""
	}
	return ", last failure: " + a.Why
}
