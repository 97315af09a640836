package app

import (
	"crypto/tls"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/gate"
)

// auditLog is where it is recorded who did what; nil: nowhere.
func (a *App) auditLog(o Options) *audit.Log {
	if !a.Config.Audit.Enabled {
		return nil
	}
	return &audit.Log{Path: a.Config.Audit.File, Reads: a.Config.Audit.Reads, Now: o.Now, Log: a.Log}
}

// Tokens are those that this program makes.
func (a *App) Tokens() access.Tokens { return access.Tokens{Memory: a.Commands.Store, Now: a.now} }

// Gate is what stands before a face over HTTP as the configuration has it, but for how it refuses and where it listens.
// Issuers are asked nothing before the first token comes.
func (a *App) Gate(face string) (*gate.Gate, error) {
	cfg := a.Config
	g := &gate.Gate{
		Face: face, Local: access.Caller{Role: access.Role(cfg.Access.LocalRole)}, Now: a.now, Audit: a.Audit,
		Limit:  gate.Limit{PerSecond: float64(cfg.API.RateLimit), Burst: 2 * cfg.API.RateLimit},
		Misses: gate.Limit{PerSecond: missesPerSecond, Burst: 10 * missesPerSecond},
	}
	var err error
	if g.Bearers, err = a.bearers(); err != nil {
		return nil, err
	}
	if g.Origins, err = gate.ParseOrigins(cfg.API.Origins); err != nil {
		return nil, err
	}
	if g.Proxies, err = gate.ParseProxies(cfg.API.Proxies); err != nil {
		return nil, err
	}
	if g.TLS, err = a.encryption(); err != nil {
		return nil, err
	}
	if cfg.API.TLS.ClientCAFile != "" {
		roles, err := access.ParseRoles(cfg.Auth.CertificateRoles)
		if err != nil {
			return nil, err
		}
		g.Certificates = &access.Certificates{Roles: roles, Default: access.Role(cfg.Auth.DefaultRole)}
	}
	return g, nil
}

// missesPerSecond is how often one address may send what is not recognised: a token has 256 bits, so this is to spare the store and
// the issuers.
const missesPerSecond = 10

// Authenticates says whether the configuration names a way to recognise callers besides the program's own tokens.
func Authenticates(cfg config.Config) bool {
	return cfg.Auth.JWT.KeyFile != "" || cfg.Auth.OIDC.Issuer != "" || cfg.API.TLS.ClientCAFile != ""
}

func (a *App) bearers() (access.Bearers, error) {
	auth, b := a.Config.Auth, access.Bearers{Tokens: a.Tokens()}
	roles, err := access.ParseRoles(auth.Roles)
	if err != nil {
		return b, err
	}
	claims := access.Claims{
		Name: auth.NameClaim, Roles: auth.RolesClaim, Map: roles, Default: access.Role(auth.DefaultRole), Leeway: auth.Leeway,
	}
	if auth.JWT.KeyFile != "" {
		key, err := access.ReadKey(auth.JWT.KeyFile)
		if err != nil {
			return b, err
		}
		b.JWT = &access.JWT{Key: key, Issuer: auth.JWT.Issuer, Audience: auth.JWT.Audience, Claims: claims, Now: a.now}
	} else if auth.JWT.Issuer != "" || auth.JWT.Audience != "" {
		return b, ohfp.Errorf(ohfp.ErrInvalid, "auth.jwt has an issuer or an audience and no key; set auth.jwt.key_file")
	}
	if (auth.OIDC.Issuer == "") != (auth.OIDC.Audience == "") {
		return b, ohfp.Errorf(ohfp.ErrInvalid, "auth.oidc needs both an issuer and an audience: tokens for other programs must not be taken here")
	}
	if auth.OIDC.Issuer != "" {
		b.OIDC = &access.OIDC{Issuer: auth.OIDC.Issuer, Audience: auth.OIDC.Audience, Claims: claims, Now: a.now}
	}
	return b, nil
}

// encryption is nil when answers are not encrypted.
func (a *App) encryption() (*tls.Config, error) {
	at := a.Config.API.TLS
	switch {
	case (at.CertFile == "") != (at.KeyFile == ""):
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "api.tls needs both cert_file and key_file")
	case at.CertFile == "" && at.ClientCAFile != "":
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "api.tls.client_ca_file needs TLS; set api.tls.cert_file and api.tls.key_file")
	case at.CertFile == "":
		return nil, nil //nolint:nilnil // it is optional
	}
	files := &gate.Files{
		CertFile: at.CertFile, KeyFile: at.KeyFile, ClientCAFile: at.ClientCAFile, MinVersion: tls.VersionTLS12, Now: a.now,
		Warn: func(err error) {
			a.Log.Warn("the files of TLS have changed and cannot be used; those before stay in use", "error", err)
		},
	}
	if at.MinVersion == "1.3" {
		files.MinVersion = tls.VersionTLS13
	}
	return files.Config()
}
