package workflow

// Summary and Details are what Temporal's UI shows of every run, without a worker and without
// a key: they are the same for all runs, so that nothing has to be sealed.
const (
	Summary = "password reset"
	Details = "The reset waits until its link is used, called off or expired. " +
		"**RekeyState** says how it ended, or what it is kept waiting for.\n\n" +
		"| pending activity | meaning |\n|---|---|\n" +
		"| `await-token-submission` alone | the link is out, or withheld: all is well |\n" +
		"| `send-email` | a mail is tried, for a day; the type of its last failure says why: `mail_deferred_connect`, `mail_deferred_4xx`, `store_away` |\n" +
		"| `change-password` | a password was accepted and is being applied; it is tried until the store answers |\n\n" +
		"Whose reset it is, and why no link was mailed, `rekey find` tells."

	// FinishSummary is that of what follows a run that ended from outside.
	FinishSummary = "the end of a password reset"
)

// IsPublic reports that a text is one of those: a client need not seal it.
func IsPublic(text string) bool { return text == Summary || text == Details || text == FinishSummary }
