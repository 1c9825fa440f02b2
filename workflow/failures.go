package workflow

// The types of the failures of activities. They are in clear, so an operator knows without a
// key what a run is kept waiting for; no code depends on them. Mails have [MailFailure] and what
// follows it.
const (
	// StoreAway means that the account store does not answer, or does not do what it is asked.
	StoreAway = "store_away"
	// MailFailure begins the types of mails that were not taken, or may have been:
	// mail_deferred_connect, mail_deferred_4xx, mail_unknown_content and the like.
	MailFailure = "mail_"
	// KeyMissing means that the worker lacks the key that something is sealed under.
	KeyMissing = "key_missing"
	// WorkerStops means that the worker stopped meanwhile, and another one goes on.
	WorkerStops = "worker_stops"
)
