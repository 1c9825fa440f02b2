package main

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/starter"
)

const (
	// commandWait bounds a command of an operator, with all that it waits for.
	commandWait = 30 * time.Second
	// effectWait is how long one waits for a worker to do what it asked for. It is asked
	// for durably by then, so a command that waits no longer loses nothing.
	effectWait = 10 * time.Second
	effectLook = 200 * time.Millisecond
)

// operatorName is a name that can stand in the audit log, which holds no address.
var operatorName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func checkOperator(name string) error {
	if !operatorName.MatchString(name) {
		return errors.New("--as ($REKEY_OPERATOR): want your name as the audit log is to have it, such as a.smith: letters, digits, dot, dash and underscore, no mail address")
	}
	return nil
}

// desk is where an operator's command works: a client of Temporal and the key files that
// were given to operators.
type desk struct {
	client.Client
	namespace string
	queue     string
	keys      keys.Dir
	// payloads reads what runs keep sealed; nil without payload.json.
	payloads converter.DataConverter
}

// keys is a folder of keysets for a command of an operator. Beside a Temporal on loopback, which
// is where `go run ./dev` has it, they may be for development: whoever tries the product tries
// the operator's commands too.
func (p *process) keys(dir string) keys.Dir {
	if options, err := temporalOptions(p.log); err == nil && loopback.Is(options.HostPort) {
		return keys.Open(dir, keys.AllowDev)
	}
	return keys.Open(dir)
}

// openDesk connects to Temporal. Without payload.json it reads nothing that is sealed.
func openDesk(ctx context.Context, p *process, dir string) (*desk, error) {
	d := &desk{keys: p.keys(dir), queue: p.queue}
	codec, err := d.keys.Payload()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	sealed := err == nil
	d.Client, d.namespace, err = p.dial(ctx, func(options client.Options) client.Options {
		if sealed {
			options = codec.ClientOptions(options)
			d.payloads = options.DataConverter
			options = starter.Describing(options)
		}
		return options
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// openWritingDesk is openDesk for commands that send something: a run believes only what
// is sealed.
func openWritingDesk(ctx context.Context, p *process, dir string) (*desk, error) {
	if _, err := p.keys(dir).Payload(); err != nil {
		return nil, err
	}
	return openDesk(ctx, p, dir)
}

// open reads sealed payloads into values and reports whether it could. What is not ours
// is nothing that an operator needs to see.
func (d *desk) open(sealed *commonpb.Payloads, to ...any) bool {
	return d.payloads != nil && d.payloads.FromPayloads(sealed, to...) == nil
}
