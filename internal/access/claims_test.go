package access_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/store/memory"
)

var issued = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return issued }

func rules() access.Claims {
	return access.Claims{
		Name: "email", Roles: "cognito:groups", Leeway: 30 * time.Second,
		Map: map[string]access.Role{"ops": access.Operator, "platform": access.Admin},
	}
}

// good are claims that are accepted.
func good(issuer string) jwt.MapClaims {
	return jwt.MapClaims{
		"iss": issuer, "aud": "ohfp", "sub": "1234", "email": "ann@example.com", "cognito:groups": []string{"x", "ops"},
		"exp": issued.Add(time.Hour).Unix(), "iat": issued.Unix(),
	}
}

func with(claims jwt.MapClaims, name string, value any) jwt.MapClaims {
	claims = maps.Clone(claims)
	if value == nil {
		delete(claims, name)
	} else {
		claims[name] = value
	}
	return claims
}

func sign(t *testing.T, method jwt.SigningMethod, key any, id string, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	if id != "" {
		token.Header["kid"] = id
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// mistakes are claims that are refused, of issuer I and audience ohfp.
func mistakes(issuer string) map[string]jwt.MapClaims {
	ok := good(issuer)
	return map[string]jwt.MapClaims{
		"expired":              with(ok, "exp", issued.Add(-31*time.Second).Unix()),
		"expires never":        with(ok, "exp", nil),
		"expires in words":     with(ok, "exp", "tomorrow"),
		"expires in eternity":  with(ok, "exp", 1e300),
		"not yet":              with(ok, "nbf", issued.Add(time.Minute).Unix()),
		"not yet, in words":    with(ok, "nbf", "now"),
		"of the future":        with(ok, "iat", issued.Add(time.Minute).Unix()),
		"for others":           with(ok, "aud", "others"),
		"for several others":   with(ok, "aud", []string{"a", "b"}),
		"for nobody":           with(ok, "aud", nil),
		"for others by client": with(with(ok, "aud", nil), "client_id", "others"),
		"aud wins":             with(with(ok, "aud", "others"), "client_id", "ohfp"),
		"of another":           with(ok, "iss", issuer+"/other"),
		"of nobody":            with(ok, "iss", nil),
		"about nobody":         with(with(ok, "sub", nil), "email", nil),
	}
}

func pemFile(t *testing.T, kind string, der []byte) string {
	t.Helper()
	return file(t, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func file(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func public(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ecKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func recogniser(t *testing.T, path string) *access.JWT {
	t.Helper()
	key, err := access.ReadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	return &access.JWT{Key: key, Issuer: "https://i", Audience: "ohfp", Claims: rules(), Now: clock}
}

func TestJWT(t *testing.T) {
	t.Parallel()
	shared := []byte(strings.Repeat("k", 32))
	rsaOne, rsaTwo, ec := rsaKey(t, 2048), rsaKey(t, 2048), ecKey(t, elliptic.P256())
	rsaPublic := public(t, &rsaOne.PublicKey)
	rsaFile := pemFile(t, "PUBLIC KEY", rsaPublic)
	for name, test := range map[string]struct {
		file   string
		method jwt.SigningMethod
		key    any
	}{
		"HS256": {file(t, append(shared, '\n')), jwt.SigningMethodHS256, shared},
		"RS256": {rsaFile, jwt.SigningMethodRS256, rsaOne},
		"ES256": {pemFile(t, "PUBLIC KEY", public(t, &ec.PublicKey)), jwt.SigningMethodES256, ec},
	} {
		j := recogniser(t, test.file)
		caller, err := j.Recognise(t.Context(), sign(t, test.method, test.key, "", good("https://i")))
		if want := (access.Caller{Name: "ann@example.com", By: access.ByJWT, Role: access.Operator}); err != nil || caller != want {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
		for mistake, claims := range mistakes("https://i") {
			if caller, err := j.Recognise(t.Context(), sign(t, test.method, test.key, "", claims)); !errors.Is(err, ohfp.ErrDenied) {
				t.Errorf("%s, %s: %+v, %v", name, mistake, caller, err)
			}
		}
		right := sign(t, test.method, test.key, "", good("https://i"))
		head, rest, _ := strings.Cut(right, ".")
		body, _, _ := strings.Cut(rest, ".")
		none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
		for mistake, token := range map[string]string{
			"another key":         sign(t, jwt.SigningMethodRS256, rsaTwo, "", good("https://i")),
			"another secret":      sign(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), "", good("https://i")),
			"another algorithm":   sign(t, jwt.SigningMethodHS512, shared, "", good("https://i")),
			"none":                sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", good("https://i")),
			"none by hand":        none + "." + body + ".",
			"the public key":      sign(t, jwt.SigningMethodHS256, rsaPublic, "", good("https://i")),
			"the public key file": sign(t, jwt.SigningMethodHS256, read(t, rsaFile), "", good("https://i")),
			"no signature":        head + "." + body + ".",
			"nothing":             "..",
			"words":               "a.b.c",
		} {
			if caller, err := j.Recognise(t.Context(), token); !errors.Is(err, ohfp.ErrDenied) {
				t.Errorf("%s, %s: %+v, %v", name, mistake, caller, err)
			}
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	private, err := x509.MarshalPKCS8PrivateKey(ecKey(t, elliptic.P256()))
	if err != nil {
		t.Fatal(err)
	}
	for want, path := range map[string]string{
		"cannot be read":              "/nowhere",
		"has 31 bytes":                file(t, []byte(strings.Repeat("k", 31)+"\n")),
		"holds a PRIVATE KEY":         pemFile(t, "PRIVATE KEY", private),
		"has 1024 bits":               pemFile(t, "PUBLIC KEY", public(t, &rsaKey(t, 1024).PublicKey)),
		"on the curve P-384":          pemFile(t, "PUBLIC KEY", public(t, &ecKey(t, elliptic.P384()).PublicKey)),
		"PUBLIC KEY":                  pemFile(t, "RSA PUBLIC KEY", nil),
		"x509: malformed certificate": pemFile(t, "CERTIFICATE", []byte("x")),
		// What everybody may know is no shared secret.
		"a public key in DER":     file(t, public(t, &rsaKey(t, 2048).PublicKey)),
		"a public key in base64":  file(t, []byte(base64.StdEncoding.EncodeToString(public(t, &ecKey(t, elliptic.P256()).PublicKey))+"\n")),
		"PEM that cannot be read": file(t, append([]byte("\ufeff"), read(t, pemFile(t, "PUBLIC KEY", public(t, &rsaKey(t, 2048).PublicKey)))...)),
		"a public key of SSH":     file(t, []byte("ssh-rsa "+strings.Repeat("A", 300)+" ann@host\n")),
		"a key in JSON":           file(t, []byte(`{"keys": [{"kty": "RSA", "n": "`+strings.Repeat("A", 300)+`", "e": "AQAB"}]}`)),
	} {
		if _, err := access.ReadKey(path); !errors.Is(err, ohfp.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	shared := []byte(strings.Repeat("k", 32))
	j := recogniser(t, file(t, shared))
	ok := good("https://i")
	for name, test := range map[string]struct {
		claims    jwt.MapClaims
		roles     string
		otherwise access.Role
		want      access.Caller
	}{
		"the greatest":        {claims: with(ok, "cognito:groups", []string{"ops", "platform"}), want: access.Caller{Name: "ann@example.com", Role: access.Admin}},
		"words in a text":     {claims: with(ok, "scope", "read ops"), roles: "scope", want: access.Caller{Name: "ann@example.com", Role: access.Operator}},
		"inside":              {claims: with(ok, "realm", map[string]any{"deep": map[string]any{"roles": []string{"platform"}}}), roles: "realm.deep.roles", want: access.Caller{Name: "ann@example.com", Role: access.Admin}},
		"none of them":        {claims: with(ok, "cognito:groups", []string{"x"}), want: access.Caller{Name: "ann@example.com"}},
		"no such claim":       {claims: with(ok, "cognito:groups", nil), otherwise: access.Viewer, want: access.Caller{Name: "ann@example.com", Role: access.Viewer}},
		"a claim of numbers":  {claims: with(ok, "cognito:groups", []int{1}), want: access.Caller{Name: "ann@example.com"}},
		"the name is missing": {claims: with(ok, "email", nil), want: access.Caller{Name: "1234", Role: access.Operator}},
		"a name with colours": {claims: with(ok, "email", "\x1b[31mann\n"), want: access.Caller{Name: "[31mann", Role: access.Operator}},
		"within the leeway":   {claims: with(with(ok, "exp", issued.Add(-29*time.Second).Unix()), "nbf", issued.Add(29*time.Second).Unix()), want: access.Caller{Name: "ann@example.com", Role: access.Operator}},
		"one of the audience": {claims: with(ok, "aud", []string{"a", "ohfp"}), want: access.Caller{Name: "ann@example.com", Role: access.Operator}},
		"Cognito's client":    {claims: with(with(ok, "aud", nil), "client_id", "ohfp"), want: access.Caller{Name: "ann@example.com", Role: access.Operator}},
	} {
		j := *j
		if test.roles != "" {
			j.Claims.Roles = test.roles
		}
		j.Claims.Default = test.otherwise
		test.want.By = access.ByJWT
		caller, err := j.Recognise(t.Context(), sign(t, jwt.SigningMethodHS256, shared, "", test.claims))
		if err != nil || caller != test.want {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
	if _, err := access.ParseRoles([]string{"ops"}); !errors.Is(err, ohfp.ErrInvalid) {
		t.Error(err)
	}
	if roles, err := access.ParseRoles([]string{"OU:a=b=admin"}); err != nil || roles["OU:a=b"] != access.Admin {
		t.Errorf("%v, %v", roles, err)
	}
	long := access.Plain(strings.Repeat("é", 200))
	if len(long) != 256 || !strings.HasSuffix(long, "é") {
		t.Errorf("%d bytes: %q", len(long), long)
	}
}

// issuer is an OpenID Connect issuer.
type issuer struct {
	*httptest.Server

	keys  atomic.Value // of func() map[string]crypto.PublicKey
	down  atomic.Bool
	asked atomic.Int32
}

func newIssuer(t *testing.T, keys map[string]*rsa.PrivateKey) *issuer {
	t.Helper()
	i := &issuer{}
	i.show(keys)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		if i.down.Load() {
			http.Error(w, "<html>\nnot now", http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(map[string]any{
				"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/a", "token_endpoint": i.URL + "/t",
				"id_token_signing_alg_values_supported": []string{"RS256"},
			})
		case "/keys":
			list := []map[string]string{}
			shown, _ := i.keys.Load().(map[string]crypto.PublicKey)
			for id, key := range shown {
				if key, ok := key.(*rsa.PublicKey); ok {
					list = append(list, map[string]string{
						"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
					})
				}
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"keys": list})
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) show(keys map[string]*rsa.PrivateKey) {
	shown := map[string]crypto.PublicKey{}
	for id, key := range keys {
		shown[id] = &key.PublicKey
	}
	i.keys.Store(shown)
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	one, two := rsaKey(t, 2048), rsaKey(t, 2048)
	i := newIssuer(t, map[string]*rsa.PrivateKey{"one": one})
	now := issued
	o := &access.OIDC{Issuer: i.URL, Audience: "ohfp", Claims: rules(), Now: func() time.Time { return now }}
	right := sign(t, jwt.SigningMethodRS256, one, "one", good(i.URL))

	i.down.Store(true)
	for range 2 {
		if _, err := o.Recognise(t.Context(), right); !errors.Is(err, ohfp.ErrUnavailable) || strings.Contains(err.Error(), "\n") {
			t.Errorf("while it is down: %v", err)
		}
	}
	if asked := i.asked.Load(); asked != 1 {
		t.Errorf("asked %d times within a moment", asked)
	}
	i.down.Store(false)
	now = now.Add(10 * time.Second)

	caller, err := o.Recognise(t.Context(), right)
	if want := (access.Caller{Name: "ann@example.com", By: access.ByOIDC, Role: access.Operator}); err != nil || caller != want {
		t.Errorf("%+v, %v", caller, err)
	}
	before := i.asked.Load()
	if _, err := o.Recognise(t.Context(), right); err != nil || i.asked.Load() != before {
		t.Errorf("%v; asked again %d times", err, i.asked.Load()-before)
	}
	now = issued
	for mistake, claims := range mistakes(i.URL) {
		if caller, err := o.Recognise(t.Context(), sign(t, jwt.SigningMethodRS256, one, "one", claims)); !errors.Is(err, ohfp.ErrDenied) {
			t.Errorf("%s: %+v, %v", mistake, caller, err)
		}
	}
	for mistake, token := range map[string]string{
		"another key":    sign(t, jwt.SigningMethodRS256, two, "one", good(i.URL)),
		"an unknown key": sign(t, jwt.SigningMethodRS256, two, "two", good(i.URL)),
		"none":           sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "one", good(i.URL)),
		"a shared key":   sign(t, jwt.SigningMethodHS256, one.N.Bytes(), "one", good(i.URL)),
		"nothing":        "..",
	} {
		if caller, err := o.Recognise(t.Context(), token); !errors.Is(err, ohfp.ErrDenied) {
			t.Errorf("%s: %+v, %v", mistake, caller, err)
		}
	}

	// The issuer changes its keys, and cannot be asked for a while.
	fresh := sign(t, jwt.SigningMethodRS256, two, "two", good(i.URL))
	// A question for keys is open for a moment after its answer, and who asks meanwhile has that answer, too.
	recognise := func(want error) (err error) {
		for range 500 {
			if _, err = o.Recognise(t.Context(), fresh); errors.Is(err, want) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		return err
	}
	i.down.Store(true)
	if err := recognise(ohfp.ErrUnavailable); !errors.Is(err, ohfp.ErrUnavailable) {
		t.Errorf("a key that cannot be asked for: %v", err)
	}
	i.down.Store(false)
	i.show(map[string]*rsa.PrivateKey{"two": two})
	if err := recognise(nil); err != nil {
		t.Errorf("a new key: %v", err)
	}
}

// TestBearers: each token is tried in one way.
func TestBearers(t *testing.T) {
	t.Parallel()
	one := rsaKey(t, 2048)
	i := newIssuer(t, map[string]*rsa.PrivateKey{"one": one})
	shared := []byte(strings.Repeat("k", 32))
	tokens := access.Tokens{Memory: memory.New(clock), Now: clock}
	own, _, err := tokens.Create(t.Context(), "bob", access.Viewer, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	j := recogniser(t, file(t, shared))
	j.Issuer = "" // whoever has the key, but never in the name of the other issuer
	b := access.Bearers{Tokens: tokens, JWT: j, OIDC: &access.OIDC{Issuer: i.URL, Audience: "ohfp", Claims: rules(), Now: clock}}
	for token, want := range map[string]access.Proof{
		own: access.ByToken,
		sign(t, jwt.SigningMethodRS256, one, "one", good(i.URL)):       access.ByOIDC,
		sign(t, jwt.SigningMethodHS256, shared, "", good("https://i")): access.ByJWT,
	} {
		if caller, err := b.Recognise(t.Context(), token); err != nil || caller.By != want {
			t.Errorf("%+v, %v, want %s", caller, err, want)
		}
	}
	bare := access.Bearers{Tokens: tokens}
	for _, token := range []string{
		"", "x", "ohfp_x", sign(t, jwt.SigningMethodHS256, shared, "", good(i.URL)),
	} {
		for _, b := range []access.Bearers{b, bare} {
			if caller, err := b.Recognise(t.Context(), token); !errors.Is(err, ohfp.ErrDenied) {
				t.Errorf("%q: %+v, %v", token, caller, err)
			}
		}
	}
}
