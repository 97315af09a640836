package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// The account that the image runs under. It is a number in the Dockerfile, since Kubernetes tells by it that it is not
// root; the names are for those who read listings.
const (
	accounts = "root:x:0:0:root:/nonexistent:/nonexistent\nohfp:x:10001:10001:ohfp:/var/lib/ohfp:/nonexistent\n"
	groups   = "root:x:0:\nohfp:x:10001:\n"
)

// layOut writes the files of an image below dir.
func layOut(ctx context.Context, dir string, docs []string) error {
	zones, err := zones(ctx)
	if err != nil {
		return err
	}
	certificates, err := certificates()
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"etc/passwd":                        []byte(accounts),
		"etc/group":                         []byte(groups),
		"etc/ssl/certs/ca-certificates.crt": certificates,
		"usr/share/zoneinfo.zip":            zones,
	}
	for _, doc := range docs {
		if files["usr/share/doc/ohfp/"+filepath.Base(doc)], err = os.ReadFile(doc); err != nil {
			return err
		}
	}
	for _, empty := range []string{"etc/ohfp", "var/lib/ohfp"} {
		if err := os.MkdirAll(filepath.Join(dir, empty), 0o755); err != nil {
			return err
		}
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// certificates are the authorities that Mozilla trusts for servers without conditions. go.sum pins them: the same commit
// makes the same image on every machine.
func certificates() ([]byte, error) {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue // trusted for some certificates only, which a file cannot say
		}
		if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// zones are the time zones of the Go release that builds.
func zones(ctx context.Context) ([]byte, error) {
	top, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	return os.ReadFile(filepath.Join(strings.TrimSpace(string(top)), "lib", "time", "zoneinfo.zip"))
}
