// Package codecserver serves the reading half of Temporal's codec server protocol. Temporal's
// UI and its command line send it the payloads of a run, and show its answer.
//
// An operator who opens a run in the UI reads its input, its results and its failures. Temporal
// itself still reads none. The server needs one keyset, payload.json, which opens no
// submission. A submission's password hash is sealed to the worker inside the payload and stays
// sealed here.
//
// It seals nothing: a client that could seal payloads could make a run accept them. Temporal's
// command line calls /encode before each query and signal, also without payloads. Only such an
// empty request is answered, with an empty list.
//
// # Callers
//
// A request is answered when it proves its sender, see [Auth], and does not come from a page
// other than Temporal's UI. Both are needed. A browser sends the cookies of a proxy along with
// the requests of any page, and names the page in the Origin header.
//
// A client sends payloads that it already has, and Temporal decides who reads a namespace. So
// this server knows no roles of its own.
package codecserver
