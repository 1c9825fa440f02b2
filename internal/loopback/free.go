package loopback

import (
	"errors"
	"net"
)

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
