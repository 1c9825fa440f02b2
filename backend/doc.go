// Package backend is the HTTP API for an application's own backends: they invite people and force
// resets. It belongs on a listener of its own, which strangers do not reach. The pages of package
// web have none of its routes.
//
// Each request proves its sender, by a bearer (RFC 6750) or by the client certificate of its
// connection. It is a JSON object of texts. Forms are refused: a browser would send them for any
// page, along with its client certificate.
//
// An answer of 202 means that Temporal has the request, durably. The run decides later what
// becomes of it, and only events tell: see docs/backends.md. So the answer reveals no account.
package backend
