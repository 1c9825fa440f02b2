package hostapp

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Event is an event that an application was told.
type Event struct {
	ID        string    `json:"-"` // webhook-id
	Body      string    `json:"-"`
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      struct {
		Account string `json:"account"`
		Run     string `json:"run"`
		Address string `json:"address"`
	} `json:"data"`
}

// Told is an application in the same process that is told events, and keeps none.
type Told struct{}

// Receive implements account.Receiver.
func (*Told) Receive(context.Context, string, []byte) error { return nil }

// Receiver is an application that is told events. It takes those with a good signature of [Key].
type Receiver struct {
	// Before is called with each signed event. When it returns true it has answered the request in
	// the receiver's place, and the event does not count; nil for nothing.
	Before func(w http.ResponseWriter, r *http.Request, e Event) bool

	mu     sync.Mutex
	events []Event
}

// Events are those that were received, in their order and with repetitions.
func (r *Receiver) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	e := Event{ID: request.Header.Get("Webhook-Id"), Body: string(body)}
	switch {
	case err != nil || json.Unmarshal(body, &e) != nil:
		w.WriteHeader(http.StatusBadRequest)
		return
	case !Signed(request.Header, body):
		w.WriteHeader(http.StatusUnauthorized)
		return
	case r.Before != nil && r.Before(w, request, e):
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	w.WriteHeader(http.StatusNoContent)
}
