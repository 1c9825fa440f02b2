package password_test

import (
	"testing"

	"github.com/rekeyhq/rekey/password"
)

// A sample is read as a hash of the same length, format and costs, and is another one each
// time.
func TestSampleIsLikeAHash(t *testing.T) {
	t.Parallel()
	for _, h := range []password.Hasher{
		password.Params{},
		password.Params{Memory: 8, Time: 1, Threads: 4},
		password.Bcrypt{Cost: 4},
		password.Bcrypt{Cost: 4, Letter: 'y'},
	} {
		sample, hash := password.Sample(h), h.Hash("four otters row home", []byte("0123456789abcdef"))
		like, err := password.Like(sample)
		if err != nil || password.Text(like) != password.Text(h) && password.Text(h) != "" {
			t.Errorf("%+v: the sample is like %+v, %v", h, like, err)
		}
		if len(sample) != len(hash) || sample == password.Sample(h) {
			t.Errorf("%+v: %d characters, want %d, and others each time", h, len(sample), len(hash))
		}
		if fits, err := password.Verify(sample, "four otters row home"); fits || err != nil {
			t.Errorf("%+v: verified %v, %v", h, fits, err)
		}
	}
	if got := password.Sample(nil); got != "" {
		t.Errorf("of none: %s", got)
	}
}

// Costs below the sheet's are reported, costs of one of its settings are not.
func TestAdviceIsTheSheets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		hasher password.Hasher
		weak   bool
	}{
		{password.DefaultParams(), false},
		{password.DefaultBcrypt(), false},
		{password.Params{Memory: 47104, Time: 1}, false},
		{password.Params{Memory: 12288, Time: 3}, false},
		{password.Params{Memory: 9216, Time: 4}, false},
		{password.Params{Memory: 7168, Time: 5}, false},
		{password.Params{Memory: 65536, Time: 3, Threads: 4}, false},
		{password.Params{Memory: 19456, Time: 1}, true},
		{password.Params{Memory: 12288, Time: 2}, true},
		{password.Params{Memory: 7168, Time: 4}, true},
		{password.Params{Memory: 4096, Time: 12}, true},
		{password.Bcrypt{Cost: 10}, false},
		{password.Bcrypt{Cost: 9}, true},
		{nil, false},
	} {
		if got := password.Advice(test.hasher); (got != "") != test.weak {
			t.Errorf("%+v: %q", test.hasher, got)
		}
	}
}
