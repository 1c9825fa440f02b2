package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/dev/process"
)

func busyPort(t *testing.T) net.Listener {
	t.Helper()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { busy.Close() })
	return busy
}

const another = "Is it running already? Stop that one, or start this one with --port-offset 100 ($REKEY_DEV_PORT_OFFSET) or other addresses\n"

func TestAddressThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for flag, env := range map[string]string{
		"--listen": "REKEY_DEV_LISTEN", "--temporal": "REKEY_DEV_TEMPORAL", "--ui": "REKEY_DEV_UI",
		"--inbox": "REKEY_DEV_INBOX", "--smtp": "REKEY_DEV_SMTP",
	} {
		p := launch(t, nil, flag, "0.0.0.0:0")
		refused(t, p, 2, "dev: "+flag+" ($"+env+") cannot be used: 0.0.0.0:0 is reached from elsewhere; give an address of 127.0.0.1\n")
		p = launch(t, nil, flag, "8080")
		refused(t, p, 2, "dev: "+flag+" ($"+env+"): want HOST:PORT, such as 127.0.0.1:8080\n")
	}
}

// A start beside another program names all busy ports at once.
func TestEveryBusyPortIsNamed(t *testing.T) {
	t.Parallel()
	ui, smtp := busyPort(t).Addr().String(), busyPort(t).Addr().String()
	p := launch(t, nil, "--ui", ui, "--smtp", smtp)
	refused(t, p, 1, "dev: --ui ($REKEY_DEV_UI) cannot be used: listen tcp "+ui+": bind: address already in use\n"+
		"--smtp ($REKEY_DEV_SMTP) cannot be used: listen tcp "+smtp+": bind: address already in use\n"+another)
	addr := quietAddr(t)
	p = launch(t, nil, "--ui", addr, "--inbox", addr)
	refused(t, p, 1, "dev: --inbox ($REKEY_DEV_INBOX) cannot be used: listen tcp "+addr+": bind: address already in use\n"+another)
}

// quietAddr is an address without a listener, which no request for a free port gets: systems
// take such ports from 32768 or 49152 on.
func quietAddr(t *testing.T) string {
	t.Helper()
	for port := 20_000 + rand.N(10_000); port < 32_000; port++ {
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

func TestPortOffset(t *testing.T) {
	t.Parallel()
	busy := busyPort(t)
	_, port, _ := net.SplitHostPort(busy.Addr().String())
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	p := launch(t, []string{"REKEY_DEV_PORT_OFFSET=1"}, "--inbox", "127.0.0.1:"+strconv.Itoa(number-1))
	refused(t, p, 1, "dev: --inbox ($REKEY_DEV_INBOX) cannot be used: listen tcp "+busy.Addr().String()+": bind: address already in use\n"+another)
	p = launch(t, nil, "--ui", "127.0.0.1:65535", "--port-offset", "1")
	refused(t, p, 2, "dev: --port-offset ($REKEY_DEV_PORT_OFFSET): 1 makes port 65536 of --ui ($REKEY_DEV_UI); there are 1 to 65535\n")
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]string{
		"--accounts=many":      "--accounts ($REKEY_DEV_ACCOUNTS): want a whole number, such as 10, not \"many\"; see `dev --help`",
		"--accounts=-1":        "--accounts ($REKEY_DEV_ACCOUNTS): want 0 or more, not -1",
		"--client-limit=-1":    "--client-limit ($REKEY_DEV_CLIENT_LIMIT): want 0 or more, not -1",
		"--log-level=loud":     "--log-level ($REKEY_DEV_LOG_LEVEL): want one of debug, info, warn, error, not \"loud\"; see `dev --help`",
		"--temporal-db=x":      "--temporal-db ($REKEY_DEV_TEMPORAL_DB) needs --data ($REKEY_DEV_DATA): the keys of its runs are kept there",
		"--lisen=127.0.0.1:80": "unknown flag --lisen, did you mean \"--listen\"?; see `dev --help`",
	} {
		refused(t, launch(t, nil, arg), 2, "dev: "+want+"\n")
	}
	help := launch(t, nil, "--help")
	if code := help.Exit(t); code != 0 || !strings.HasPrefix(help.Out.String(), "Usage: dev") {
		t.Errorf("--help: exit code %d, %s", code, help.Out)
	}
}

func refused(t *testing.T, p *process.Process, code int, want string) {
	t.Helper()
	if got := p.Exit(t); got != code {
		t.Errorf("exit code %d, want %d", got, code)
	}
	if diff := cmp.Diff(want, p.Err.String()); diff != "" {
		t.Errorf("standard error (-want +got):\n%s", diff)
	}
	if p.Out.String() != "" {
		t.Errorf("standard output: %s", p.Out)
	}
}
