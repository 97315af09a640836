package access

import (
	"crypto/x509"

	"github.com/openhostfactory/ohfp"
)

// Certificates recognises callers by certificates that TLS has checked. What a certificate says is written CN:name,
// OU:unit, DNS:name, URI:uri or EMAIL:address.
type Certificates struct {
	Roles   map[string]Role // which of that is which role; the greatest counts
	Default Role            // of those whom no entry names; empty: they may do nothing
}

// Recognise returns the caller of a certificate: by its common name, or the first of its other names.
func (c Certificates) Recognise(certificate *x509.Certificate) (Caller, error) {
	said := sayings(certificate)
	caller := Caller{Name: Plain(certificate.Subject.CommonName), By: ByCertificate, Role: greatest(c.Roles, said, c.Default)}
	if caller.Name == "" && len(said) > 0 {
		caller.Name = Plain(said[0])
	}
	if caller.Name == "" {
		return Caller{}, ohfp.Errorf(ohfp.ErrDenied, "the certificate names nobody; use one with a common name or another name")
	}
	return caller, nil
}

// sayings is what a certificate says of its owner: names first, units last.
func sayings(certificate *x509.Certificate) []string {
	var said []string
	if name := certificate.Subject.CommonName; name != "" {
		said = append(said, "CN:"+name)
	}
	for _, uri := range certificate.URIs {
		said = append(said, "URI:"+uri.String())
	}
	for _, name := range certificate.DNSNames {
		said = append(said, "DNS:"+name)
	}
	for _, address := range certificate.EmailAddresses {
		said = append(said, "EMAIL:"+address)
	}
	for _, unit := range certificate.Subject.OrganizationalUnit {
		said = append(said, "OU:"+unit)
	}
	return said
}
