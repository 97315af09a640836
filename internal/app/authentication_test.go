package app

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/gate"
)

const shared = "0123456789abcdef0123456789abcdef"

// called calls through the gate that a configuration makes.
func called(t *testing.T, a *App, from string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	g, err := a.Gate("rest")
	if err != nil {
		t.Fatal(err)
	}
	return through(g, from, headers...)
}

func through(g *gate.Gate, from string, headers ...string) *httptest.ResponseRecorder {
	g.Refuse = func(w http.ResponseWriter, _ *http.Request, refusal gate.Refusal) {
		http.Error(w, refusal.Detail, refusal.Status)
	}
	r := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
	r.RemoteAddr = from
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := gate.CallerOf(r.Context())
		_, _ = io.WriteString(w, strings.Join([]string{caller.Name, string(caller.Role), gate.FromOf(r.Context())}, " "))
	})).ServeHTTP(w, r)
	return w
}

func said(t *testing.T, res *httptest.ResponseRecorder) string {
	t.Helper()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func signed(t *testing.T, claims jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(shared))
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token
}

// TestAuthenticationSettings: each decides who a token or call is taken for.
func TestAuthenticationSettings(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(shared), 0o600); err != nil {
		t.Fatal(err)
	}
	soon := time.Now().Add(time.Hour).Unix()
	claims := jwt.MapClaims{"sub": "1", "exp": soon, "groups": []string{"ops"}, "iss": "me", "aud": "us", "mail": "ann", "roles": "boss"}
	late := jwt.MapClaims{"sub": "1", "exp": time.Now().Add(-2 * time.Minute).Unix()}
	for name, test := range map[string]struct {
		settings string
		claims   jwt.MapClaims
		want     string
	}{
		"no key":        {``, claims, "401"},
		"a key":         {`auth: {jwt: {key_file: KEY}}`, claims, "1  192.0.2.1"},
		"roles":         {`auth: {jwt: {key_file: KEY}, roles: [ops=operator]}`, claims, "1 operator 192.0.2.1"},
		"default_role":  {`auth: {jwt: {key_file: KEY}, default_role: viewer}`, claims, "1 viewer 192.0.2.1"},
		"roles_claim":   {`auth: {jwt: {key_file: KEY}, roles: [boss=admin], roles_claim: roles}`, claims, "1 admin 192.0.2.1"},
		"name_claim":    {`auth: {jwt: {key_file: KEY}, name_claim: mail}`, claims, "ann  192.0.2.1"},
		"issuer":        {`auth: {jwt: {key_file: KEY, issuer: me}}`, claims, "1  192.0.2.1"},
		"other issuer":  {`auth: {jwt: {key_file: KEY, issuer: other}}`, claims, "401"},
		"audience":      {`auth: {jwt: {key_file: KEY, audience: us}}`, claims, "1  192.0.2.1"},
		"other":         {`auth: {jwt: {key_file: KEY, audience: them}}`, claims, "401"},
		"late":          {`auth: {jwt: {key_file: KEY}}`, late, "401"},
		"leeway":        {`auth: {jwt: {key_file: KEY}, leeway: 5m}`, late, "1  192.0.2.1"},
		"another proxy": {`{auth: {jwt: {key_file: KEY}}, api: {trusted_proxies: [10.0.0.1]}}`, claims, "1  192.0.2.1"},
		"trusted proxy": {`{auth: {jwt: {key_file: KEY}}, api: {trusted_proxies: [192.0.2.0/24]}}`, claims, "1  1.2.3.4"},
		"another page":  {`{auth: {jwt: {key_file: KEY}}, api: {cors_origins: ["https://b.example"]}}`, claims, "1  192.0.2.1"},
	} {
		a := opened(t, strings.ReplaceAll(test.settings, "KEY", key))
		res := called(t, a, "192.0.2.1:1", "Authorization", signed(t, test.claims), "X-Forwarded-For", "1.2.3.4")
		got := said(t, res)
		if res.Code == http.StatusUnauthorized {
			got = "401"
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestPagesAndRates(t *testing.T) {
	t.Parallel()
	a := opened(t, `api: {cors_origins: ["https://board.example"], rate_limit: 2}`)
	token, _, err := a.Tokens().Create(t.Context(), "ann", access.Viewer, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	g, err := a.Gate("rest")
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for range 20 {
		res := through(g, "192.0.2.1:1", "Authorization", "Bearer "+token, "Origin", "https://board.example")
		if res.Header().Get("Access-Control-Allow-Origin") != "https://board.example" {
			t.Errorf("%v", res.Header())
		}
		if res.Code == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Error("20 calls at once of whom may make 2 a second")
	}
}

// TestAnIssuerIsAskedLate: a configuration with an issuer opens without it, and says so when the first token comes.
func TestAnIssuerIsAskedLate(t *testing.T) {
	t.Parallel()
	a := opened(t, `auth: {oidc: {issuer: "http://127.0.0.1:1", audience: us}}`)
	if !Authenticates(a.Config) || Authenticates(config.Config{}) {
		t.Error("an issuer is a way to recognise callers")
	}
	res := called(t, a, "192.0.2.1:1", "Authorization", signed(t, jwt.MapClaims{"sub": "1"}))
	if text := said(t, res); res.Code != http.StatusServiceUnavailable || !strings.Contains(text, "http://127.0.0.1:1 cannot be discovered") {
		t.Errorf("%d: %s", res.Code, text)
	}
}

// TestMistakenAuthentication: half a setting is an error when serving begins, not a door that stays open.
func TestMistakenAuthentication(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		`auth: {oidc: {issuer: "https://i"}}`:                                     "needs both an issuer and an audience",
		`auth: {oidc: {audience: us}}`:                                            "needs both an issuer and an audience",
		`auth: {jwt: {issuer: me}}`:                                               "set auth.jwt.key_file",
		`auth: {jwt: {key_file: /nowhere}}`:                                       "key file /nowhere cannot be read",
		`api: {tls: {cert_file: /nowhere}}`:                                       "needs both cert_file and key_file",
		`api: {tls: {client_ca_file: /nowhere}}`:                                  "client_ca_file needs TLS",
		`api: {tls: {cert_file: /nowhere, key_file: /nowhere, min_version: 1.3}}`: "TLS cannot be had",
		`api: {trusted_proxies: [proxy]}`:                                         "neither an address nor a network",
		`api: {cors_origins: ["*"]}`:                                              "is no origin",
	} {
		a := opened(t, settings)
		if _, err := a.Gate("rest"); !errors.Is(err, ohfp.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", settings, err)
		}
	}
}

func TestAuditSettings(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a")
	for settings, want := range map[string]int{
		`audit: {file: PATH}`: 1, `audit: {file: PATH, reads: true}`: 2, `audit: {file: PATH, enabled: false}`: 0,
	} {
		a := opened(t, strings.ReplaceAll(settings, "PATH", path))
		for _, op := range []access.Operation{"requests.create", "requests.list"} {
			a.Audit.Begin(access.Caller{}, audit.Local, op).End(t.Context(), nil)
		}
		entries, _, err := audit.List(path, audit.Filter{})
		if err != nil || len(entries) != want {
			t.Errorf("%s: %d entries, %v", settings, len(entries), err)
		}
		_ = os.Remove(path) // there may be none
	}
}
