package replay

import (
	"context"
	"encoding/json"
	"slices"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/internal/fields"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

// read is a payload of which the code did not read everything.
type read struct {
	sealed string
	lost   []string
}

// strict is a data converter that notes what of a payload is lost on the code: a field that
// its types no longer know, or read otherwise.
type strict struct {
	converter.DataConverter
	codec *keys.Codec
	found *recorder
}

var _ sdk.ContextAware = strict{}

func (s strict) WithWorkflowContext(ctx sdk.Context) converter.DataConverter {
	return strict{sdkAware(s.DataConverter).WithWorkflowContext(ctx), s.codec, s.found}
}

func (s strict) WithContext(ctx context.Context) converter.DataConverter {
	return strict{sdkAware(s.DataConverter).WithContext(ctx), s.codec, s.found}
}

func (s strict) FromPayload(p *commonpb.Payload, to any) error {
	err := s.DataConverter.FromPayload(p, to)
	if err == nil {
		s.compare(p, to)
	}
	return err
}

func (s strict) FromPayloads(all *commonpb.Payloads, to ...any) error {
	err := s.DataConverter.FromPayloads(all, to...)
	if err != nil {
		return err
	}
	for i, p := range all.GetPayloads()[:min(len(to), len(all.GetPayloads()))] {
		s.compare(p, to[i])
	}
	return nil
}

// compare writes again what was read. Whoever may talk to Temporal can put a payload of ours
// where one of another type belongs: that tells nothing of the types.
func (s strict) compare(p *commonpb.Payload, to any) {
	opened, err := s.codec.Decode([]*commonpb.Payload{p})
	if err != nil || string(opened[0].GetMetadata()[converter.MetadataEncoding]) != converter.MetadataEncodingJSON {
		return
	}
	text := opened[0].GetData()
	if lost := rewritten(text, to); len(lost) > 0 && !misplaced(text) {
		s.found.reads = append(s.found.reads, read{string(p.GetData()), lost})
	}
}

// rewritten names what is lost when text is read as a value and the value is written.
func rewritten(text []byte, value any) []string {
	again, err := json.Marshal(value)
	if err != nil {
		return nil // not reached: it was read from JSON
	}
	lost, err := fields.Diff(text, again, nil)
	if err != nil {
		return nil
	}
	return lost
}

// misplaced reports that text is exactly one of the values that cross Temporal.
func misplaced(text []byte) bool {
	return slices.ContainsFunc([]any{
		&workflow.Request{}, &workflow.Caller{}, &workflow.Cancellation{}, &workflow.Mail{}, &workflow.Delivery{},
		&workflow.Submission{}, &workflow.Change{}, &workflow.Verdict{}, &workflow.Outcome{}, &workflow.Ending{}, &workflow.Ended{},
	}, func(value any) bool {
		if json.Unmarshal(text, value) != nil || len(rewritten(text, value)) > 0 {
			return false
		}
		again, err := json.Marshal(value)
		if err != nil {
			return false
		}
		more, err := fields.Diff(again, text, nil)
		return err == nil && len(more) == 0
	})
}

// sdkAware is what keys.DataConverter makes, and what that makes.
func sdkAware(d converter.DataConverter) sdk.ContextAware {
	aware, ok := d.(sdk.ContextAware)
	if !ok {
		panic("a data converter that does not know workflow code")
	}
	return aware
}
