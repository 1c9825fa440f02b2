package temporal

import (
	"fmt"
	"net"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"

	"github.com/rekeyhq/rekey/internal/loopback"
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
	if p.frontend, err = loopback.Free(frontend); err != nil {
		return p, fmt.Errorf("temporal address %s: %w", frontend, err)
	}
	if !p.frontend.IP.IsLoopback() {
		return p, fmt.Errorf("temporal address %s: not a loopback address", frontend)
	}
	for _, addr := range []**net.TCPAddr{&p.history, &p.matching, &p.worker} {
		if *addr, err = loopback.Free("127.0.0.1:0"); err != nil {
			return p, fmt.Errorf("an address of a temporal service: %w", err)
		}
	}
	return p, nil
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
