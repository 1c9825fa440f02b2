package starter

import (
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/rekeyhq/rekey/flow"
)

// Describing makes a client that starts runs leave their summary and details in clear. They are
// the same for all, and help a reader without keys. The client seals all else as before.
func Describing(o client.Options) client.Options {
	o.DataConverter = describing{o.DataConverter}
	return o
}

type describing struct{ converter.DataConverter }

// ToPayload implements converter.DataConverter.
func (d describing) ToPayload(value any) (*commonpb.Payload, error) {
	if text, ok := value.(string); ok && flow.IsPublic(text) {
		return converter.GetDefaultDataConverter().ToPayload(text)
	}
	return d.DataConverter.ToPayload(value)
}
