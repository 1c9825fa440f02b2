// Package adopt holds the recipes of `rekey adopt` to the applications that they are for. Each test
// follows a page of docs/hosts, resets a password through it, and then asks the application's own
// code whether it takes the new password.
package adopt
