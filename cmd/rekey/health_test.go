package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	okay(t, "health", server.URL+"/readyz")
	refused(t, []string{"health", server.URL + "/livez"}, "/livez answers 503 Service Unavailable")
	server.Close()
	refused(t, []string{"health", server.URL + "/readyz"}, "connection refused")
	refused(t, []string{"health", "127.0.0.1"}, "want a URL such as http://127.0.0.1:9090/readyz")
}
