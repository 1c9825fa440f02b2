package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/worker"
)

// workerSpec is the variable that makes this program, started once more, a worker: a
// process that can be killed. It is the product's worker, as in package stack, on a store
// file of its own. `rekey worker` cannot be it, because it refuses the keyset.
const workerSpec = "REKEY_RECORD_WORKER"

type spec struct {
	Temporal, SMTP, URL, Keys, Store string
	Suffix                           string // of the worker's name in the history
	Holds                            bool   // the store never finishes a change
}

// serve is the worker, until it is killed, or the end of its standard input says that who
// started it is gone.
func serve(text string) int {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	var s spec
	err := json.Unmarshal([]byte(text), &s)
	if err == nil {
		err = s.work()
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func (s spec) work() error {
	host, service, err := net.SplitHostPort(s.SMTP)
	if err != nil {
		return err
	}
	port, portErr := strconv.Atoi(service)
	mailer, mailErr := mail.NewSMTP(mail.Config{
		Host: host, Port: port, Security: mail.SecurityNone, From: stack.Product + " <no-reply@example.com>",
	})
	base, baseErr := link.ParseBaseURL(s.URL)
	templates, templatesErr := mail.Load("", mail.Brand{
		Product: stack.Product, Support: "support@example.com", ForgotURL: base.ForgotURL(),
	})
	store, storeErr := bolt.Open(s.Store)
	if err := errors.Join(portErr, mailErr, baseErr, templatesErr, storeErr); err != nil {
		return err
	}
	options := anonymous(s.Suffix)
	options.HostPort, options.Namespace = s.Temporal, client.DefaultNamespace
	return worker.Run(context.Background(), worker.Config{
		Temporal: options, Keys: keys.Open(s.Keys, keys.AllowDev), Store: holding{store, s.Holds},
		Mailer: mailer, Templates: templates, BaseURL: base, Log: zerolog.Nop(),
	})
}

// holding is a store whose changes take for ever, if it is told so.
type holding struct {
	account.Store

	holds bool
}

func (h holding) ChangePassword(ctx context.Context, c account.Change) (accountID string, err error) {
	if h.holds {
		fmt.Println("held")
		select {}
	}
	return h.Store.ChangePassword(ctx, c)
}

// process is a worker that runs.
type process struct {
	*exec.Cmd

	held chan struct{} // closed when its store holds a change
}

// workerProcess starts a worker whose end is to be killed.
func (o *owner) workerProcess(ctx context.Context, suffix string, holds bool) (*process, error) {
	text, err := json.Marshal(spec{
		Temporal: o.Server.Addr(), SMTP: o.Mail.SMTPAddr(), URL: o.URL, Keys: filepath.Join(o.dir, "keys"),
		Store: o.storeFile(), Suffix: suffix, Holds: holds,
	})
	self, selfErr := os.Executable()
	if err := errors.Join(err, selfErr); err != nil {
		return nil, err
	}
	p := &process{exec.CommandContext(ctx, self), make(chan struct{})} //nolint:gosec // itself
	p.Env, p.Stderr = append(os.Environ(), workerSpec+"="+string(text)), os.Stderr
	out, err := p.StdoutPipe()
	_, inErr := p.StdinPipe() // open until the worker has been waited for
	if err := errors.Join(err, inErr); err != nil {
		return nil, err
	}
	go func() {
		if bufio.NewScanner(out).Scan() {
			close(p.held)
		}
	}()
	return p, p.Start()
}

// kill ends the worker as a power cut does. It must have been alive until now.
func (p *process) kill() error {
	err := p.Process.Kill() // SIGKILL
	_ = p.Wait()            // it says that it was killed
	if err == nil && p.ProcessState.Exited() {
		err = fmt.Errorf("the worker ended by itself: %s", p.ProcessState)
	}
	return err
}

func (o *owner) storeFile() string { return filepath.Join(o.dir, o.who.ID+".db") }
