package worker

import (
	"fmt"
	"slices"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/workflow"
)

// reserved are kinds whose links or workflow IDs would be those of something else.
var reserved = []string{"cancel", "follow", "finish"}

// checkFlows returns an error about the flows of one's own.
func (c Config) checkFlows() error {
	_, using := c.Store.(account.Using)
	names, kinds := workflow.Types(), slices.Clone(reserved)
	for _, d := range workflow.Flows() {
		kinds = append(kinds, d.Kind)
	}
	for _, f := range c.Flows {
		if err := f.Check(); err != nil {
			return err
		}
		switch {
		case slices.Contains(names, f.Name), slices.Contains(kinds, f.Kind):
			return fmt.Errorf("flow %s: its name or its kind %s is taken", f.Name, f.Kind)
		case f.Apply != nil && !using:
			return fmt.Errorf("flow %s: the store remembers no use of its tokens: see account.Using", f.Name)
		}
		names, kinds = append(names, f.Name), append(kinds, f.Kind)
	}
	return nil
}

// pages are those of the flows of one's own.
func (c Config) pages() (pages []link.Page) {
	for _, f := range c.Flows {
		pages = append(pages, f.Pages()...)
	}
	return pages
}
