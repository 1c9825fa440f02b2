// Package operator is the Go API for the operators of a product with rekey. It finds the resets,
// invitations and forced resets of an account, cancels them, requests another link, and lists and
// counts them. Package starter is for the account owner.
//
// It needs a Temporal server and the key files of operators, and no store and no worker. It
// reads the progress of a run from the history in Temporal: names and times are in clear
// there, and payload.json opens the rest. Package statemachine defines the states, and package
// workflow decides when a run mails another link.
//
// No value that this package returns holds an address, a link or a password.
package operator
