package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/internal/access"
)

// TestTLSSettings: the certificate, the version and whom certificates of callers make of them.
func TestTLSSettings(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ann"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "both.pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	a := opened(t, `{api: {tls: {cert_file: `+path+`, key_file: `+path+`, client_ca_file: `+path+`, min_version: "1.3"}}, auth: {certificate_roles: ["CN:ann=operator"]}}`)
	g, err := a.Gate("rest")
	if err != nil {
		t.Fatal(err)
	}
	offered, err := g.TLS.GetConfigForClient(nil)
	if err != nil || len(offered.Certificates) != 1 || offered.ClientAuth != tls.VerifyClientCertIfGiven || offered.MinVersion != tls.VersionTLS13 {
		t.Errorf("%+v, %v", offered, err)
	}
	if !Authenticates(a.Config) {
		t.Error("certificates are a way to recognise callers")
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if caller, err := g.Certificates.Recognise(certificate); err != nil || caller.Role != access.Operator {
		t.Errorf("%+v, %v", caller, err)
	}
}
