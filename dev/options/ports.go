package options

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/rekeyhq/rekey/internal/usage"
)

// place is an address of the command line.
type place struct {
	flag, env string
	addr      *string
}

func (p place) String() string { return fmt.Sprintf("%s ($%s)", p.flag, p.env) }

func (c *Options) places() []place {
	return []place{
		{"--listen", "REKEY_DEV_LISTEN", &c.Listen},
		{"--temporal", "REKEY_DEV_TEMPORAL", &c.Temporal},
		{"--ui", "REKEY_DEV_UI", &c.UI},
		{"--inbox", "REKEY_DEV_INBOX", &c.Inbox},
		{"--smtp", "REKEY_DEV_SMTP", &c.SMTP},
	}
}

// movePorts adds the offset to every port but 0, which takes a free one.
func (c *Options) movePorts() error {
	for _, p := range c.places() {
		if err := usage.Address(*p.addr); err != nil {
			return usage.Mark(fmt.Errorf("%s: %w", p, err))
		}
		host, text, _ := net.SplitHostPort(*p.addr) // Address has looked at both
		port, _ := strconv.Atoi(text)
		if port == 0 {
			continue
		}
		if port += c.PortOffset; port < 1 || port > 65535 {
			return usage.Mark(fmt.Errorf("--port-offset ($REKEY_DEV_PORT_OFFSET): %d makes port %d of %s; there are 1 to 65535", c.PortOffset, port, p))
		}
		*p.addr = net.JoinHostPort(host, strconv.Itoa(port))
	}
	return nil
}

// checkPorts refuses addresses that cannot be listened on before anything is started, and
// names all of them with their flags. All are held until the last is checked, so that one
// that is given twice is found too.
func (c *Options) checkPorts() error {
	var bad []error
	for _, p := range c.places() {
		listener, err := net.Listen("tcp", *p.addr)
		if err != nil {
			bad = append(bad, fmt.Errorf("%s cannot be used: %w", p, err))
			continue
		}
		defer listener.Close()
		// Everybody knows the password of the seeded accounts and may read the inbox.
		if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
			return usage.Mark(fmt.Errorf("%s cannot be used: %s is reached from elsewhere; give an address of 127.0.0.1", p, *p.addr))
		}
	}
	if bad == nil {
		return nil
	}
	return fmt.Errorf("%w\nIs it running already? Stop that one, or start this one with --port-offset 100 ($REKEY_DEV_PORT_OFFSET) or other addresses", errors.Join(bad...))
}
