package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"github.com/rekeyhq/rekey/starter"
)

// logged writes one line per request. It names the route's pattern and never the path or the
// query. They hold the token of a link, and perhaps a password that was put into the query by
// mistake.
func (h *handler) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, rec := time.Now(), &recorder{ResponseWriter: w, status: http.StatusOK}
		ctx, span := h.traced(starter.WithClientAddr(r.Context(), clientOf(r, h.proxies)), r)
		r = r.WithContext(ctx)
		defer func() { // an aborted request goes on as a panic
			took := time.Since(start)
			h.measured(r, span, rec, took)
			h.line(r, span, rec, took)
		}()
		h.guarded(next, rec, r)
	})
}

func (h *handler) line(r *http.Request, span trace.Span, rec *recorder, took time.Duration) {
	h.log.WithLevel(rec.level(r)).
		Str("method", r.Method).
		Str("route", r.Pattern). // set by the mux on this very request
		Int("status", rec.status).
		Str("code", rec.code).
		Dur("ms", took).
		Stringer("client", starter.ClientAddr(r.Context())).
		Func(traceOf(span)).
		AnErr("error", rec.err).
		Msg("request")
}

// guarded turns a panic into a 500. It logs only the type of the panic's value, which may hold
// parts of the request.
func (h *handler) guarded(next http.Handler, rec *recorder, r *http.Request) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			rec.err = http.ErrAbortHandler
			panic(p)
		}
		h.log.Error().Str("route", r.Pattern).Bytes("stack", debug.Stack()).Msg("panic in a handler")
		if !rec.started {
			h.fail(rec, r, fmt.Errorf("panic of type %T", p))
		}
	}()
	next.ServeHTTP(rec, r)
}

// recorder remembers the parts of an answer that the log line needs.
type recorder struct {
	http.ResponseWriter
	status  int
	started bool
	code    string // of the problem table
	err     error  // behind a 5xx, or of an abort
}

// WriteHeader passes the status on.
func (rec *recorder) WriteHeader(status int) {
	if !rec.started {
		rec.status, rec.started = status, true
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write passes the body on.
func (rec *recorder) Write(b []byte) (int, error) {
	rec.started = true
	return rec.ResponseWriter.Write(b)
}

// Unwrap serves http.ResponseController.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

// level is error for a line that an operator should look at. A client that hung up makes every
// call fail, which is no error.
func (rec *recorder) level(r *http.Request) zerolog.Level {
	if rec.status >= http.StatusInternalServerError && !errors.Is(r.Context().Err(), context.Canceled) {
		return zerolog.ErrorLevel
	}
	return zerolog.InfoLevel
}

// note gives the log line the reason of a failure. Errors of this module hold no address and no
// secret.
func note(w http.ResponseWriter, p problem, err error) {
	rec, ok := w.(*recorder)
	if !ok {
		return
	}
	rec.code = p.Code
	if p.Status >= http.StatusInternalServerError {
		rec.err = err
	}
}
