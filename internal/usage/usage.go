// Package usage reads the command lines of all programs alike. Of a wrong one it says which
// value is wanted, with the flag, its variable and an example, and no words of a parser.
package usage

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// Failed is the exit status of a program that could not do its work.
const Failed = 1

// Wrong is the exit status of a program whose command line or settings are wrong, so that a
// retry cannot help. It is the one of Go's package flag and of shells.
const Wrong = 2

type wrongError struct{ error }

func (e wrongError) Unwrap() error { return e.error }

// Mark marks an error as being of the command line or of a setting.
func Mark(err error) error {
	if err == nil {
		return nil
	}
	return wrongError{err}
}

// Status is the exit status for an error.
func Status(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.As(err, new(wrongError)):
		return Wrong
	default:
		return Failed
	}
}

// Exit ends a program. It prints an error to standard error first, after the program's name.
func Exit(program string, err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, program+":", err)
	}
	os.Exit(Status(err))
}

// Parse reads the command line of a program without commands into c. It ends the program for a
// request of help, or when the command line is wrong.
func Parse(c any, program, description string, more ...kong.Option) {
	parser, err := kong.New(c, append(more, kong.Name(program), kong.Description(description))...)
	if err != nil {
		Exit(program, err)
	}
	if parsed, err := parser.Parse(Words(os.Args[1:])); err != nil {
		Exit(program, Explain(err))
	} else if err := Unset(parsed); err != nil {
		Exit(program, err)
	}
}

// Words translates words that people try first to words of the parser. The word help is the
// flag --help of the command that follows, and --version is the command version.
func Words(args []string) []string {
	switch {
	case len(args) > 0 && args[0] == "help":
		return append(append([]string{}, args[1:]...), "--help")
	case len(args) == 1 && args[0] == "--version":
		return []string{"version"}
	default:
		return args
	}
}

// Unset names the required flags that have no value. Compose makes an empty variable of a
// missing one, and kong takes it for a value.
func Unset(c *kong.Context) error {
	if c.Selected() == nil {
		return nil
	}
	var flags []string
	for _, f := range c.Selected().Flags {
		if f.Required && f.Target.IsZero() {
			flags = append(flags, name(f.Value))
		}
	}
	if len(flags) == 0 {
		return nil
	}
	return Mark(fmt.Errorf("set %s; see `%s`", strings.Join(flags, ", "), help(c)))
}

func help(c *kong.Context) string {
	if c.Selected() == nil {
		return c.Model.Name + " --help"
	}
	return c.Selected().FullPath() + " --help"
}
