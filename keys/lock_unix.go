//go:build unix && !aix && !solaris

package keys

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock waits until no other caller rotates keysets of a folder, in this process or another one.
// The kernel gives the lock back when its holder ends.
func lock(dir string) (unlock func() error, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the keysets of %s for a change: %w", dir, err), f.Close())
	}
	return f.Close, nil
}
