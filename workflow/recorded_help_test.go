package workflow_test

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rekeyhq/rekey/keys"
)

// findIdentity visits the fields of a message and of those in it, for one called identity.
func findIdentity(found *string) func(protoreflect.FieldDescriptor, protoreflect.Value) bool {
	return func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.Name() == "identity":
			*found = v.String()
		case field.Message() != nil && !field.IsList() && !field.IsMap():
			v.Message().Range(findIdentity(found))
		}
		return *found == ""
	}
}

// refused checks that no keyset of a folder is taken.
func refused(t *testing.T, dir keys.Dir) {
	t.Helper()
	for name, load := range map[string]func() error{
		"link":           func() error { _, err := dir.Link(); return err },
		"payload":        func() error { _, err := dir.Payload(); return err },
		"submission":     func() error { _, err := dir.SubmissionOpener(); return err },
		"submission.pub": func() error { _, err := dir.SubmissionSealer(); return err },
		"account":        func() error { _, err := dir.AccountKeys(); return err },
		"salt":           func() error { _, err := dir.Salts(); return err },
	} {
		if err := load(); !errors.Is(err, keys.ErrDev) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
