package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/rs/zerolog"
)

// Limits of a connection. No route uploads or streams. A submission may still take its body, the
// queue for a hash and several waits for Temporal, each of them seconds. After answerTimeout its
// calls end, so that there is time to write its answer. No stopping process ends before that.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	answerTimeout     = 28 * time.Second
	writeTimeout      = 30 * time.Second // from the end of the header, like answerTimeout
	drainTimeout      = 30 * time.Second
	maxHeaderBytes    = 16 << 10
)

// IdleTimeout is how long [Serve] keeps an idle connection. It is longer than that of the usual
// balancers. A server that closes first may do it while the next request is in progress, and the
// balancer answers that with 502. AWS closes after 60 s, nginx after 60 s, Azure after 4 minutes
// and Google after 600 s (docs/adr/0608).
const IdleTimeout = 620 * time.Second

// Serve answers requests on the listener until the context ends, then finishes those
// in progress and returns nil. It closes the listener.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, log zerolog.Logger) error {
	return ServeIdle(ctx, listener, handler, log, IdleTimeout)
}

// ServeIdle is [Serve] with another idle timeout.
func ServeIdle(ctx context.Context, listener net.Listener, handler http.Handler, log zerolog.Logger, idle time.Duration) error {
	server := newServer(handler, log, idle)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := server.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	return err
}

func newServer(handler http.Handler, log zerolog.Logger, idle time.Duration) *http.Server {
	return &http.Server{
		Handler:           within(answerTimeout, handler),
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idle,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       slog.NewLogLogger(zerolog.NewSlogHandler(log), slog.LevelWarn),
	}
}

// within ends the context of a request that takes too long.
func within(limit time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
