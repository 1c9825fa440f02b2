package usage

import (
	"io"
	"os"

	"github.com/rs/zerolog"
)

// Console writes log lines for people. They have colors on a terminal only. A terminal has none
// when the variable NO_COLOR is set to anything (https://no-color.org) or it is a dumb one.
func Console(w io.Writer) io.Writer {
	return zerolog.ConsoleWriter{Out: w, TimeFormat: "15:04:05", NoColor: !colored(w)}
}

func colored(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && IsTerminal(w)
}

// IsTerminal reports whether a person may read the output.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	null, nullErr := os.Stat(os.DevNull) // a character device too
	return err == nil && nullErr == nil && info.Mode()&os.ModeCharDevice != 0 && !os.SameFile(info, null)
}
