//go:build failpoint

package failpoint

import (
	"fmt"
	"os"
)

// Hit never returns in a process whose environment variable REKEY_FAILPOINT names the
// failpoint. It reports the failpoint on standard error.
func Hit(name string) {
	if os.Getenv("REKEY_FAILPOINT") != name {
		return
	}
	fmt.Fprintf(os.Stderr, "failpoint %s\n", name)
	select {}
}
