// Package postgres keeps accounts in PostgreSQL, for any number of workers.
//
// The data of resets (tokens, mail counts, remembered submissions, the audit log) is in the
// schema "rekey", which [Migrate] makes. The accounts are there too, or in a table of users
// that an application has already ([Users]); one transaction covers both.
//
// # Concurrency
//
// Transactions are READ COMMITTED. Operations that exclude each other take an advisory lock of
// the account first, which also exists when the account is gone. Then they lock the row of the
// account, then rows of its sessions and tokens. The lock of the row (FOR NO KEY UPDATE) stops
// an application's own UPDATE of the row, and not a plain read. See
// docs/adr/0301-postgres-store.md.
//
// # Signing in
//
// A sign-in that races a change must hold no session after it. An application with a table of
// its own makes the session in the transaction that verified the password. It reads the row FOR
// SHARE there. Either the sign-in waits for a change in progress and finds the new hash, or the
// change waits and ends its session. [Accounts] does so by itself.
package postgres
