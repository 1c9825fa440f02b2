package password_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/rekeyhq/rekey/password"
)

// A new password is judged as it was typed, and normalized and hashed within the budget; at
// sign-in it is normalized in the same way.
func Example() {
	policy, costs := password.DefaultPolicy(), password.DefaultParams()
	budget := password.NewBudget(runtime.GOMAXPROCS(0), 64, 10*time.Second)

	var stored string
	set := func(typed string) error {
		if err := policy.Check(typed); err != nil {
			return err
		}
		return budget.Do(context.Background(), func() error {
			if err := policy.Strength(typed, "ann@example.com", "Blue Harbor"); err != nil {
				return err
			}
			stored = costs.Hash(policy.Normalize(typed), []byte("sixteen bytes..."))
			return nil
		})
	}

	for _, typed := range []string{"hunter2", "blueharbor-ann@example.com", "gravel lantern oboe thursday"} {
		if refusal, ok := errors.AsType[*password.Refusal](set(typed)); ok {
			fmt.Println(refusal.Code, "-", refusal.Reason, refusal.Suggestions[0])
		}
	}
	right, err := password.Verify(stored, policy.Normalize("gravel lantern oboe thursday"))
	fmt.Println(right, err)
	// Output:
	// password_too_short - The password is too short. Use at least 15 characters.
	// password_too_weak - The password is easy to guess. Leave out your address and the name of this service.
	// true <nil>
}
