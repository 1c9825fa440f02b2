package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

const remedy = `
An open run stops under this build, or continues with wrong values where the code passes or reads others. Put the change
behind workflow.GetVersion, keep the names of fields, or deploy versioned workers, so that each run stays with its build:
see "Before a deployment: replay" in docs/operations/upgrades.md.
`

const warned = `
These runs fit, with another policy (timeout, retries, task queue). Scheduled activities keep the old one, later ones get
the new one. Deploy the build if you intend that.
`

// write sorts the report and writes it.
func (r *report) write(w io.Writer, asJSON bool) error {
	sortFindings(r.Divergences)
	sortFindings(r.Unreadable)
	sortFindings(r.Warnings)
	if asJSON {
		return writeJSON(w, r)
	}
	return r.text(w)
}

// sortFindings puts the finding with the most runs first.
func sortFindings(findings []*finding) {
	slices.SortFunc(findings, func(x, y *finding) int {
		return cmp.Or(cmp.Compare(y.Runs, x.Runs), cmp.Compare(x.Reason, y.Reason))
	})
}

// text is the report for people: one block for each kind of divergence, for any number of runs.
func (r *report) text(w io.Writer) error {
	var b bytes.Buffer
	if r.Replayed+r.Gone == 0 && !r.Partial {
		fmt.Fprintf(&b, "nothing to replay: namespace %s has no run %s\n", r.Namespace, r.scope)
	} else {
		fmt.Fprintf(&b, "replayed %d runs of namespace %s: %d fit this build, %d diverge, %d cannot be judged; %d more are gone\n",
			r.Replayed, r.Namespace, r.Replayed-r.Diverged-r.Unjudged, r.Diverged, r.Unjudged, r.Gone)
	}
	blocks(&b, r.Divergences)
	blocks(&b, r.Unreadable)
	if r.Diverged > 0 {
		b.WriteString(remedy)
	}
	if len(r.Warnings) > 0 {
		b.WriteString(warned)
		blocks(&b, r.Warnings)
	}
	_, err := b.WriteTo(w)
	return err
}

func blocks(b *bytes.Buffer, findings []*finding) {
	for _, k := range findings {
		fmt.Fprintf(b, "\n%d runs, %d of them open: %s\n", k.Runs, k.Open, plain(k.Reason))
		for _, e := range k.Examples {
			fmt.Fprintf(b, "  %s, run %s: %s\n", plain(e.WorkflowID), plain(e.RunID), plain(e.Error))
		}
		if more := k.Runs - len(k.Examples); more > 0 {
			fmt.Fprintf(b, "  and %d more\n", more)
		}
	}
}

// plain keeps a stranger's text, such as a workflow ID, from steering the terminal.
func plain(s string) string {
	if quoted := strconv.Quote(s); quoted != `"`+s+`"` {
		return quoted
	}
	return s
}

// verdict is the error that the command ends with. A divergence counts although the replay ended
// early or could not judge another run.
func (r *report) verdict(early error) error {
	switch {
	case r.Diverged > 0:
		return fmt.Errorf("%d of %d runs diverge: do not deploy this build as it is", r.Diverged, r.Replayed)
	case early != nil:
		return unchecked(early)
	case r.Unjudged > 0:
		return unchecked(fmt.Errorf("%d of %d runs cannot be judged: %s", r.Unjudged, r.Replayed, r.Unreadable[0].Reason))
	case r.Replayed == 0 && (r.wanted || r.Gone > 0):
		return unchecked(errors.New("there is no history to replay"))
	default:
		return nil
	}
}
