package workflow

import (
	"strconv"
	"time"

	"github.com/rekeyhq/rekey/flow"
)

// The names of a campaign: the forced reset of many accounts. A task queue has one at a time.
const (
	// ForceAllName is the workflow type.
	ForceAllName = "ForceAll"

	// CountAccounts and ListAccounts are activity types. Both get a [Listing] and return a [Page].
	CountAccounts = "count-accounts"
	ListAccounts  = "list-accounts"

	// PauseUpdate, ResumeUpdate, RateUpdate and CancelUpdate carry a [Command] and are answered with
	// the [Progress]. ProgressQuery is answered with it too, also after the end of the run.
	PauseUpdate   = "pause"
	ResumeUpdate  = "resume"
	RateUpdate    = "rate"
	CancelUpdate  = "cancel"
	ProgressQuery = "progress"
)

// ForceAllID is the workflow ID of the campaign of a task queue. Temporal keeps a product to one.
func ForceAllID(queue string) string { return "force-all/" + queue }

// The bounds of a campaign.
const (
	// MinRate is the least [Campaign.Rate]: one account an hour.
	MinRate = 1.0 / 3600
	// MaxRate is the highest one: a page of accounts each second.
	MaxRate = 500.0
	// MaxAddresses bounds [Campaign.Addresses], which each run of a campaign carries.
	MaxAddresses = 20_000
	// MaxAddressBytes bounds their text: Temporal takes 2 MB at most for one payload.
	MaxAddressBytes = 1_000_000
)

// Campaign is the input of [ForceAll].
type Campaign struct {
	Name     string    // random; the orders of the accounts begin with it
	At       time.Time // of the operator's demand
	Operator string    // name, for the audit log
	Reason   string    `json:",omitempty"` // for the mails
	Rate     float64   // accounts per second, MinRate to MaxRate
	// LinkLife and MailPause are those of each [flow.Request].
	LinkLife  time.Duration
	MailPause time.Duration
	// Addresses are those of an operator's list that are not read yet, normalized. List is false for
	// all accounts.
	Addresses []string `json:",omitempty"`
	List      bool     `json:",omitempty"`
	DryRun    bool     `json:",omitempty"` // counts the accounts, and forces none
	// After is the ID of the last account that was read; the first page begins after it.
	After string `json:",omitempty"`

	// The rest is what one run hands over to the next one.
	Follows  string        `json:",omitempty"` // ID of the run before
	Began    time.Time     `json:",omitzero"`
	Counts   Counts        `json:",omitzero"`
	Pages    int           `json:",omitempty"` // that were asked for
	Commands int           `json:",omitempty"` // that were accepted
	Paused   bool          `json:",omitempty"`
	Begun    []string      `json:",omitempty"` // account keys that the next page may have again
	Batch    time.Time     `json:",omitzero"`  // of the last children
	Credit   time.Duration `json:",omitempty"` // time before it that no account has used
}

// Counts are accounts of a campaign.
type Counts struct {
	Total   int `json:",omitempty"` // that could be forced when the campaign began, or addresses of the list; 0 is unknown
	Started int `json:",omitempty"` // whose forced reset began
	Unfit   int `json:",omitempty"` // not resettable, without a password, or unknown addresses
	Failed  int `json:",omitempty"` // whose run could not be started
}

// CampaignState is the state of a campaign.
type CampaignState string

// The states of a campaign. The last three are final.
const (
	CampaignCounts    CampaignState = "counting"
	CampaignRuns      CampaignState = "running"
	CampaignPaused    CampaignState = "paused"
	CampaignCompleted CampaignState = "completed" // each account was begun or counted; resets may go on
	CampaignCanceled  CampaignState = "canceled"
	CampaignRefused   CampaignState = "refused" // Progress.Refused says why
)

// Progress is what operators see of a campaign.
type Progress struct {
	Name     string
	State    CampaignState
	Operator string
	Reason   string  `json:",omitempty"`
	DryRun   bool    `json:",omitempty"`
	Rate     float64 // accounts per second
	Counts   Counts
	Left     int       // accounts of Counts.Total that are left; 0 when the total is unknown
	Began    time.Time `json:",omitzero"`
	Ends     time.Time `json:",omitzero"`  // estimate for a running campaign, fact for an ended one
	After    string    `json:",omitempty"` // Campaign.After of a campaign that would go on from here
	Commands int       // that were accepted
	Refused  string    `json:",omitempty"`
}

// Ended reports that no further account is forced.
func (p Progress) Ended() bool {
	return p.State == CampaignCompleted || p.State == CampaignCanceled || p.State == CampaignRefused
}

// Command is the argument of an update. Anybody with access to the namespace can copy it, so it
// names its campaign, itself and its place: the next command is refused under the same number.
type Command struct {
	Campaign string  // Campaign.Name
	Number   int     // Progress.Commands + 1
	Do       string  // name of the update
	Operator string  // name, for the history
	Rate     float64 `json:",omitempty"` // of RateUpdate
}

// Listing asks for accounts: for a page of them, or with CountAccounts for their number.
type Listing struct {
	Run    string // the run's original ID
	Sender string // ID of the run that sends it
	Number int    // of the page, in the whole campaign
	After  string `json:",omitempty"` // ID of the last account of the page before
	Limit  int    `json:",omitempty"` // most accounts of the page
	// Addresses are the accounts to look up, in the place of all.
	Addresses []string `json:",omitempty"`
}

// Name tells listings apart.
func (l Listing) Name() string { return l.Run + "/" + strconv.Itoa(l.Number) }

// Page is the result of a [Listing]. The sealed result of one run can be copied into another, so it
// has the name of its listing.
type Page struct {
	Of       string
	At       time.Time `json:",omitzero"` // when it was read
	Accounts []Forced  `json:",omitempty"`
	Unfit    int       `json:",omitempty"` // accounts that are left out, see Counts.Unfit
	Next     string    `json:",omitempty"` // ID of the last account
	Last     bool      `json:",omitempty"` // there are no further accounts
	Total    int       `json:",omitempty"` // of CountAccounts: accounts that can be forced
	Refused  string    `json:",omitempty"` // why there is no page, and will be none
}

// Forced is an account to force.
type Forced struct {
	Key     string // account key; ends the workflow ID
	ID      string // account ID, "" for an address of a list
	Address string // normalized
}

// Values are pointers to the types of all flows and of campaigns whose values cross Temporal.
func Values() []any {
	return append(flow.Values(), &Campaign{}, &Progress{}, &Command{}, &Listing{}, &Page{})
}
