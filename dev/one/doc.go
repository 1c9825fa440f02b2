// Package one tests `rekey one` as its operators run it: as a process, with a real mail server and
// real keysets, on one folder.
package one
