// Package codecserver serves the reading half of Temporal's codec server protocol: Temporal's UI
// and its command line send it the payloads of a run, and show what it answers.
//
// An operator who looks at a run reads its input, its results and its failures, and
// Temporal itself still reads none. The server needs one keyset, payload.json, which
// opens no submission: a submission's password hash is sealed to the worker inside the
// payload and stays sealed here.
//
// It seals nothing. Whoever could make payloads of ours could make a run believe them.
// Temporal's command line asks for /encode before each query and signal, also of no payloads
// at all; that alone is answered, with none.
//
// # Who may ask
//
// A request is answered when it proves who sends it, see [Auth], and when it does not come
// from a page other than Temporal's UI. Both are needed: a browser sends the cookies of a
// proxy along with what any page asks for, and says in the Origin header which page it was.
//
// Payloads have to be had before they can be sent here, and Temporal decides who gets those
// of a namespace. So this server knows no roles of its own.
package codecserver
