// Package crash kills the processes of rekey where it hurts, starts them again, and looks
// whether anything was lost or happened twice. It has tests only.
//
// Whatever can be held from outside is: a mail server that does not answer, a worker that is
// not there. A failpoint holds the rest.
package crash
