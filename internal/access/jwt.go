package access

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/openhostfactory/ohfp"
)

const (
	leastShared = 32   // bytes of a shared key: as many as the hash of HS256 has
	leastRSA    = 2048 // bits
)

// Key checks signatures in the one way that is right for it. What a token says of its algorithm is only compared: a
// public key is never taken for a shared secret.
type Key struct {
	Algorithm string // HS256, RS256 or ES256
	check     any
}

// ReadKey reads a key from a file: a public key or certificate in PEM, or anything else as the bytes of a shared secret.
func ReadKey(path string) (Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Key{}, ohfp.Errorf(ohfp.ErrInvalid, "key file %s cannot be read: %w; set auth.jwt.key_file to one that can", path, err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		secret := bytes.TrimRight(text, "\r\n")
		if form := knownForm(text); form != "" {
			return Key{}, ohfp.Errorf(ohfp.ErrInvalid, "key file %s holds %s, which everybody may know and is no shared secret; give a public key as PUBLIC KEY in PEM", path, form)
		}
		if len(secret) < leastShared {
			return Key{}, ohfp.Errorf(ohfp.ErrInvalid, "key file %s has %d bytes; a shared secret has %d at least, a public key is in PEM", path, len(secret), leastShared)
		}
		return Key{Algorithm: jwt.SigningMethodHS256.Name, check: secret}, nil
	}
	public, err := publicKey(block)
	if err != nil {
		return Key{}, ohfp.Errorf(ohfp.ErrInvalid, "key file %s: %w", path, err)
	}
	return public, nil
}

// knownForm names the form of what is no secret but a key in another form than PEM, or in PEM that cannot be read: whoever
// knows the public key could otherwise sign tokens with it.
func knownForm(text []byte) string {
	if der, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(text), nil))); err == nil && isDER(der) {
		return "a public key in base64"
	}
	switch {
	case isDER(text):
		return "a public key in DER"
	case bytes.Contains(text, []byte("-----BEGIN ")):
		return "PEM that cannot be read"
	case bytes.HasPrefix(text, []byte("ssh-")), bytes.HasPrefix(text, []byte("ecdsa-sha2-")):
		return "a public key of SSH"
	case json.Valid(text) && bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")):
		return "a key in JSON"
	default:
		return ""
	}
}

// isDER says whether these are the bytes of a public key or certificate.
func isDER(text []byte) bool {
	if _, err := x509.ParsePKIXPublicKey(text); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS1PublicKey(text); err == nil {
		return true
	}
	_, err := x509.ParseCertificate(text)
	return err == nil
}

func publicKey(block *pem.Block) (Key, error) {
	var public any
	switch block.Type {
	case "PUBLIC KEY":
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return Key{}, err
		}
		public = parsed
	case "CERTIFICATE":
		parsed, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return Key{}, err
		}
		public = parsed.PublicKey
	default:
		return Key{}, fmt.Errorf("it holds a %s; give the public key, as PUBLIC KEY or CERTIFICATE", block.Type)
	}
	switch public := public.(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() < leastRSA {
			return Key{}, fmt.Errorf("its RSA key has %d bits; use %d at least", public.N.BitLen(), leastRSA)
		}
		return Key{Algorithm: jwt.SigningMethodRS256.Name, check: public}, nil
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return Key{}, fmt.Errorf("its key is on the curve %s; use P-256", public.Params().Name)
		}
		return Key{Algorithm: jwt.SigningMethodES256.Name, check: public}, nil
	default:
		return Key{}, fmt.Errorf("its key is a %T; use RSA or P-256", public)
	}
}

// JWT recognises callers by JSON Web Tokens that one known key has signed. Key, Claims and Now are required.
type JWT struct {
	Key      Key
	Issuer   string // empty: whoever has the key
	Audience string // empty: any
	Claims   Claims
	Now      func() time.Time
}

// Recognise returns the caller of a token. One that is not valid here is [ohfp.ErrDenied].
func (j *JWT) Recognise(_ context.Context, token string) (Caller, error) {
	claims := jwt.MapClaims{}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{j.Key.Algorithm}), jwt.WithJSONNumber(), jwt.WithoutClaimsValidation())
	if _, err := parser.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return j.Key.check, nil }); err != nil {
		return Caller{}, ohfp.Errorf(ohfp.ErrDenied, "the token is not valid: its signature is not one that is trusted here; ask an administrator for another")
	}
	if err := j.Claims.check(claims, j.Issuer, j.Audience, j.Now()); err != nil {
		return Caller{}, err
	}
	return j.Claims.caller(claims, ByJWT)
}

// issuerIn is who says to have issued a token, before anything is checked.
func issuerIn(token string) string {
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		return ""
	}
	issuer, _ := claims["iss"].(string)
	return issuer
}
