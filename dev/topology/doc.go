// Package topology runs rekey as in production, on one machine. Temporal and the accounts are
// on PostgreSQL, and several workers and several starters are behind a load balancer, each a
// process of its own. It tests whether kills of parts lose or repeat anything, and measures the
// cost of a reset. It has tests only.
package topology
