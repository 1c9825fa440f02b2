package temporal

import (
	"errors"
	"fmt"
	"net"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
)

// ports are the addresses of the four services. Only the frontend's matters to
// others; the rest are found by the server itself.
type ports struct {
	frontend                  *net.TCPAddr
	history, matching, worker *net.TCPAddr
}

// reserve checks the frontend's address and picks free ports for the others.
func reserve(frontend string) (ports, error) {
	var p ports
	var err error
	if p.frontend, err = Free(frontend); err != nil {
		return p, fmt.Errorf("temporal address %s: %w", frontend, err)
	}
	if !p.frontend.IP.IsLoopback() {
		return p, fmt.Errorf("temporal address %s: not a loopback address", frontend)
	}
	for _, addr := range []**net.TCPAddr{&p.history, &p.matching, &p.worker} {
		if *addr, err = Free("127.0.0.1:0"); err != nil {
			return p, fmt.Errorf("an address of a temporal service: %w", err)
		}
	}
	return p, nil
}

// Free returns the address that listening on addr gives, without a listener on it. It is for
// code that opens its port itself: the server, which ends the process when it cannot, and the
// child processes of tests.
func Free(addr string) (*net.TCPAddr, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	if err := linger(l); err != nil {
		return nil, err
	}
	return l.Addr().(*net.TCPAddr), nil
}

// linger leaves a closed connection in TIME_WAIT on the listener's port. For a minute the
// kernel gives such a port to no request for a free one. A request for its number still gets
// it, so parallel tests never meet on a port.
func linger(l net.Listener) error {
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return err
	}
	near, err := l.Accept()
	if err != nil {
		return errors.Join(err, far.Close())
	}
	// The side that closes first is the one that lingers.
	return errors.Join(near.Close(), far.Close())
}

// services are the listeners, by the server's names for its services.
func (p ports) services() map[string]config.Service {
	services := make(map[string]config.Service)
	for name, addr := range p.byName() {
		services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: addr.Port, BindOnIP: addr.IP.String()}}
	}
	return services
}

// hosts tells each service the addresses of the others. Without it they find each other by
// gossip. After a kill the first task then waits about a minute until the dead members are
// forgotten (1.5 s with it).
func (p ports) hosts() map[primitives.ServiceName]static.Hosts {
	hosts := make(map[primitives.ServiceName]static.Hosts)
	for name, addr := range p.byName() {
		hosts[name] = static.SingleLocalHost(addr.String())
	}
	return hosts
}

func (p ports) byName() map[primitives.ServiceName]*net.TCPAddr {
	return map[primitives.ServiceName]*net.TCPAddr{
		primitives.FrontendService: p.frontend,
		primitives.HistoryService:  p.history,
		primitives.MatchingService: p.matching,
		primitives.WorkerService:   p.worker,
	}
}
