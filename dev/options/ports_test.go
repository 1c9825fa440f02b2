package options

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMovePorts(t *testing.T) {
	t.Parallel()
	c := Options{Listen: "127.0.0.1:8080", Temporal: "127.0.0.1:7233", UI: "[::1]:8233", Inbox: "localhost:8025", SMTP: "127.0.0.1:0", PortOffset: 100}
	if err := c.movePorts(); err != nil {
		t.Fatal(err)
	}
	got := []string{c.Listen, c.Temporal, c.UI, c.Inbox, c.SMTP}
	if diff := cmp.Diff([]string{"127.0.0.1:8180", "127.0.0.1:7333", "[::1]:8333", "localhost:8125", "127.0.0.1:0"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
