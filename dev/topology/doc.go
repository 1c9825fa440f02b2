// Package topology runs rekey as it is run in production, on one machine: Temporal on
// PostgreSQL, accounts in PostgreSQL, several workers and several starters behind a load
// balancer, each a process of its own. It looks whether that loses anything or does it
// twice when parts of it are killed, and what a reset costs there. It has tests only.
package topology
