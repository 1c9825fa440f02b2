package cli

import (
	"cmp"
	"errors"
	"fmt"
	"net"

	"github.com/rekeyhq/rekey/codecserver"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/web"
)

// codecCmd is `rekey codec`.
type codecCmd struct {
	Listen   string `default:"127.0.0.1:8081" env:"REKEY_CODEC_LISTEN" help:"Address to serve on."`
	Keys     string `required:"" type:"path" env:"REKEY_KEYS" help:"Folder of keysets (reads payload.json)."`
	UIOrigin string `required:"" name:"ui-origin" env:"REKEY_UI_ORIGIN" help:"Origin of Temporal's UI; only its pages may send requests: https://temporal.example.com."`

	codecFlags

	opsFlags
}

// codecFlags are the ways to authenticate a caller, which `rekey one` has too.
type codecFlags struct {
	BearerFile   string `type:"path" env:"REKEY_BEARER_FILE" help:"File with a secret that operators send as a bearer: temporal --codec-auth."`
	OIDCIssuer   string `name:"oidc-issuer" env:"REKEY_OIDC_ISSUER" help:"OpenID Connect issuer of the access tokens that the UI passes on: https://login.example.com."`
	OIDCAudience string `name:"oidc-audience" env:"REKEY_OIDC_AUDIENCE" help:"Their required audience."`
	ProxyFile    string `name:"proxy-secret-file" type:"path" env:"REKEY_PROXY_SECRET_FILE" help:"File with a secret that an authenticating proxy sends as a bearer. Lets the UI send cookies."`
	ProxyUser    string `name:"proxy-user-header" default:"X-Forwarded-User" env:"REKEY_PROXY_USER_HEADER" help:"Header of that proxy with the operator's name."`
}

// Run serves until p.ctx ends.
func (c *codecCmd) Run(p *process) (err error) {
	payloads, err := keys.Open(c.Keys).Payload()
	if err != nil {
		return err
	}
	ways, err := c.ways(p)
	if err != nil {
		return p.unlessStopped(err)
	}
	handler, err := codecserver.New(codecserver.Config{
		Decoder: payloads, Origin: c.UIOrigin, Auth: ways, Cookies: c.ProxyFile != "", Log: p.log,
	})
	if err != nil {
		return err
	}
	op, err := c.operate(p, "rekey-codec")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, op.close()) }()
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("--listen ($REKEY_CODEC_LISTEN): %w", err)
	}
	p.log.Info().Stringer("addr", listener.Addr()).Str("ui", c.UIOrigin).Msg("codec server listens")
	defer p.log.Info().Msg("codec server stopped")
	return web.Serve(p.ctx, listener, handler, p.log)
}

func (c *codecCmd) check() error {
	if err := codecserver.CheckOrigin(c.UIOrigin); err != nil {
		return fmt.Errorf("--ui-origin ($REKEY_UI_ORIGIN): %w", err)
	}
	if err := c.codecFlags.check(); err != nil {
		return err
	}
	switch {
	case c.BearerFile == "" && c.OIDCIssuer == "" && c.ProxyFile == "": // every client could ask
		return errors.New("no authentication: set --bearer-file ($REKEY_BEARER_FILE), --oidc-issuer ($REKEY_OIDC_ISSUER) or --proxy-secret-file ($REKEY_PROXY_SECRET_FILE)")
	default:
		return cmp.Or(checkListen("--listen ($REKEY_CODEC_LISTEN)", c.Listen), c.opsFlags.check())
	}
}

func (c *codecFlags) check() error {
	if (c.OIDCIssuer == "") != (c.OIDCAudience == "") {
		return errors.New("--oidc-issuer ($REKEY_OIDC_ISSUER) and --oidc-audience ($REKEY_OIDC_AUDIENCE): set both or none")
	}
	return nil
}

// ways are the ways to authenticate a caller.
func (c *codecFlags) ways(p *process) ([]codecserver.Auth, error) {
	var ways []codecserver.Auth
	for _, way := range []struct {
		flag, setting string
		open          func() (codecserver.Auth, error)
	}{
		{"--bearer-file ($REKEY_BEARER_FILE)", c.BearerFile, func() (codecserver.Auth, error) { return bySecret(c.BearerFile, codecserver.Bearer) }},
		{"--proxy-secret-file ($REKEY_PROXY_SECRET_FILE)", c.ProxyFile, func() (codecserver.Auth, error) {
			return bySecret(c.ProxyFile, func(secret string) (codecserver.Auth, error) { return codecserver.Proxy(secret, c.ProxyUser) })
		}},
		{"--oidc-issuer ($REKEY_OIDC_ISSUER)", c.OIDCIssuer, func() (codecserver.Auth, error) { return codecserver.OIDC(p.ctx, c.OIDCIssuer, c.OIDCAudience) }},
	} {
		if way.setting == "" {
			continue
		}
		a, err := way.open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", way.flag, err)
		}
		ways = append(ways, a)
	}
	return ways, nil
}

func bySecret(path string, open func(string) (codecserver.Auth, error)) (codecserver.Auth, error) {
	secret, err := readSecret(path)
	if err != nil {
		return nil, err
	}
	return open(secret)
}
