package statemachine

import "strings"

// table is the whole machine: what each state leaves by, and where to. A state that
// nothing leaves is final.
var table = []row{
	{StateRequested, []exit{
		{LinkSent, StateAwaitingToken},
		{LinkWithheld, StateAwaitingToken},
		{TokenSubmitted, StateTokenSubmitted}, // the mail arrived although its answer was lost
		{Cancel, StateCanceled},
	}},
	{StateAwaitingToken, []exit{
		{LinkSent, StateAwaitingToken}, // another link
		{LinkWithheld, StateAwaitingToken},
		{TokenSubmitted, StateTokenSubmitted},
		{Expire, StateExpired},
		{Cancel, StateCanceled},
	}},
	{StateTokenSubmitted, []exit{ // too late to cancel or to expire
		{PasswordChanged, StatePasswordChanged},
		{ChangeRefused, StateRefused},
		{TokenUnknown, StateAwaitingToken}, // nobody's submission: the wait is armed again
	}},
	{StatePasswordChanged, []exit{
		{NoticeSent, StateCompleted},
		{NoticeFailed, StateCompleted},
	}},
	{StateCompleted, nil},
	{StateExpired, nil},
	{StateCanceled, nil},
	{StateRefused, nil},
}

type row struct {
	state    State
	leavesBy []exit
}

type exit struct {
	event Event
	to    State
}

func final(s State) bool {
	for _, row := range table {
		if row.state == s {
			return len(row.leavesBy) == 0
		}
	}
	return false
}

// Diagram is the table as a Mermaid state diagram, always the same text.
func Diagram() string {
	lines := []string{"stateDiagram-v2", "    [*] --> " + string(StateRequested)}
	for _, row := range table {
		for _, exit := range row.leavesBy {
			lines = append(lines, "    "+string(row.state)+" --> "+string(exit.to)+" : "+string(exit.event))
		}
		if final(row.state) {
			lines = append(lines, "    "+string(row.state)+" --> [*]")
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
