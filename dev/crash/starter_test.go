package crash

import (
	"testing"

	"github.com/rekeyhq/rekey/internal/failpoint"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// security 23, 36: a starter is killed after it has handed a submission over and before its
// answer. A retry learns that it worked; a retry with another password, that the link is used.
func TestStarterIsKilled(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	s := begin(t, "REKEY_FAILPOINT="+failpoint.AfterCompletion)
	s.work(t)
	s.ask(t)
	s.open(t, 1)
	answered := make(chan error, 1)
	go func() {
		_, err := s.Try("/account/reset_password/"+s.token, map[string]string{"password": newPassword})
		answered <- err
	}()
	s.starter.Await(t, s.starter.Err, "failpoint "+failpoint.AfterCompletion)
	s.starter.Kill(t)
	if err := <-answered; err == nil {
		t.Fatal("the starter answered")
	}
	s.starter = s.Starter(t)
	if a := s.Reset(t, s.token, otherPassword); a.Code != "link_used" {
		t.Errorf("another password: %+v", a)
	}
	if a := s.Reset(t, s.token, newPassword); a.HTTP != 200 || a.Status != "okay" {
		t.Errorf("the same password: %+v", a)
	}
	s.completes(t, 1, 1)
}
