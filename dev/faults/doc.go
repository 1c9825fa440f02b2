// Package faults tests what takes too long to be waited for: a mail server that is away for
// minutes, or for a day. The run, its activities, the SMTP client, the mail server and the
// account store are real; the time is Temporal's test environment's, which skips what nobody
// works in. Faults that real time shows as well are tested on the whole product, in e2e.
package faults
