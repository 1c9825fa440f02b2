package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
)

// temporalOptions reads Temporal's own settings: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
// TEMPORAL_API_KEY, TEMPORAL_TLS_*, or a profile of its configuration file.
func temporalOptions(logger zerolog.Logger) (client.Options, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return options, fmt.Errorf("settings of Temporal (TEMPORAL_* variables or profile): %w", err)
	}
	if options.HostPort == "" {
		options.HostPort = client.DefaultHostPort
	}
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	options.Logger = log.NewStructuredLogger(slog.New(zerolog.NewSlogHandler(logger)))
	if options.ConnectionOptions.TLS == nil && options.Credentials == nil && !isLoopback(options.HostPort) {
		return options, fmt.Errorf("the connection to Temporal at %s is not encrypted: set TEMPORAL_TLS=true (and its certificates), or TEMPORAL_API_KEY for Temporal Cloud", options.HostPort)
	}
	return options, nil
}

// checkBaseURL refuses a base URL that would mail links which travel in clear.
func checkBaseURL(base string) error {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return errors.New("--base-url ($REKEY_BASE_URL): want an absolute URL such as https://accounts.example.com")
	}
	if u.Scheme != "https" && !isLoopback(u.Host) {
		return errors.New("--base-url ($REKEY_BASE_URL): must be https, because links of mails begin with it")
	}
	return nil
}

// isLoopback reports that host, with or without a port, is this machine.
func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
