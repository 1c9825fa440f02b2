package replay_test

import (
	"errors"
	"fmt"
	"log"

	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/replay"
)

// A host that builds its own worker checks a history that it has downloaded.
func ExampleReplayer_Check() {
	check := func(h *historypb.History) error {
		codec, err := keys.Open("/etc/rekey/keys").Payload()
		if err != nil {
			return err
		}
		replayer, err := replay.New(codec)
		if err != nil {
			return err
		}
		warnings, err := replayer.Check(h)
		for _, w := range warnings {
			log.Print(w)
		}
		if diverged := new(replay.Divergence); errors.As(err, &diverged) {
			fmt.Printf("at event %d the history has %s, and the code %s\n", diverged.Event, diverged.What, diverged.Code)
		}
		return err
	}
	if err := check(&historypb.History{}); err != nil {
		log.Print(err)
	}
}
