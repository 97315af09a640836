package doctest

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Written is what a test writes into a document: what stands between two marks, or without marks all of it.
type Written struct {
	Path         string // from the directory of the test
	Begins, Ends string // not empty: they stand before and after it, and stay
	Again        string // the command that writes it again
}

// Check holds the document against what should stand there; to update it is to write that instead.
func (w Written) Check(tb testing.TB, should string, update bool) {
	tb.Helper()
	text, err := os.ReadFile(w.Path)
	if err != nil && !update {
		tb.Fatal(err)
	}
	want, found := w.in(string(text), should)
	if !found {
		tb.Fatalf("%s has no %q with %q after it", w.Path, w.Begins, w.Ends)
	}
	if update {
		if err := os.WriteFile(w.Path, []byte(want), 0o644); err != nil { //nolint:gosec // a document of this repository, which everybody may read
			tb.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		tb.Errorf("%s is not what the program says; run %s (-want +got):\n%s", w.Path, w.Again, diff)
	}
}

// in is the text with what should stand there, if it has the place.
func (w Written) in(text, should string) (string, bool) {
	if w.Begins == "" && w.Ends == "" {
		return should, true
	}
	before, rest, begins := strings.Cut(text, w.Begins)
	_, after, ends := strings.Cut(rest, w.Ends)
	return before + w.Begins + should + w.Ends + after, begins && ends
}
