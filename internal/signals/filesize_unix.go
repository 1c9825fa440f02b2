//go:build unix

package signals

import (
	"os/signal"
	"syscall"
)

// ignoreFileSize makes a write beyond the limit of a file's size (ulimit -f, LimitFSIZE) an
// error like one to a full disk. By default its signal ends the process.
func ignoreFileSize() { signal.Ignore(syscall.SIGXFSZ) }
