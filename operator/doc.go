// Package operator is the Go API for those who run a product with rekey: it finds the resets of an
// account, calls them off, asks for another link, and lists and counts what is open. It stands
// beside package starter, which is for the account owner.
//
// It needs a Temporal server and the key files of operators, and no store and no worker. It
// reads the progress of a reset from the history in Temporal: names and times are in clear
// there, and payload.json opens the rest. Package statemachine says what a state means, and
// package workflow when a run mails another link.
//
// No value that this package returns holds an address, a link or a password.
package operator
