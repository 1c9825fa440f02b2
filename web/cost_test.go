package web

import "testing"

const goodPassword = "plum velvet thirty gulls"

// security 4: the cost of a forged link, with all of HTTP.
func BenchmarkForgedLink(b *testing.B) {
	s := newRealStarter(b)
	h := newTestHandler(b, s)
	path, body := "/account/reset_password/"+s.forged(b), jsonBody("password", goodPassword)
	b.ReportAllocs()
	for b.Loop() {
		exchange(h, "POST", path, body, asJSON)
	}
}
