package repo_test

import (
	"os"
	"testing"
)

// TestMain runs the tests in the root folder, so that each path is one of the repository.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
