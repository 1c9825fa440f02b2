package bench

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
)

// table is the result of a measurement, in Markdown.
type table struct {
	columns []string
	rows    [][]any // texts, integers and floats
}

func newTable(columns ...string) *table { return &table{columns: columns} }

func (t *table) add(cells ...any) { t.rows = append(t.rows, cells) }

func (t *table) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n| %s |\n|%s\n", strings.Join(t.columns, " | "), strings.Repeat(" --- |", len(t.columns)))
	for _, row := range t.rows {
		b.WriteByte('|')
		for _, cell := range row {
			fmt.Fprintf(&b, " %s |", text(cell))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// text shows "-" for a missing value, and three digits of a number that has a fraction.
func text(cell any) string {
	f, ok := cell.(float64)
	switch {
	case !ok:
		return fmt.Sprint(cell)
	case math.IsNaN(f):
		return "-"
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	default:
		return fmt.Sprintf("%.3g", f)
	}
}

// report holds the tables. Tables without a row are not printed.
type report struct{ speed, times, used, memory, costs, edge, wire, open, aims *table }

func newReport() *report {
	return &report{
		speed:  newTable("database", "hash", "at once", "resets", "floor/s", "resets/s", "resets to floor", "longest silence ms", "answered 202"),
		times:  newTable("database", "hash", "at once", "milliseconds until", "p50", "p99", "longest"),
		used:   newTable("database", "hash", "at once", "CPU ms of one", "Temporal", "PostgreSQL", "worker", "starter", "all"),
		memory: newTable("most memory, MiB", "Temporal", "worker", "starter"),
		costs:  newTable("database", "a run", "Actions", "events", "workflow-task events", "bytes"),
		edge:   newTable("what", "a second", "against", "that a second", "ratio", "CPU µs", "CPU µs of that"),
		wire:   newTable("requests compressed", "bytes to Temporal", "bytes back", "CPU ms of Temporal", "worker", "starter"),
		open:   newTable("open", "worker MiB", "starter MiB", "Temporal MiB", "forgot p50 ms", "forgot p99 ms", "submit p50 ms", "submit p99 ms"),
		aims:   newTable("what", "wanted", "got", "met"),
	}
}

// resets adds the rows of one load.
func (r *report) resets(database, hash string, atOnce int, floor, got *meter) {
	ratio := got.perSecond() / floor.perSecond()
	r.speed.add(database, hash, atOnce, got.n, floor.perSecond(), got.perSecond(), ratio, milliseconds(got.longest), len(got.times[lateAnswer]))
	for _, m := range []struct {
		what string
		*meter
	}{{"floor: the answer", floor}, {forgotAnswer, got}, {"forgot: the mail", got}, {submitAnswer, got}, {"submit: the notice", got}} {
		if m.n > 0 {
			s := m.spread(m.what)
			r.times.add(database, hash, atOnce, m.what, s.p50, s.p99, s.longest)
		}
	}
	if floor.n > 0 {
		r.used.add(database, hash, atOnce, "floor", floor.cpu("temporal"), floor.cpu("postgres"), floor.cpu("floor"), 0, floor.cpu("temporal", "postgres", "floor"))
	}
	r.used.add(database, hash, atOnce, "reset", got.cpu("temporal"), got.cpu("postgres"), got.cpu("worker"), got.cpu("starter"), got.cpu("temporal", "postgres", "worker", "starter"))
	if floor.n > 0 {
		name := func(what string) string { return fmt.Sprintf("%s, %d at once: %s", database, atOnce, what) }
		r.least(name("resets to floor"), ratio, 0.8)
		r.most(name("longest time without any answer or mail, ms"), milliseconds(got.longest), 1000)
		r.most(name("longest wait for an answer to a new password, ms"), got.spread(submitAnswer).longest, 1000)
	}
}

func (r *report) least(what string, got, want float64) {
	r.aims.add(what, fmt.Sprintf("at least %g", want), got, got >= want)
}

func (r *report) most(what string, got, want float64) {
	r.aims.add(what, fmt.Sprintf("at most %g", want), got, got <= want)
}

// print writes the tables. It fails where the last figure of a row is none. Figures are not judged:
// they are the machine's.
func (r *report) print(t *testing.T) {
	t.Helper()
	t.Logf("%d cores, %s, %s/%s", runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, table := range []*table{r.speed, r.times, r.used, r.memory, r.costs, r.edge, r.wire, r.open, r.aims} {
		if len(table.rows) > 0 {
			t.Log(table)
		}
		for _, row := range table.rows {
			if f, ok := row[len(table.columns)-1].(float64); ok && f <= 0 {
				t.Errorf("%v: %s is %v", row, table.columns[len(table.columns)-1], f)
			}
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := newTable("what", "à s")
	table.add("one", 1.234)
	table.add("many", 1234.5)
	table.add("none", math.NaN())
	const want = "\n| what | à s |\n| --- | --- |\n| one | 1.23 |\n| many | 1234 |\n| none | - |\n"
	if got := table.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
