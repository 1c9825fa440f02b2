// Package codecserver serves the reading half of Temporal's codec server protocol: Temporal's UI
// and its command line send it the payloads of a run, and show what it answers.
//
// An operator who looks at a run reads its input, its results and its failures, and
// Temporal itself still reads none. The server needs one keyset, payload.json, which
// opens no submission: a submission's password hash is sealed to the worker inside the
// payload and stays sealed here.
//
// It seals nothing. Anybody who could have payloads sealed could make a run accept them.
// Temporal's command line calls /encode before each query and signal, also without payloads.
// Only such an empty request is answered, with an empty list.
//
// # Callers
//
// A request is answered when it proves who sends it, see [Auth], and when it does not come
// from a page other than Temporal's UI. Both are needed: a browser sends the cookies of a
// proxy along with what any page asks for, and says in the Origin header which page it was.
//
// Payloads have to be had before they can be sent here, and Temporal decides who gets those
// of a namespace. So this server knows no roles of its own.
package codecserver
