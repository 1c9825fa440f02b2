// Package site runs rekey as its operators do. The commands `rekey worker` and `rekey starter`
// are processes, Temporal is another one with a file, and the accounts are in a bbolt file. Its
// tests kill and restart each of them.
//
// A package whose tests make sites hands its TestMain to [Main].
package site
