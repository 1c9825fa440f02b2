package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/proxy"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
)

// security 4, 26: a thief has every keyset, all histories and the account store. The thief
// makes no submission for a mailed link that the store accepts. The store accepts the digest of
// the token, and only the mail has the digest or the token. Links and submissions that are
// sealed with the stolen keys have no record.
func TestThiefOfEverything(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *stack.Config) { c.Memory = false })
	who := newPerson(t, s, nil)
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	waitForTimer(t, s, who.Address)
	loot := everything(t, s, who)
	record := recordOf(t, token)
	if !bytes.Contains(loot, record[:]) {
		t.Fatal("the record of the link is not in the loot: what is not found there proves nothing")
	}
	digest := sha256.Sum256([]byte(raw(t, token)))
	absent(t, "the loot", loot, []string{token, raw(t, token), string(digest[:])})
	for i := range len(loot) - len(record) {
		if link.Digest(loot[i:i+32]).RecordKey() == record {
			t.Fatalf("the loot has the digest of the token, at %d", i)
		}
	}

	for name, made := range map[string]keys.NewPassword{
		"of the record's key":            {Digest: record},
		"of the digest of the record":    {Digest: link.Digest(record).RecordKey()},
		"of a link with the same claims": {Digest: forged(t, s, who, token).Digest()},
	} {
		made.Hash, made.Accepted = cheap.Hash(otherPassword, make([]byte, 16)), time.Now()
		completeWait(t, s, who, made)
		if now, err := s.Store.Account(t.Context(), who.ID); err != nil || now.Credential != who.Credential {
			t.Fatalf("%s: the password is another: %v", name, err)
		}
	}
	if a := reset(t, s, forged(t, s, who, token).Text(), otherPassword); a.code == 200 {
		t.Errorf("a link with the same claims: %+v", a)
	}
	useInTheEnd(t, s, token)
	if code := signIn(t, s, who.Address, newPassword); code != 200 {
		t.Errorf("sign-in with the owner's password: %d", code)
	}
}

// useInTheEnd uses the owner's link until it is said to be used.
func useInTheEnd(t *testing.T, s *stack.Stack, token string) {
	t.Helper()
	for late := time.Now().Add(patience); ; {
		a := reset(t, s, token, newPassword)
		if a.code == 200 {
			return
		}
		if a.code != 202 && a.code != 503 || time.Now().After(late) {
			t.Fatalf("the owner's link: %+v", a)
		}
	}
}

func recordOf(t *testing.T, token string) account.RecordKey {
	t.Helper()
	return link.Digest(sha256.Sum256([]byte(raw(t, token)))).RecordKey()
}

// everything is all kept data: the files, and the content of the sealed payloads.
func everything(t *testing.T, s *stack.Stack, who account.Account) []byte {
	t.Helper()
	loot := append(files(t, s.Data, "temporal.db"), files(t, s.Data, "accounts.db")...)
	sets, err := filepath.Glob(filepath.Join(s.Data, "keys", "*"))
	if err != nil || len(sets) == 0 {
		t.Fatal(sets, err)
	}
	for _, file := range sets {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		loot = append(loot, b...)
	}
	return append(loot, payloads(t, s, who)...)
}

// payloads is the content of all payloads of a person's newest run.
func payloads(t *testing.T, s *stack.Stack, who account.Account) (all []byte) {
	t.Helper()
	codec, err := s.Keys.Payload()
	if err != nil {
		t.Fatal(err)
	}
	open := func(_ *proxy.VisitPayloadsContext, sealed []*commonpb.Payload) ([]*commonpb.Payload, error) {
		for _, p := range sealed {
			var text string
			if json.Unmarshal(p.GetData(), &text) == nil && flow.IsPublic(text) {
				all = append(all, text...)
				continue
			}
			plain, err := codec.Decode([]*commonpb.Payload{p})
			if err != nil {
				return nil, err
			}
			all = append(all, plain[0].GetData()...)
		}
		return sealed, nil
	}
	history := temporalClient(t, s).GetWorkflowHistory(t.Context(), workflowID(t, s, who.Address), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := proxy.VisitPayloads(t.Context(), event, proxy.VisitPayloadsOptions{Visitor: open, SkipSearchAttributes: true}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Contains(all, []byte(who.Address)) {
		t.Fatal("the payloads do not hold the address")
	}
	return all
}

// forged is a link that is sealed with the stolen key and says the same as a mailed one.
func forged(t *testing.T, s *stack.Stack, who account.Account, mailed string) link.Token {
	t.Helper()
	aead, err := s.Keys.Link()
	if err != nil {
		t.Fatal(err)
	}
	box, err := link.New(aead, link.MustParseBaseURL(s.URL), "default")
	if err != nil {
		t.Fatal(err)
	}
	claims, _, err := box.Open(link.Reset, mailed)
	if err != nil || claims.Address != who.Address {
		t.Fatal(claims, err)
	}
	token, err := box.Seal(link.Reset, claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// completeWait submits to a person's newest run, past the starter, and waits until the run has
// judged it.
func completeWait(t *testing.T, s *stack.Stack, who account.Account, p keys.NewPassword) {
	t.Helper()
	temporal, id := temporalClient(t, s), workflowID(t, s, who.Address)
	run, err := temporal.DescribeWorkflowExecution(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	wait := run.GetPendingActivities()[0].GetActivityId()
	sealer, err := s.Keys.SubmissionSealer()
	if err != nil {
		t.Fatal(err)
	}
	submission := flow.Submission{ID: p.ID(), LinkRun: run.GetWorkflowExecutionInfo().GetExecution().GetRunId()}
	if submission.Sealed, err = sealer.Seal(p, submission.SealContext(id)); err != nil {
		t.Fatal(err)
	}
	if err := temporal.CompleteActivityByID(t.Context(), "default", id, submission.LinkRun, wait, submission, nil); err != nil {
		t.Fatal(err)
	}
	for late := time.Now().Add(patience); ; {
		run, err := temporal.DescribeWorkflowExecution(t.Context(), id, "")
		if err != nil {
			t.Fatal(err)
		}
		again := run.GetPendingActivities()
		if run.GetPendingWorkflowTask() == nil && len(again) == 1 && again[0].GetActivityId() != wait && again[0].GetActivityType().GetName() == flow.AwaitTokenSubmission {
			return
		}
		if time.Now().After(late) {
			t.Fatal(fmt.Sprint("the wait is not armed again: ", run))
		}
	}
}
