package e2e

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/one/ui"
	"github.com/rekeyhq/rekey/statemachine"
)

// withCodec is a stack whose UI has a codec server.
func withCodec(t *testing.T) *stack.Stack {
	t.Helper()
	return start(t, func(c *stack.Config) { c.Codec = "127.0.0.1:0" })
}

// An operator reads a run in Temporal's UI that has a codec server, and sees ciphertext of
// the same run in one that has none. A submission stays sealed in both.
//
// security 27, 28.
func TestTemporalUIReadsWithACodecServerOnly(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	s := withCodec(t)
	without, err := ui.Start(t.Context(), ui.Options{Temporal: s.Server.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(without.Stop)
	who := finishedRun(t, s)
	id := workflowID(t, s, who.Address)
	input, _ := keptPayloads(t, s, id)
	sealed := base64.StdEncoding.EncodeToString(input[0].GetData())

	with := browse(t, []string{s.UIURL, s.CodecURL})
	read := with.run(s.UIURL, id, `"`+who.Address+`"`)
	with.openEvent("Upsert Workflow Search Attributes", "RekeyState") // has a payload that is not sealed
	with.openEvent(`{"ID":`, `"Sealed"`)
	read += with.text()
	for _, part := range []string{`"State": "completed"`, "mail a link", `"Sealed"`} {
		if !strings.Contains(read, part) {
			t.Errorf("%q cannot be read with a codec server:\n%s", part, read)
		}
	}
	for _, part := range []string{sealed, "argon2id", newPassword} {
		if strings.Contains(read, part) {
			t.Errorf("%q can be read with a codec server:\n%s", part, read)
		}
	}

	read = browse(t, []string{without.URL()}).run(without.URL(), id, sealed)
	for _, part := range []string{who.Address, "@example.com", "mail a link", `"State"`, `"Sealed"`, "argon2id", newPassword} {
		if strings.Contains(read, part) {
			t.Errorf("%q can be read without a codec server:\n%s", part, read)
		}
	}
}

// run is the text on the pages of a run. Its input shows a text.
func (b *tab) run(at, id, input string) string {
	b.t.Helper()
	b.listed(at, id, statemachine.StateCompleted)
	b.click(id)
	b.part("Timeline")
	b.see("send-email")
	b.do("read the input", chromedp.WaitVisible(payload(input)))
	read := b.text()
	b.part("Event History")
	b.see("Workflow Execution Completed")
	return read + b.text()
}

// payload is one on the page that shows a text.
func payload(shows string) string {
	return fmt.Sprintf("//*[contains(@class, 'cm-content')][contains(., '%s')]", shows)
}

// openEvent opens an event of the history, which shows a text.
func (b *tab) openEvent(event, shows string) {
	b.t.Helper()
	b.do("open "+event, chromedp.Click(fmt.Sprintf("//tr[contains(., '%s')]", event)))
	b.do("read "+shows, chromedp.WaitVisible(payload(shows)))
}

// askCodec calls the codec server as a page of the UI does, unless a change makes it another.
func askCodec(t *testing.T, s *stack.Stack, sealed []*commonpb.Payload, change func(*http.Request)) (status int, body []byte) {
	t.Helper()
	question, err := protojson.Marshal(&commonpb.Payloads{Payloads: sealed})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.CodecURL+"/decode", bytes.NewReader(question))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", s.UIURL)
	if change != nil {
		change(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// keptPayloads are those of a run's history, sealed as Temporal keeps them.
func keptPayloads(t *testing.T, s *stack.Stack, id string) (input, submission []*commonpb.Payload) {
	t.Helper()
	c, err := client.Dial(s.TemporalOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	history := c.GetWorkflowHistory(t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	waits := map[int64]bool{}
	for history.HasNext() {
		event, err := history.Next()
		if err != nil {
			t.Fatal(err)
		}
		if started := event.GetWorkflowExecutionStartedEventAttributes(); started != nil {
			input = started.GetInput().GetPayloads()
		}
		if scheduled := event.GetActivityTaskScheduledEventAttributes(); scheduled != nil {
			waits[event.GetEventId()] = scheduled.GetActivityType().GetName() == "await-token-submission"
		}
		if done := event.GetActivityTaskCompletedEventAttributes(); waits[done.GetScheduledEventId()] {
			submission = done.GetResult().GetPayloads()
		}
	}
	return input, submission
}

// security 28: a codec server shows the sealed part of a submission, and nothing else of it.
func TestCodecServerShowsNoHash(t *testing.T) {
	t.Parallel()
	s := withCodec(t)
	who := finishedRun(t, s)
	input, submission := keptPayloads(t, s, workflowID(t, s, who.Address))
	if status, body := askCodec(t, s, input, nil); status != 200 || !strings.Contains(opened(t, body), who.Address) {
		t.Errorf("input: %d %s", status, body)
	}
	status, body := askCodec(t, s, submission, nil)
	shown := opened(t, body)
	if status != 200 || !strings.Contains(shown, "Sealed") {
		t.Fatalf("submission: %d %s", status, shown)
	}
	account, err := s.Store.Account(t.Context(), who.ID)
	if err != nil {
		t.Fatal(err)
	}
	absent(t, "the answer", []byte(shown), []string{newPassword, account.Credential, lastField(account.Credential), "$argon2id$v=19"})
}

// opened is the data of the payloads of an answer.
func opened(t *testing.T, body []byte) string {
	t.Helper()
	var payloads commonpb.Payloads
	if err := protojson.Unmarshal(body, &payloads); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	var all strings.Builder
	for _, p := range payloads.GetPayloads() {
		all.Write(p.GetData())
	}
	return all.String()
}

// The development program's codec server has no sign-in, and is for one page only.
func TestCodecServerIsForTheUIOnly(t *testing.T) {
	t.Parallel()
	s := withCodec(t)
	who := finishedRun(t, s)
	input, _ := keptPayloads(t, s, workflowID(t, s, who.Address))
	for name, tc := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"the UI":         {nil, 200},
		"another page":   {func(r *http.Request) { r.Header.Set("Origin", s.URL) }, 403},
		"no page":        {func(r *http.Request) { r.Header.Del("Origin") }, 401},
		"a rebound name": {func(r *http.Request) { r.Host = "evil.example.com" }, 401},
		"encode":         {func(r *http.Request) { r.URL.Path = "/encode" }, 403},
	} {
		if status, body := askCodec(t, s, input, tc.change); status != tc.status || status != 200 && bytes.Contains(body, []byte("data")) {
			t.Errorf("%s: %d %s, want %d", name, status, body, tc.status)
		}
	}
}

func TestCodecServerListensOnLoopback(t *testing.T) {
	t.Parallel()
	cfg := config(t.TempDir())
	cfg.Codec = "0.0.0.0:0"
	s, err := stack.Start(t.Context(), cfg)
	if err == nil {
		t.Fatal(errors.Join(errors.New("started"), s.Stop()))
	}
	if !strings.Contains(err.Error(), "not a loopback address") {
		t.Error(err)
	}
}
