package bench

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
)

const sentResets = 160

// TestCompression measures the bytes between rekey and Temporal, and the CPU time of a reset, with
// and without compressed requests. Answers of Temporal are never compressed.
func TestCompression(t *testing.T) {
	measures(t)
	n := rounds * batch(sentResets)
	l := newLane(t, "SQLite", 2*(warm+n))
	w := tap(t, l.TemporalAddr)
	r := newReport()
	for _, how := range []string{"on", "off"} {
		l.Env = append(l.Env, "TEMPORAL_ADDRESS="+w.addr, "REKEY_TEMPORAL_COMPRESSION="+how)
		l.worker(t)
		l.starter(t)
		l.repeat(t, &meter{}, warm, warm, l.reset)
		sent, got := w.sent.Load(), w.got.Load()
		var m meter
		l.repeat(t, &m, n, strangers, l.reset)
		each := func(bytes int64) int64 { return bytes / int64(n) }
		r.wire.add(how, each(w.sent.Load()-sent), each(w.got.Load()-got), m.cpu("temporal"), m.cpu("worker"), m.cpu("starter"))
		l.stop(t, "worker")
		l.stop(t, "starter")
	}
	r.print(t)
}

// wire counts the bytes of all connections through it.
type wire struct {
	addr      string
	sent, got atomic.Int64
}

// tap listens in front of a server.
func tap(t *testing.T, server string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	w := &wire{addr: listener.Addr().String()}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", server)
			if err != nil {
				near.Close()
				continue
			}
			go w.pass(far, near, &w.sent)
			go w.pass(near, far, &w.got)
		}
	}()
	return w
}

func (w *wire) pass(to, from net.Conn, count *atomic.Int64) {
	defer to.Close()
	_, _ = io.Copy(to, io.TeeReader(from, counter{count})) // a connection ends with its process
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return len(b), nil
}
