package messages

import (
	"fmt"
	"time"
)

// Life writes a duration in the largest unit that it is a whole number of, as in "30 minutes".
// From an hour on the rest is cut to minutes, and from a day on to hours: a mail promises no more
// than is true.
func (l Language) Life(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= day:
		d = d.Truncate(time.Hour)
	case d >= time.Hour:
		d = d.Truncate(time.Minute)
	}
	unit, key := time.Second, "dates.seconds"
	switch {
	case d > day && d%day == 0:
		unit, key = day, "dates.days"
	case d%time.Hour == 0:
		unit, key = time.Hour, "dates.hours"
	case d%time.Minute == 0:
		unit, key = time.Minute, "dates.minutes"
	}
	return l.Text(key, "Count", int(d/unit))
}

// Date writes a day and a time of day in UTC, as in "14 March 2026 at 15:09 UTC".
func (l Language) Date(at time.Time) string {
	at = at.UTC()
	return l.Text("dates.date", "Day", at.Day(), "Month", l.Text(fmt.Sprintf("dates.month-%02d", at.Month())),
		"Year", at.Year(), "Time", at.Format("15:04"))
}

// Time writes a time of day in UTC, as in "15:09 UTC".
func (l Language) Time(at time.Time) string {
	return l.Text("dates.time", "Time", at.UTC().Format("15:04"))
}
