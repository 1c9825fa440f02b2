package workflow

import "github.com/rekeyhq/rekey/flow"

// Flows are the flows of rekey.
func Flows() []flow.Definition { return []flow.Definition{ResetPassword, Invite, ForceReset} }

// Of is the flow of a run, by its workflow ID. It is false for a workflow that is none of them.
func Of(workflowID string) (flow.Definition, bool) {
	for _, d := range Flows() {
		if d.Owns(workflowID) {
			return d, true
		}
	}
	return flow.Definition{}, false
}

// AnyFlow is the condition of a visibility query for runs of all flows.
func AnyFlow() string {
	var names []string
	for _, d := range Flows() {
		names = append(names, d.Name)
	}
	return flow.OfType(names...)
}

// Types are the names of all types of workflows and activities.
func Types() []string {
	types := []string{flow.FinishName, BlockPassword, ForceAllName, CountAccounts, ListAccounts}
	for _, d := range Flows() {
		types = append(types, d.Name)
	}
	return append(types, flow.Activities()...)
}

// Workflows are the workflow functions by their types, for a worker or a replay.
func Workflows() map[string]any {
	all := map[string]any{flow.FinishName: flow.Finish, ForceAllName: ForceAll}
	for _, d := range Flows() {
		all[d.Name] = d.Run
	}
	return all
}
