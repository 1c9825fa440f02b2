package main

import (
	"cmp"
	"fmt"
	"runtime/debug"

	"github.com/rekeyhq/rekey/worker"
	"github.com/rekeyhq/rekey/workflow"
)

// setupCmd is `rekey setup`.
type setupCmd struct{}

// Run registers what runs need in the namespace.
func (*setupCmd) Run(p *process) error {
	temporal, namespace, err := p.dial(p.ctx)
	if err != nil {
		return err
	}
	defer temporal.Close()
	if err := worker.Setup(p.ctx, temporal, namespace); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "namespace %s has search attribute %s\n", namespace, workflow.StateAttribute.GetName())
	return err
}

// release is the version that deploy/build was told, "" in other builds.
var release string

// versionCmd is `rekey version`.
type versionCmd struct{}

// Run prints the module version and, where the build knows it, the revision.
func (*versionCmd) Run(p *process) error {
	version, revision := "(devel)", "unknown revision"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = cmp.Or(release, info.Main.Version)
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	_, err := fmt.Fprintf(p.stdout, "rekey %s (%s)\n", version, revision)
	return err
}
