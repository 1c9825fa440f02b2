// Command rekey runs the parts of the password-reset engine: the worker, the starter, and the
// tools of an operator.
package main

import (
	"os"

	"github.com/rekeyhq/rekey/internal/cli"
)

func main() { os.Exit(cli.Main()) }
