package cli

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/worker"
)

// setupCmd is `rekey setup`.
type setupCmd struct {
	Retention time.Duration `default:"0" env:"REKEY_RETENTION" help:"Create the namespace where it is missing, and keep ended runs there for so long: at least 24h. 0 creates none."`
}

// Run creates the namespace, where --retention is set, and registers the search attribute of runs.
func (c *setupCmd) Run(p *process) error {
	temporal, namespace, err := p.dial(p.ctx)
	if err != nil {
		return err
	}
	defer temporal.Close()
	if c.Retention > 0 {
		if err := worker.CreateNamespace(p.ctx, temporal, namespace, c.Retention); err != nil {
			return err
		}
	}
	if err := worker.Setup(p.ctx, temporal, namespace); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "namespace %s has search attribute %s\n", namespace, flow.StateAttribute.GetName())
	return err
}

// release is the version that deploy/build sets, "" in other builds.
var release string

// unnamed is the version of a container without a release name: many programs have it.
const unnamed = "devel"

// version is the release, or that of the module in other builds.
func version() string {
	module := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		module = info.Main.Version
	}
	return cmp.Or(release, module, "(devel)")
}

// versionCmd is `rekey version`.
type versionCmd struct{}

// Run prints the module version and, where the build knows it, the revision.
func (*versionCmd) Run(p *process) error {
	revision := "unknown revision"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	_, err := fmt.Fprintf(p.stdout, "rekey %s (%s)\n", version(), revision)
	return err
}
