package doctest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// witness remembers that a test failed, and goes on.
type witness struct {
	testing.TB
	failed string
}

func (w *witness) Errorf(format string, args ...any) { w.failed = fmt.Sprintf(format, args...) }

func TestWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "page.md")
	content := func(want string) {
		t.Helper()
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%v, %q, want %q", err, got, want)
		}
	}
	if err := os.WriteFile(path, []byte("head\n<!-- a -->\nold\n<!-- b -->\ntail\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	part := Written{Path: path, Begins: "<!-- a -->\n", Ends: "<!-- b -->\n", Again: "make it"}
	w := &witness{TB: t}
	if part.Check(w, "old\n", false); w.failed != "" {
		t.Errorf("what is as it should be fails: %s", w.failed)
	}
	if part.Check(w, "new\n", false); w.failed == "" {
		t.Error("an old document passes")
	}
	content("head\n<!-- a -->\nold\n<!-- b -->\ntail\n")
	part.Check(t, "new\n", true)
	content("head\n<!-- a -->\nnew\n<!-- b -->\ntail\n")
	part.Check(t, "new\n", false)
	Written{Path: path}.Check(t, "all\n", true)
	content("all\n")
	if _, found := part.in("head\n<!-- b -->\n<!-- a -->\n", "new\n"); found {
		t.Error("marks in the wrong order are found")
	}
}
