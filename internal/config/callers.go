package config

import "time"

// API is where ohfp serve answers over HTTP.
type API struct {
	Enabled    bool
	Host       string
	Port       int    // 0: any that is free
	SocketPath string // of a Unix socket to answer on instead; empty: none
	Tokens     bool   // callers on loopback need a token too

	TLS        TLS
	RateLimit  int      // calls a second of each caller; 0: none
	MaxStreams int      // that each caller may have open at once; 0: any number
	Origins    []string // of pages in browsers that may call
	Proxies    []string // addresses and networks of those who may say for whom they call
}

// TLS is what answers over HTTP are encrypted with.
type TLS struct {
	CertFile     string // empty: they are not encrypted
	KeyFile      string
	ClientCAFile string // who signs certificates of callers; empty: they are not asked for
	MinVersion   string // 1.2 or 1.3
}

// Auth is how callers over HTTP are recognised besides the tokens of this program.
type Auth struct {
	JWT              JWT
	OIDC             OIDC
	NameClaim        string
	RolesClaim       string
	Roles            []string // entries such as ops=operator
	DefaultRole      string   // of those whom no entry names; empty: none
	CertificateRoles []string // entries such as OU:ops=operator
	Leeway           time.Duration
}

// JWT is one key that signs tokens of others.
type JWT struct {
	KeyFile  string // empty: none
	Issuer   string // empty: any
	Audience string // empty: any
}

// OIDC is an issuer of tokens by OpenID Connect.
type OIDC struct {
	Issuer   string // empty: none
	Audience string
}

// Audit is where it is recorded who did what.
type Audit struct {
	Enabled bool
	File    string
	Reads   bool // operations that change nothing too
}

// Access is what callers may do.
type Access struct {
	LocalRole string // of whoever runs commands and scripts here: viewer, operator or admin
}
