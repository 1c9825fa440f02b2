package usage

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Explain turns kong's errors of a command line into advice.
func Explain(err error) error {
	var parse *kong.ParseError
	if !errors.As(err, &parse) || parse.Context == nil {
		return Mark(err)
	}
	text := err.Error()
	if strings.HasPrefix(text, "missing flags:") {
		return Unset(parse.Context)
	}
	switch v := culprit(parse.Context, text); {
	case v != nil:
		text = complaint(v, text)
	case strings.HasPrefix(text, "unexpected argument") && strings.Contains(text, "@"): // no address is repeated
		text = "one argument too many"
	}
	return Mark(fmt.Errorf("%s; see `%s`", text, help(parse.Context)))
}

var (
	byName = regexp.MustCompile(`^(--[a-z0-9-]+|<[a-z|]+>)(?::| must be one of) `)
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// culprit is the flag or argument that kong complains about, or nil. Variables are read for
// the flags of the command only.
func culprit(c *kong.Context, text string) *kong.Value {
	named := byName.FindStringSubmatch(text)
	if named == nil {
		return nil
	}
	for _, f := range c.Flags() {
		if "--"+f.Name == named[1] {
			return f.Value
		}
	}
	if c.Selected() == nil {
		return nil
	}
	for _, p := range c.Selected().Positional {
		if "<"+p.Name+">" == named[1] {
			return p
		}
	}
	return nil
}

func complaint(v *kong.Value, text string) string {
	if strings.Contains(text, "<EOL>") || strings.Contains(text, "flag); perhaps try") {
		return fmt.Sprintf("%s: its value is missing: want %s", name(v), want(v))
	}
	_, rest, _ := strings.Cut(text, "but ")
	value := quoted.FindString(cmp.Or(rest, text))
	if value == "" {
		return fmt.Sprintf("%s: want %s", name(v), want(v))
	}
	return fmt.Sprintf("%s: want %s, not %s", name(v), want(v), value)
}

// name is how an error calls a flag or an argument.
func name(v *kong.Value) string {
	switch {
	case v.Flag == nil:
		return "<" + v.Name + ">"
	case len(v.Flag.Envs) == 0:
		return "--" + v.Name
	default:
		return fmt.Sprintf("--%s ($%s)", v.Name, v.Flag.Envs[0])
	}
}

// want says which values are taken, with an example.
func want(v *kong.Value) string {
	usual := v.Default
	if usual == "0" { // it stands for no limit
		usual = ""
	}
	switch kind := v.Target.Type(); {
	case v.Enum != "":
		return "one of " + strings.ReplaceAll(v.Enum, ",", ", ")
	case kind == reflect.TypeFor[time.Duration]():
		return "a time with its unit, such as " + cmp.Or(usual, "24h")
	case kind == reflect.TypeFor[[]netip.Prefix]():
		return "networks, such as 10.0.0.0/8,192.168.0.0/16"
	case v.IsBool():
		return "true or false"
	case kind.Kind() >= reflect.Int && kind.Kind() <= reflect.Uint64:
		return "a whole number, such as " + cmp.Or(usual, "10")
	case kind.Kind() == reflect.Float64:
		return "a number, such as " + cmp.Or(usual, "0.5")
	default:
		return "a text (" + strings.TrimSuffix(v.Help, ".") + ")"
	}
}
