// Package site runs rekey as its operators do: `rekey worker` and `rekey starter` are
// processes, Temporal is another one with a file, and the accounts are in a bbolt file.
// Each can be killed and started again, which is what its tests are about.
//
// A package whose tests make sites hands its TestMain to [Main].
package site
