package cli

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rekeyhq/rekey/internal/loopback"
)

// healthCmd is `rekey health`: a container FROM scratch has no other client for a probe.
type healthCmd struct {
	URL string `arg:"" help:"URL to check: http://127.0.0.1:9090/readyz."`
}

func (h *healthCmd) check() error {
	if !isURL(h.URL, loopback.Web) {
		return errors.New("want a URL such as http://127.0.0.1:9090/readyz")
	}
	return nil
}

// Run checks once. The caller chooses the interval and the timeout.
func (h *healthCmd) Run(p *process) error {
	request, err := http.NewRequestWithContext(p.ctx, http.MethodGet, h.URL, nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // only its status is of interest
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", h.URL, response.Status)
	}
	return nil
}
