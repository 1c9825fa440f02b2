package workflow_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/replay"
	"github.com/rekeyhq/rekey/workflow"
)

const contractFile = "contract.json"

// One build reads the values that another has written. The names of fields never change, and
// fields are only added. -update writes a new field into the file. It still refuses a missing
// name, or a value that is written otherwise.
func TestContractIsFrozen(t *testing.T) {
	t.Parallel()
	was, err := os.ReadFile(filepath.Join("testdata", contractFile))
	if err != nil {
		t.Fatal(err)
	}
	is := written(t)
	if lost := lost(t, was, is); len(lost) > 0 {
		t.Fatalf("%s has what this build does not write any more: %s", contractFile, strings.Join(lost, ", "))
	}
	golden.Check(t, contractFile, string(is))
	readBack(t, is)
}

// Each field of a mail on the wire is read into a link mail or a notice, and written again.
func TestMailIsALinkMailOrANotice(t *testing.T) {
	t.Parallel()
	var mail flow.Mail
	fill(t, reflect.ValueOf(&mail).Elem(), "Mail")
	link, notice := reflect.ValueOf(mail.LinkMail().Mail()), reflect.ValueOf(mail.Notice().Mail())
	for i := range link.NumField() {
		is := link.Field(i)
		if is.IsZero() {
			is = notice.Field(i)
		}
		diff(t, link.Type().Field(i).Name, is.Interface(), reflect.ValueOf(mail).Field(i).Interface())
	}
}

// written are all types with all their fields filled, by name.
func written(t *testing.T) []byte {
	t.Helper()
	all := map[string]any{}
	for _, value := range workflow.Values() {
		v := reflect.ValueOf(value).Elem()
		fill(t, v, v.Type().Name())
		all[v.Type().Name()] = value
	}
	text, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func lost(t *testing.T, was, is []byte) []string {
	t.Helper()
	found, err := replay.Diff(was, is, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// readBack reads the file as strictly as JSON can be read.
func readBack(t *testing.T, text []byte) {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, value := range workflow.Values() {
		name := reflect.TypeOf(value).Elem().Name()
		d := json.NewDecoder(bytes.NewReader(all[name]))
		d.DisallowUnknownFields()
		if err := d.Decode(value); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := reflect.New(reflect.TypeOf(value).Elem())
		fill(t, want.Elem(), name)
		diff(t, name, value, want.Interface())
	}
}

// fill gives each field a value that depends on its name and on nothing else.
func fill(t *testing.T, v reflect.Value, name string) {
	t.Helper()
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)))
		return
	case []byte:
		v.SetBytes([]byte(name))
		return
	}
	switch v.Kind() { //nolint:exhaustive // every other kind fails
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			fill(t, v.Field(i), cmp.Or(name, v.Type().Field(i).Name))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), name)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(t, v.Index(0), name)
	case reflect.String:
		v.SetString(name)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(len(name)))
	case reflect.Float64:
		v.SetFloat(float64(len(name)) / 2)
	case reflect.Bool:
		v.SetBool(true)
	default:
		t.Fatalf("%s is of a kind that this test cannot fill: add it", name)
	}
}
