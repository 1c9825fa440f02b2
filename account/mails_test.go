package account_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// security 25: the bucket takes its size at once and refills by one an hour. It is never more
// than full, and believes no clock that is wrong.
func TestRoomForMail(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	for name, tc := range map[string]struct {
		sent []time.Duration // before or after now
		size int
		want bool
	}{
		"none":                               {nil, 1, true},
		"no size":                            {nil, 0, false},
		"one less":                           {[]time.Duration{0, 0, 0, 0}, 5, true},
		"full":                               {[]time.Duration{0, 0, 0, 0, 0}, 5, false},
		"not yet":                            {[]time.Duration{1 - hour, 1 - hour, 1 - hour, 1 - hour, 1 - hour}, 5, false},
		"after an hour":                      {[]time.Duration{-hour, -hour, -hour, -hour, -hour}, 5, true},
		"and not two":                        {[]time.Duration{-hour, -hour, -hour, -hour, -hour, 0}, 5, false},
		"in any order":                       {[]time.Duration{0, -hour, -hour, 0, -hour, -9 * hour, 0}, 5, false},
		"over it by three, an hour ago":      {[]time.Duration{-hour, -hour, -hour, -hour, -hour, -hour, -hour, -hour}, 5, true},
		"not saved up":                       {[]time.Duration{-90 * hour, 0, 0}, 2, false},
		"a clock that is a little ahead":     {[]time.Duration{time.Minute}, 1, false},
		"and counts as now":                  {[]time.Duration{time.Minute}, 2, true},
		"a clock that is days ahead":         {[]time.Duration{190 * hour, 190 * hour}, 1, true},
		"one of each":                        {[]time.Duration{0, time.Minute, 190 * hour}, 3, true},
		"one of each, and one that is older": {[]time.Duration{-hour / 2, 0, time.Minute, 190 * hour}, 3, false},
		"a size that no time has":            {[]time.Duration{0}, 1 << 62, true},
	} {
		var sent []time.Time
		for _, at := range tc.sent {
			sent = append(sent, noon.Add(at))
		}
		if got := account.RoomForMail(sent, noon, tc.size); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// security 25, 33: requests at the highest rate get the size and one an hour, in every stretch
// of time. A request after a wait of an hour always gets one.
func TestBucketBoundsAndRefills(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		size := 1 + random.IntN(6)
		var sent []time.Time
		for now := noon; now.Before(noon.AddDate(0, 0, 3)); now = now.Add(time.Duration(random.Int64N(int64(time.Hour)))) {
			if account.RoomForMail(sent, now, size) {
				sent = append(sent, now)
			} else if !account.RoomForMail(sent, now.Add(account.MailRefill), size) {
				t.Fatalf("size %d: none an hour after %s", size, now)
			}
		}
		for i := range sent {
			for j := range sent[i:] {
				stretch := sent[i+j].Sub(sent[i])
				if most := size + int(stretch/account.MailRefill); j+1 > most {
					t.Fatalf("size %d: %d mails within %s", size, j+1, stretch)
				}
			}
		}
	}
}

// A copy has the links of the others, and a name of its own that counts once.
func TestJudge(t *testing.T) {
	t.Parallel()
	mail := account.TokenRecord{Mail: "m", Issued: noon}
	out := []account.TokenRecord{{Expires: noon.Add(2)}, {Expires: noon.Add(3)}, {Expires: noon.Add(1)}}
	counted := []account.Counted{{"m", noon}, {"m/2", noon}, {"other", noon}, {"other/2", noon}, {"old", noon.Add(-24 * time.Hour)}}
	for n, want := range []struct {
		name   string
		issued account.Issued
		err    error
	}{
		{"m", account.Issued{Copy: 1, Asked: 2}, nil},
		{"m/2", account.Issued{Copy: 2, Asked: 2, Expires: noon.Add(2)}, nil},
		{"", account.Issued{Copy: 3, Asked: 2, Expires: noon.Add(3)}, account.ErrMailLimit},
		{"", account.Issued{Copy: 4, Asked: 2, Expires: noon.Add(3)}, account.ErrTooManyCopies},
	} {
		name, issued, err := mail.Judge(out[:n], counted, 4)
		if name != want.name || issued != want.issued || !errors.Is(err, want.err) {
			t.Errorf("%d out: %q, %+v, %v", n, name, issued, err)
		}
	}
}
