package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// patience is how long a part may take to start, to answer or to end. It only bounds a
// measurement that has failed.
const patience = 2 * time.Minute

// child is a part in a process of its own. One goroutine at a time may use it.
type child struct {
	name   string
	cmd    *exec.Cmd
	stdin  io.Closer
	orders *json.Encoder
	answer *json.Decoder
}

// start starts a part and returns when it works. It ends with this program, however that
// ends: the pipe to it is closed then.
func (r role) start(ctx context.Context) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self) //nolint:gosec // this program; it is stopped in its turn
	cmd.Env = append(os.Environ(), roleEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	stdin, inErr := cmd.StdinPipe()
	stdout, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		return nil, err
	}
	c := &child{r.Part, cmd, stdin, json.NewEncoder(stdin), json.NewDecoder(stdout)}
	if _, err := c.read(); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// ask gives an order and returns the answer.
func (c *child) ask(o order) (reply, error) {
	if err := c.orders.Encode(o); err != nil {
		return reply{}, fmt.Errorf("%s: %w", c.name, err)
	}
	return c.read()
}

func (c *child) read() (r reply, err error) {
	defer c.killLate()()
	err = c.answer.Decode(&r)
	if err == nil && r.Error != "" {
		err = errors.New(r.Error)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", c.name, err)
	}
	return r, err
}

// stop tells the part to end and waits for it.
func (c *child) stop() error {
	defer c.killLate()()
	err := c.stdin.Close()
	if ended := c.cmd.Wait(); ended != nil {
		err = fmt.Errorf("%s: %w", c.name, ended)
	}
	return err
}

// killLate kills a part that has not done what it is asked for in time.
func (c *child) killLate() (done func()) {
	timer := time.AfterFunc(patience, func() { _ = c.cmd.Process.Kill() })
	return func() { timer.Stop() }
}
