package replay

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/workflow"
)

// read is a payload that the code did not read in full.
type read struct {
	sealed string
	lost   []string
}

// strict is a data converter that notes the parts of a payload that the code loses. The code no
// longer has the field, or reads it otherwise.
type strict struct {
	converter.DataConverter
	found *recorder
}

var _ sdk.ContextAware = strict{}

func (s strict) WithWorkflowContext(ctx sdk.Context) converter.DataConverter {
	return strict{inWorkflow(ctx, s.DataConverter), s.found}
}

// inWorkflow is a data converter as the SDK uses it in workflow code.
func inWorkflow(ctx sdk.Context, d converter.DataConverter) converter.DataConverter {
	if aware, ok := d.(sdk.ContextAware); ok {
		return aware.WithWorkflowContext(ctx)
	}
	return d
}

func (s strict) WithContext(ctx context.Context) converter.DataConverter {
	if aware, ok := s.DataConverter.(sdk.ContextAware); ok {
		s.DataConverter = aware.WithContext(ctx)
	}
	return s
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

// compare writes a read value again. A client with access to the namespace can put an encoded
// payload in the place of another type, which says nothing about the types.
func (s strict) compare(p *commonpb.Payload, to any) {
	opened, err := s.found.config.Codec.Decode([]*commonpb.Payload{p})
	if err != nil || string(opened[0].GetMetadata()[converter.MetadataEncoding]) != converter.MetadataEncodingJSON {
		return
	}
	text := opened[0].GetData()
	if lost := rewritten(text, to); len(lost) > 0 && !misplaced(text, s.found.config.Values) {
		s.found.reads = append(s.found.reads, read{string(p.GetData()), lost})
	}
}

// rewritten names the loss when text is read as a value and the value is written.
func rewritten(text []byte, value any) []string {
	again, err := json.Marshal(value)
	if err != nil {
		return nil // not reached: it was read from JSON
	}
	lost, err := Diff(text, again, nil)
	if err != nil {
		return nil
	}
	return lost
}

// misplaced reports that text is exactly a value of one of the types.
func misplaced(text []byte, types []any) bool {
	return slices.ContainsFunc(types, func(pointer any) bool {
		value := reflect.New(reflect.TypeOf(pointer).Elem()).Interface()
		if json.Unmarshal(text, value) != nil || len(rewritten(text, value)) > 0 {
			return false
		}
		again, err := json.Marshal(value)
		if err != nil {
			return false
		}
		more, err := Diff(again, text, nil)
		return err == nil && len(more) == 0
	})
}
