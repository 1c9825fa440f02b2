package statemachine_test

import (
	"fmt"

	"github.com/rekeyhq/rekey/statemachine"
)

func Example() {
	m := statemachine.New(statemachine.Reset)
	for _, e := range []statemachine.Event{
		statemachine.LinkSent, statemachine.TokenSubmitted,
		statemachine.PasswordChanged, statemachine.NoticeSent,
	} {
		if err := m.Fire(e); err != nil {
			fmt.Println(err)
		}
		fmt.Printf("%s: %s, settled %t, final %t\n", e, m.State(), m.Settled(), m.Final())
	}
	// Output:
	// link_sent: awaiting_token, settled false, final false
	// token_submitted: token_submitted, settled false, final false
	// password_changed: password_changed, settled true, final false
	// notice_sent: completed, settled true, final true
}

// A reset that has accepted a submission cannot be canceled any more.
func ExampleMachine_Fire() {
	m := statemachine.New(statemachine.Reset)
	fmt.Println(m.Fire(statemachine.TokenSubmitted))
	fmt.Println(m.Fire(statemachine.Cancel))
	fmt.Println(m.State())
	// Output:
	// <nil>
	// event "cancel" in state "token_submitted": the state does not allow the event
	// token_submitted
}
