package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc"

	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/internal/secretfile"
	"github.com/rekeyhq/rekey/internal/usage"
	"github.com/rekeyhq/rekey/keys"
)

// temporalOptions are those of a connection to Temporal.
func (p *process) temporalOptions() (client.Options, error) {
	if p.embedded != nil {
		return *p.embedded, nil
	}
	options, err := temporalSettings(p.log)
	// gRPC looks in the DNS for settings of the service too, which Temporal has none of. A resolver that
	// does not answer would delay each connection until it fails, although the address is known.
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithDisableServiceConfig())
	if err == nil && (p.compression == "off" || p.compression == "auto" && isNear(p.ctx, options.HostPort)) {
		options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	}
	return options, err
}

// temporalSettings reads Temporal's own settings: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
// TEMPORAL_API_KEY, TEMPORAL_TLS_*, or a profile of its configuration file.
func temporalSettings(logger zerolog.Logger) (client.Options, error) {
	if err := checkSecrets("TEMPORAL_TLS_CLIENT_KEY_PATH"); err != nil {
		return client.Options{}, err
	}
	file, err := temporalFile()
	if err != nil {
		return client.Options{}, err
	}
	options, err := profileOptions(file)
	if err != nil {
		return options, usage.Mark(fmt.Errorf("settings of Temporal (TEMPORAL_* variables or profile): %w", err))
	}
	if options.HostPort == "" {
		options.HostPort = client.DefaultHostPort
	}
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	options.Logger = log.NewStructuredLogger(slog.New(zerolog.NewSlogHandler(logger)))
	return options, usage.Mark(checkTemporal(options))
}

// lookupWait bounds the question whether Temporal is near.
const lookupWait = 2 * time.Second

// isNear reports that all addresses of Temporal are of this machine or of private networks. The
// bytes of a request cost less there than the CPU time of their compression, and most are
// ciphertext, which gzip makes no smaller (docs/performance.md). A name that cannot be looked up
// is far: Temporal is compressed by default.
func isNear(ctx context.Context, target string) bool {
	host, _, err := net.SplitHostPort(target[strings.LastIndexByte(target, '/')+1:])
	if err != nil {
		return strings.HasPrefix(target, "unix:")
	}
	ctx, cancel := context.WithTimeout(ctx, lookupWait)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	return err == nil && !slices.ContainsFunc(addrs, func(a netip.Addr) bool {
		a = a.Unmap()
		return !a.IsLoopback() && !a.IsPrivate() && !a.IsLinkLocalUnicast()
	})
}

// checkTemporal refuses an address that is none, and a connection that others can read.
func checkTemporal(options client.Options) error {
	tls := options.ConnectionOptions.TLS
	switch {
	case !isTarget(options.HostPort):
		return errors.New("TEMPORAL_ADDRESS (or address of its profile): want HOST:PORT, such as 127.0.0.1:7233 or temporal.example.com:7233, without http://")
	case loopback.Is(options.HostPort):
		return nil
	case tls == nil:
		return fmt.Errorf("the connection to Temporal at %s is not encrypted: set TEMPORAL_TLS=true (and its certificates), or TEMPORAL_API_KEY for Temporal Cloud", options.HostPort)
	case tls.InsecureSkipVerify:
		return fmt.Errorf("the certificate of Temporal at %s is not verified: unset TEMPORAL_TLS_DISABLE_HOST_VERIFICATION, and name its authority with TEMPORAL_TLS_SERVER_CA_CERT_PATH", options.HostPort)
	default:
		return nil
	}
}

// temporalFile is the content of Temporal's configuration file. It may hold API keys and names the
// server, so it is judged as files of secrets are. A missing file is no error, as with Temporal's
// own programs.
func temporalFile() ([]byte, error) {
	const variable = "TEMPORAL_CONFIG_FILE"
	path, name := os.Getenv(variable), variable
	if path == "" {
		path, name = envconfig.DefaultConfigFilePath(), "Temporal's configuration file ("+variable+" names another)"
	}
	if path == "" || path == os.DevNull { // the usual way to say none
		return nil, nil
	}
	b, err := secretfile.Read(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// profileOptions reads the profile that TEMPORAL_PROFILE names, and variables over it.
func profileOptions(file []byte) (client.Options, error) {
	profile, err := envconfig.LoadClientConfigProfile(envconfig.LoadClientConfigProfileOptions{
		ConfigFileData: append(file, '\n'), // without data it would look for a file itself
	})
	if err != nil {
		return client.Options{}, err
	}
	if profile.TLS != nil {
		if err := checkSecret(profile.TLS.ClientKeyPath); err != nil {
			return client.Options{}, err
		}
	}
	return profile.ToClientOptions(envconfig.ToClientOptionsRequest{})
}

// isTarget reports that an address is host and port, or names a resolver of gRPC.
func isTarget(address string) bool {
	if strings.HasPrefix(address, "dns:") || strings.HasPrefix(address, "passthrough:") || strings.HasPrefix(address, "unix:") {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	return err == nil && host != "" && usage.Address(address) == nil
}

// dial connects to Temporal. Each change is made to its options before.
func (p *process) dial(ctx context.Context, change ...func(client.Options) client.Options) (c client.Client, namespace string, err error) {
	options, err := p.temporalOptions()
	if err != nil {
		return nil, "", err
	}
	for _, with := range change {
		options = with(options)
	}
	if c, err = client.DialContext(ctx, options); err != nil {
		return nil, "", fmt.Errorf("connect to Temporal at %s: %w", options.HostPort, err)
	}
	return c, options.Namespace, nil
}

// explain names the setting that an error at run time is about.
func explain(command *kong.Context, err error) error {
	var unreadable *keys.FileError
	switch {
	case errors.As(err, &unreadable) && takesKeys(command):
		return fmt.Errorf("--keys ($REKEY_KEYS): %w", err)
	case errors.Is(err, keys.ErrUse):
		return usage.Mark(err)
	case errors.As(err, new(*serviceerror.Unavailable)), errors.As(err, new(*serviceerror.DeadlineExceeded)):
		return fmt.Errorf("%w; check TEMPORAL_ADDRESS", err)
	case errors.As(err, new(*serviceerror.NamespaceNotFound)):
		return fmt.Errorf("%w; check TEMPORAL_NAMESPACE", err)
	default:
		return err
	}
}

// takesKeys reports that a command has the flag --keys. Others name the folder as an argument.
func takesKeys(command *kong.Context) bool {
	return slices.ContainsFunc(command.Flags(), func(f *kong.Flag) bool { return f.Name == "keys" })
}
