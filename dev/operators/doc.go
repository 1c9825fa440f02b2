// Package operators tests what operators do to a product that is running, as they do it:
// with the program rekey, on processes that serve people meanwhile. They find, cancel, resend
// and count resets, and rotate keys; and what docs/operations tells them to type works.
package operators
