// Package notify tells systemd how its service is: that it is ready, that it stops, and that it is
// alive. Without systemd it does nothing.
package notify

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"time"
)

// States of a service (sd_notify(3)).
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	alive    = "WATCHDOG=1"
)

// Send tells systemd a state by a datagram to the socket that the variable NOTIFY_SOCKET names.
func Send(state string) error {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	return errors.Join(err, conn.Close())
}

// Watch tells systemd that the process is alive, as often as twice in the time that the variable
// WATCHDOG_USEC gives, in microseconds, and only while ask returns nil. Systemd kills a service
// that is silent for longer. Watch returns when ctx ends, and at once where nobody watches.
func Watch(ctx context.Context, ask func(context.Context) error) {
	span, err := strconv.Atoi(os.Getenv("WATCHDOG_USEC"))
	if err != nil || span <= 0 {
		return
	}
	every := time.NewTicker(time.Duration(span) * time.Microsecond / 2)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		asking, cancel := context.WithTimeout(ctx, time.Duration(span)*time.Microsecond/2)
		if ask(asking) == nil {
			_ = Send(alive) // a datagram that is lost is sent again
		}
		cancel()
	}
}
