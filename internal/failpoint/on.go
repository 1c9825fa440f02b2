//go:build failpoint

package failpoint

import (
	"fmt"
	"os"
)

// Hit never returns in a process whose environment variable REKEY_FAILPOINT names the
// failpoint. It says on standard error that it was reached.
func Hit(name string) {
	if os.Getenv("REKEY_FAILPOINT") != name {
		return
	}
	fmt.Fprintf(os.Stderr, "failpoint %s\n", name)
	select {}
}
