// Package workercomponent starts no controller of workers in a cloud.
package workercomponent

import "go.uber.org/fx"

// Module adds nothing to Temporal's server.
var Module = fx.Options()
