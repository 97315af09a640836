package gate

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp"
)

// Files are what answers are encrypted with. They are read again when they have changed, for new connections. CertFile,
// KeyFile and Now are required.
type Files struct {
	CertFile     string
	KeyFile      string
	ClientCAFile string // who signs certificates of callers; empty: they are not asked for
	MinVersion   uint16 // as in crypto/tls
	Now          func() time.Time
	Warn         func(err error) // is told of files that cannot be used any more; those before stay in use

	mu     sync.Mutex
	looked time.Time
	stamps [3]stamp
	config *tls.Config
}

// stamp tells one content of a file from another.
type stamp struct {
	changed time.Time
	size    int64
}

// lookAgain is how long files are taken to be as they were.
const lookAgain = time.Second

// Config reads the files and returns what a server needs. Callers may come without a certificate: a token will do.
func (f *Files) Config() (*tls.Config, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	stamps, err := f.stamp()
	if err == nil {
		f.config, err = f.read()
	}
	if err != nil {
		return nil, err
	}
	f.stamps, f.looked = stamps, f.Now()
	return &tls.Config{
		MinVersion:         f.MinVersion,
		NextProtos:         f.config.NextProtos,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return f.current(), nil },
	}, nil
}

// current is what new connections use.
func (f *Files) current() *tls.Config {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.Now()
	if now.Sub(f.looked) < lookAgain {
		return f.config
	}
	f.looked = now
	stamps, err := f.stamp()
	if err == nil && stamps == f.stamps {
		return f.config
	}
	if err == nil {
		var fresh *tls.Config
		if fresh, err = f.read(); err == nil {
			f.config, f.stamps = fresh, stamps
			return fresh
		}
	}
	if f.Warn != nil {
		f.Warn(err)
	}
	return f.config
}

func (f *Files) stamp() (stamps [3]stamp, err error) {
	for i, path := range []string{f.CertFile, f.KeyFile, f.ClientCAFile} {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return stamps, ohfp.Errorf(ohfp.ErrInvalid, "TLS cannot be had: %w; see api.tls", err)
		}
		stamps[i] = stamp{info.ModTime(), info.Size()}
	}
	return stamps, nil
}

func (f *Files) read() (*tls.Config, error) {
	own, err := tls.LoadX509KeyPair(f.CertFile, f.KeyFile)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "TLS cannot be had with %s and %s: %w; see api.tls.cert_file and api.tls.key_file", f.CertFile, f.KeyFile, err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: f.MinVersion, NextProtos: []string{"h2", "http/1.1"}}
	if f.ClientCAFile == "" {
		return config, nil
	}
	text, err := os.ReadFile(f.ClientCAFile)
	if err != nil {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "file %s cannot be read: %w; see api.tls.client_ca_file", f.ClientCAFile, err)
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(text) {
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "file %s has no certificate; give those of who signs certificates of callers, in PEM", f.ClientCAFile)
	}
	config.ClientAuth = tls.VerifyClientCertIfGiven
	return config, nil
}
