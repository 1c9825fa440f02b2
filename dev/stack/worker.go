package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/worker"
)

// process is the worker while it runs.
type process struct {
	stop context.CancelFunc
	done chan error
}

// startWorker starts the worker and waits until it works, or cannot.
func (s *Stack) startWorker(ctx context.Context) error {
	works := make(chan struct{})
	if err := s.work(func(client.Client) { close(works) }); err != nil {
		return err
	}
	select {
	case <-works:
		return nil
	case err := <-s.broken:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// StartWorker starts the worker. Tests stop it and start it again.
func (s *Stack) StartWorker(context.Context) error { return s.work(nil) }

func (s *Stack) work(started func(client.Client)) error {
	cfg, err := s.workerConfig(s.Store)
	if err != nil {
		return err
	}
	cfg.Started = started
	ctx, stop := context.WithCancel(s.ctx)
	s.worker = process{stop, make(chan error, 1)}
	go func(done chan<- error) {
		err := worker.Run(ctx, cfg)
		if err != nil && ctx.Err() == nil {
			s.broken <- fmt.Errorf("worker: %w", err)
		}
		done <- err
	}(s.worker.done)
	return nil
}

func (s *Stack) workerConfig(store account.Store) (worker.Config, error) {
	mailer, mailErr := s.mailer()
	templates, err := mail.Load("", mail.Brand{
		Product: Product, Support: support,
		ForgotURL: s.base().ForgotURL(), SignInURL: s.URL + "/login",
	})
	return worker.Config{
		Temporal: s.TemporalOptions(), Keys: s.Keys, Store: store,
		Mailer: mailer, Templates: templates, BaseURL: s.base(), MailRate: s.MailRate, Receiver: s.Receiver, Flows: s.Flows, Log: s.Log, Now: s.Now,
	}, errors.Join(mailErr, err)
}

// StopWorker stops the worker, if it runs, and waits until it has drained.
func (s *Stack) StopWorker() error {
	if s.worker.stop == nil {
		return nil
	}
	s.worker.stop()
	err := <-s.worker.done
	s.worker = process{}
	return err
}

func (s *Stack) mailer() (*mail.SMTP, error) {
	addr := s.Smarthost
	if addr == "" {
		addr = s.Mail.SMTPAddr()
	}
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(service)
	if err != nil {
		return nil, err
	}
	return mail.NewSMTP(mail.Config{
		Host: host, Port: port, Security: mail.SecurityNone,
		From: Product + " <no-reply@example.com>", Timeout: s.MailTimeout,
		Username: s.MailUser, Password: "any",
	})
}
