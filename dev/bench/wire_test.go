package bench

import (
	"io"
	"net"
	"sync/atomic"
	"testing"
)

const sentResets = 160

// TestCompression measures the bytes between rekey and Temporal, and the CPU time of a reset, with
// and without compressed requests. Temporal compresses its answer to a compressed request.
func TestCompression(t *testing.T) {
	measures(t)
	each := batch(sentResets) * rounds / 2
	l := newLane(t, "SQLite", 4*(warm+each))
	w := tap(t, l.TemporalAddr)
	l.Env = append(l.Env, "TEMPORAL_ADDRESS="+w.addr)
	compressed, plain := &traffic{}, &traffic{}
	for round := range 2 {
		inTurn(round, func() { l.carried(t, w, "on", each, compressed) }, func() { l.carried(t, w, "off", each, plain) })
	}
	r := newReport()
	for i, m := range []*traffic{compressed, plain} {
		r.wire.add([]string{"on", "off"}[i], m.sent/int64(m.n), m.got/int64(m.n), m.cpu("temporal"), m.cpu("worker"), m.cpu("starter"))
	}
	r.print(t)
}

// traffic is a meter with the bytes to Temporal and back.
type traffic struct {
	meter

	sent, got int64
}

// carried measures resets of processes that compress, or do not.
func (l *lane) carried(t *testing.T, w *wire, how string, n int, m *traffic) {
	t.Helper()
	l.Env = append(l.Env, "REKEY_TEMPORAL_COMPRESSION="+how)
	l.worker(t)
	l.starter(t)
	l.repeat(t, &meter{}, warm, warm, l.reset)
	sent, got := w.sent.Load(), w.got.Load()
	l.repeat(t, &m.meter, n, strangers, l.reset)
	m.sent, m.got = m.sent+w.sent.Load()-sent, m.got+w.got.Load()-got
	l.stop(t, "worker")
	l.stop(t, "starter")
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
