package repo_test

import (
	"os"
	"sync"
	"testing"
)

// root is the folder of the repository, where each path of these tests begins. It becomes the
// working folder in the first test and not in TestMain. The go command notes the files that a
// test reads, and their folder, only while tests run. It would keep a result that is out of
// date.
var root = sync.OnceValue(func() error { return os.Chdir("../..") })

func inRoot(t *testing.T) {
	t.Helper()
	if err := root(); err != nil {
		t.Fatal(err)
	}
}
