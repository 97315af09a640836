package events_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
)

var update = flag.Bool("update", false, "write the table of kinds in docs/events.md")

// TestTheDocumentedKinds keeps the table in docs/events.md what the program says. go test ./internal/events -update writes
// it again.
func TestTheDocumentedKinds(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "events.md")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const head = "| kind | what it means |\n|---|---|\n"
	before, rest, found := strings.Cut(string(content), head)
	table, after, ended := strings.Cut(rest, "\n## Fields")
	if !found || !ended {
		t.Fatalf("%s has no table of kinds before its fields", path)
	}
	var want strings.Builder
	for _, e := range ohfp.EventKinds() {
		fmt.Fprintf(&want, "| `%s` | %s |\n", e.Kind, e.Meaning)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+head+want.String()+"\n## Fields"+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want.String(), table); diff != "" {
		t.Errorf("docs/events.md is not what the program says; write it with -update (-want +got):\n%s", diff)
	}
}
