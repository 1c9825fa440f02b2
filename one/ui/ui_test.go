package ui_test

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/one/temporal"
	"github.com/rekeyhq/rekey/one/ui"
)

func TestShowsTheServersNamespaces(t *testing.T) {
	t.Parallel()
	server, err := temporal.Start(t.Context(), temporal.Options{Namespace: "rekey"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	u, err := ui.Start(t.Context(), ui.Options{Temporal: server.Addr(), Namespace: "rekey", Codec: "http://127.0.0.1:9/codec"})
	if err != nil {
		t.Fatal(err)
	}
	if page := get(t, u.URL()+"/"); !strings.Contains(page, "<html") {
		t.Errorf("page = %q", page)
	}
	if list := get(t, u.URL()+"/api/v1/namespaces"); !strings.Contains(list, `"rekey"`) {
		t.Errorf("namespaces = %s", list)
	}
	var settings struct {
		DefaultNamespace string
		Codec            struct{ Endpoint string }
	}
	if err := json.Unmarshal([]byte(get(t, u.URL()+"/api/v1/settings")), &settings); err != nil {
		t.Fatal(err)
	}
	if settings.DefaultNamespace != "rekey" || settings.Codec.Endpoint != "http://127.0.0.1:9/codec" {
		t.Errorf("settings = %+v", settings)
	}

	u.Stop()
	if c, err := net.Dial("tcp", strings.TrimPrefix(u.URL(), "http://")); err == nil {
		c.Close()
		t.Error("something still listens after Stop")
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s = %s %s %v", url, answer.Status, body, err)
	}
	return string(body)
}

func TestRefusedAddresses(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for addr, reason := range map[string]string{l.Addr().String(): "in use", "0.0.0.0:0": "loopback"} {
		_, err := ui.Start(t.Context(), ui.Options{Addr: addr})
		if err == nil || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), reason) {
			t.Errorf("Start on %s = %v, want %q", addr, err, reason)
		}
	}
}
