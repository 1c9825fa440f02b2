// Package operators tests the work of operators on a running product, as they do it. They use
// the program rekey, on processes that serve people meanwhile. They find, cancel, resend and
// count resets, and rotate keys; and the commands of docs/operations work.
package operators
