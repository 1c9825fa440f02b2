// Package faults tests faults that last too long for real time: a mail server that is away for
// minutes, or for a day. The run, its activities, the SMTP client, the mail server and the
// account store are real. The time is that of Temporal's test environment, which skips idle
// time. Faults that real time shows as well are tested on the whole product, in e2e.
package faults
