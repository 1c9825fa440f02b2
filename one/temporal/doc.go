// Package temporal runs a complete Temporal server inside the calling process. It has frontend,
// history, matching and the system worker, on SQLite in memory or in one file, or on
// PostgreSQL. `go run ./dev` and the end-to-end tests run against it. So a first reset needs no
// Docker, and tests meet the real server and not a simulation of it.
//
// temporaltest, the server's own test helper, cannot keep a file. This package is a
// configuration of the same public parts. The settings in settings.go were measured, each with
// its gain.
//
// It is for one machine, development and tests: it listens without TLS or authorization, so
// on loopback only.
package temporal
