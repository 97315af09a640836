package address

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	t.Parallel()
	if got, err := Of("/w"); err != nil || got != filepath.Join("/w", Socket) {
		t.Errorf("%s, %v", got, err)
	}
	// The longest path that fits, and one byte more.
	fits := "/" + strings.Repeat("w", Longest()-len(Socket)-2)
	if got, err := Of(fits); err != nil || len(got) != Longest() {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if got, err := Of(fits + "w"); err == nil {
		t.Errorf("%s is taken", got)
	}
	work := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	if err := os.MkdirAll(work, 0o700); err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]string{
		"/tmp/x/daemon.sock\n":        "/tmp/x/daemon.sock",
		"":                            "",
		"daemon.sock\n":               "",
		"/" + fits + "/daemon.sock\n": "",
	} {
		if err := os.WriteFile(filepath.Join(work, Record), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Of(work); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %s, %v", content, got, err)
		}
	}
}
