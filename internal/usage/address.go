package usage

import (
	"errors"
	"net"
	"strconv"
)

// Address judges an address to listen on. The host may be left out, which means every address
// of the machine, and the port may be 0 for a free one.
func Address(text string) error {
	_, port, err := net.SplitHostPort(text)
	if number, bad := strconv.Atoi(port); err == nil && bad == nil && number >= 0 && number <= 65535 {
		return nil
	}
	return errors.New("want HOST:PORT, such as 127.0.0.1:8080")
}
