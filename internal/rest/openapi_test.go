package rest

import (
	"bytes"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files that this package is compared with")

// TestOpenAPI compares the document with the one that is committed: what changes here changes for every client.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	served := w.call(http.MethodGet, "/openapi.json", "")
	w.want(http.StatusOK, served, nil)
	path := filepath.Join("..", "..", "docs", "reference", "openapi.json")
	if *update {
		if err := os.WriteFile(path, []byte(served.Text), 0o644); err != nil { // everybody may read it
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, []byte(served.Text)) {
		t.Errorf("%s is not what is served; look at the change and write it with go test ./internal/rest -run TestOpenAPI -update", path)
	}
}

// TestDocsComeFromHere: the page and all that it names are served here, and nothing from elsewhere.
func TestDocsComeFromHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	page := w.call(http.MethodGet, "/docs", "")
	w.want(http.StatusOK, page, nil)
	named := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page.Text, -1)
	if len(named) != 4 {
		t.Fatalf("the page names %v", named)
	}
	for _, name := range named {
		if !strings.HasPrefix(name[1], "/") {
			t.Errorf("%s is from elsewhere", name[1])
			continue
		}
		a := w.call(http.MethodGet, name[1], "", "Accept-Encoding", "gzip")
		w.want(http.StatusOK, a, nil)
		if len(a.Text) < 100 {
			t.Errorf("%s has %d bytes", name[1], len(a.Text))
		}
	}
	for _, path := range []string{"/redoc", "/docs/", "/"} {
		if a := w.call(http.MethodGet, path, ""); a.StatusCode != http.StatusFound || a.Header.Get("Location") != "/docs" {
			t.Errorf("%s: %s to %s", path, a.Status, a.Header.Get("Location"))
		}
	}
	if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "http") {
		t.Error(policy)
	}
}
