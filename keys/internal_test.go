package keys

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A crash between the two files of submissions must leave a starter nothing that seals
// under a key which no worker has.
func TestPrivateHalfFirst(t *testing.T) {
	t.Parallel()
	d := Open(filepath.Join(t.TempDir(), "keys"))
	if err := Create(d.path, false); err != nil {
		t.Fatal(err)
	}
	h, m, err := d.load(Submission)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	place := func(from, to string) error {
		order = append(order, filepath.Base(to))
		return os.Rename(from, to)
	}
	if err := d.save(Submission, h, m, place); err != nil {
		t.Fatal(err)
	}
	if want := []string{"submission.json", "submission.pub.json"}; !slices.Equal(order, want) {
		t.Errorf("the order is %v", order)
	}
}
