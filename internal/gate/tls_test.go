package gate_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/gate"
)

// signer signs certificates.
type signer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newSigner(t *testing.T) signer {
	t.Helper()
	key := got(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "signer"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := got(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))(t)
	return signer{got(x509.ParseCertificate(der))(t), key}
}

// got fails the test when there is an error.
func got[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// signs makes a certificate and its key, in PEM.
func (s signer) signs(t *testing.T, template x509.Certificate, usage x509.ExtKeyUsage) (certificate, key []byte) {
	t.Helper()
	own := got(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template.SerialNumber, template.NotBefore = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{usage}
	der := got(x509.CreateCertificate(rand.Reader, &template, s.certificate, &own.PublicKey, s.key))(t)
	private := got(x509.MarshalPKCS8PrivateKey(own))(t)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}

func (s signer) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.certificate.Raw})
}

func server(name string) x509.Certificate {
	return x509.Certificate{Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTLS serves with files that change, to callers with certificates and without.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	own, others, strangers := newSigner(t), newSigner(t), newSigner(t)
	certificate, key := own.signs(t, server("first"), x509.ExtKeyUsageServerAuth)
	write(t, at("cert"), certificate)
	write(t, at("key"), key)
	write(t, at("ca"), others.pem())

	var mu sync.Mutex
	now := time.Now()
	var warned []error
	files := &gate.Files{
		CertFile: at("cert"), KeyFile: at("key"), ClientCAFile: at("ca"), MinVersion: tls.VersionTLS13,
		Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		},
		Warn: func(err error) {
			mu.Lock()
			defer mu.Unlock()
			warned = append(warned, err)
		},
	}
	later := func() {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(2 * time.Second)
	}
	config, err := files.Config()
	if err != nil {
		t.Fatal(err)
	}
	g := newGate()
	g.TLS = config
	g.Certificates = &access.Certificates{Roles: map[string]access.Role{"OU:ops": access.Operator}}
	listening := &http.Server{Handler: g.Wrap(http.HandlerFunc(behind)), TLSConfig: config, ReadHeaderTimeout: time.Minute}
	listener := got((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = listening.ServeTLS(listener, "", "") // until it is closed
	}()
	t.Cleanup(func() {
		_ = listening.Close()
		<-ended
	})
	roots := x509.NewCertPool()
	roots.AddCert(own.certificate)

	// ask makes a call on a connection of its own.
	ask := func(change func(*tls.Config), headers ...string) (status int, who told, with *tls.ConnectionState, err error) {
		client := &tls.Config{RootCAs: roots}
		if change != nil {
			change(client)
		}
		transport := &http.Transport{TLSClientConfig: client, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		r := got(http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+listener.Addr().String()+"/", nil))(t)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		res, err := transport.RoundTrip(r)
		if err != nil {
			return 0, told{}, nil, err
		}
		defer res.Body.Close()
		_ = json.NewDecoder(res.Body).Decode(&who) // a refusal is no JSON
		if res.ProtoMajor != 2 || res.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s, %v", res.Proto, res.Header)
		}
		return res.StatusCode, who, res.TLS, nil
	}
	as := func(by signer, template x509.Certificate, usage x509.ExtKeyUsage) func(*tls.Config) {
		certificate, key := by.signs(t, template, usage)
		pair := got(tls.X509KeyPair(certificate, key))(t)
		return func(c *tls.Config) {
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
	}
	ann := x509.Certificate{Subject: pkix.Name{CommonName: "ann", OrganizationalUnit: []string{"ops"}}}
	if status, who, _, err := ask(nil, bearer, "Bearer bob"); err != nil || status != 200 || who.Name != "bob" {
		t.Errorf("a token: %d, %+v, %v", status, who, err)
	}
	if status, _, _, err := ask(nil); err != nil || status != 401 {
		t.Errorf("nothing: %d, %v", status, err)
	}
	if status, who, _, err := ask(as(others, ann, x509.ExtKeyUsageClientAuth)); err != nil || status != 200 || who.Name != "ann" {
		t.Errorf("a certificate: %d, %+v, %v", status, who, err)
	}
	if status, who, _, err := ask(as(others, ann, x509.ExtKeyUsageClientAuth), bearer, "Bearer bob"); err != nil || status != 200 || who.Name != "bob" {
		t.Errorf("a certificate and a token: %d, %+v, %v", status, who, err)
	}
	past := ann
	past.NotAfter = time.Now().Add(-time.Minute)
	for name, change := range map[string]func(*tls.Config){
		"a stranger's":    as(strangers, ann, x509.ExtKeyUsageClientAuth),
		"that of servers": as(own, ann, x509.ExtKeyUsageClientAuth),
		"for servers":     as(others, ann, x509.ExtKeyUsageServerAuth),
		"over":            as(others, past, x509.ExtKeyUsageClientAuth),
		"an old version":  func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
	} {
		if status, who, _, err := ask(change); err == nil {
			t.Errorf("%s: %d, %+v", name, status, who)
		}
	}

	// New files are used; those that do not fit are not.
	certificate, key = own.signs(t, server("second"), x509.ExtKeyUsageServerAuth)
	write(t, at("cert"), certificate)
	later()
	if _, _, with, err := ask(nil); err != nil || with.PeerCertificates[0].Subject.CommonName != "first" {
		t.Errorf("while the files change: %v", err)
	}
	write(t, at("key"), key)
	write(t, at("ca"), strangers.pem())
	later()
	status, who, with, err := ask(as(strangers, ann, x509.ExtKeyUsageClientAuth))
	if err != nil || status != 200 || who.Name != "ann" || with.PeerCertificates[0].Subject.CommonName != "second" {
		t.Errorf("after the files have changed: %d, %+v, %v", status, who, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(warned) != 1 || !errors.Is(warned[0], ohfp.ErrInvalid) {
		t.Errorf("warned of %v", warned)
	}
	for name, files := range map[string]*gate.Files{
		"none":       {CertFile: at("none"), KeyFile: at("key"), Now: time.Now},
		"no key":     {CertFile: at("cert"), KeyFile: at("cert"), Now: time.Now},
		"no signers": {CertFile: at("cert"), KeyFile: at("key"), ClientCAFile: at("key"), Now: time.Now},
	} {
		if _, err := files.Config(); !errors.Is(err, ohfp.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	c := access.Certificates{Default: access.Viewer, Roles: map[string]access.Role{
		"CN:ann": access.Operator, "OU:ops": access.Admin, "URI:spiffe://example/x": access.Admin, "DNS:host": access.Operator, "EMAIL:a@b": access.Operator,
	}}
	spiffe := got(url.Parse("spiffe://example/x"))(t)
	for name, test := range map[string]struct {
		certificate x509.Certificate
		want        access.Caller
	}{
		"a name":               {x509.Certificate{Subject: pkix.Name{CommonName: "ann"}}, access.Caller{Name: "ann", Role: access.Operator}},
		"a unit":               {x509.Certificate{Subject: pkix.Name{CommonName: "bob", OrganizationalUnit: []string{"x", "ops"}}}, access.Caller{Name: "bob", Role: access.Admin}},
		"a name like a unit":   {x509.Certificate{Subject: pkix.Name{CommonName: "ops"}}, access.Caller{Name: "ops", Role: access.Viewer}},
		"a URI":                {x509.Certificate{URIs: []*url.URL{spiffe}}, access.Caller{Name: "URI:spiffe://example/x", Role: access.Admin}},
		"another name":         {x509.Certificate{DNSNames: []string{"host"}}, access.Caller{Name: "DNS:host", Role: access.Operator}},
		"an address":           {x509.Certificate{EmailAddresses: []string{"a@b"}}, access.Caller{Name: "EMAIL:a@b", Role: access.Operator}},
		"a name with a colour": {x509.Certificate{Subject: pkix.Name{CommonName: "\x1b[1mann"}}, access.Caller{Name: "[1mann", Role: access.Viewer}},
	} {
		test.want.By = access.ByCertificate
		if caller, err := c.Recognise(&test.certificate); err != nil || caller != test.want {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
	if _, err := c.Recognise(&x509.Certificate{}); !errors.Is(err, ohfp.ErrDenied) {
		t.Errorf("nobody's: %v", err)
	}
}
