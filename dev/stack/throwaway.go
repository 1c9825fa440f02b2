package stack

import (
	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/password"
)

// Throwaway is a product for tests and measurements, without Temporal's UI. It is silent, on
// free ports, and keeps everything in memory that can be and the rest in dir. Its Argon2id has
// the least costs.
func Throwaway(dir string) Config {
	const free = "127.0.0.1:0"
	return Config{
		Listen: free, Temporal: free, Inbox: free, SMTP: free,
		Data: dir, Memory: true, ResetPassword: true,
		Hashing: password.Params{Memory: 64, Time: 1, Threads: 1}, Log: zerolog.Nop(),
	}
}
