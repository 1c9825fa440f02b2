// Package temporal runs a complete Temporal server inside the calling process. It has frontend,
// history, matching and the system worker, on SQLite in memory or in one file, or on
// PostgreSQL. `go run ./dev` and the end-to-end tests run against it. So a first reset needs no
// Docker, and tests meet the real server and not a simulation of it.
//
// temporaltest, the server's own test helper, cannot keep a file. This package is a
// configuration of the same public parts. The settings in settings.go were measured, each with
// its gain.
//
// It listens on loopback only. Without an [Identity] it has neither TLS nor authorization, so every
// user of the machine may change its runs: that is for development and tests.
package temporal
