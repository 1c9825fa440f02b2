// Package flowfuse puts rekey in front of FlowFuse, which it installs from npm. Its test follows
// docs/hosts/flowfuse.md and uses FlowFuse's own pages.
package flowfuse
