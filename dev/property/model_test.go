package property

// model is the expected state of one account. A reset is one run.
type model struct {
	password string
	reset    *reset // the newest, nil before the first request
	links    []*mailed
	changes  int
	empty    float64 // when the bucket of mails is, in hours
}
type reset struct {
	open, canceled bool
	asked, used    int    // how often; the link that was used
	password       string // it was used with
}
type mailed struct {
	of      *reset
	expired bool
	late    int // how often it has told since what became of it
}

// request is always accepted. At most three mails come for a reset, and five, then one an hour.
func (m *model) request(now float64) {
	if m.reset == nil || !m.reset.open {
		m.reset = &reset{open: true}
	}
	if m.reset.asked++; m.reset.asked <= 3 && m.empty <= now+4 {
		m.empty = max(m.empty, now) + 1
		m.links = append(m.links, &mailed{of: m.reset})
	}
}

func (m *model) submit(link int, password string) string {
	l, r := m.links[link], m.links[link].of
	switch {
	case l.expired && (r.open || len(password) < 15 || l.late == 5):
		return "link_expired"
	case len(password) < 15:
		return "password_too_short"
	case r.open:
		r.open, r.used, r.password = false, link, password
		m.password, m.changes = password, m.changes+1
		return "okay"
	case r.canceled:
		return "link_canceled"
	case l.expired:
		l.late++
	}
	if r.used == link && r.password == password { // the same click again
		return "okay"
	}
	return "link_used"
}

func (m *model) cancel(link int) string {
	r := m.links[link].of
	if !r.open && !r.canceled {
		return "link_used"
	}
	r.open, r.canceled = false, true
	return "okay"
}
