package events_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/doctest"
)

var update = flag.Bool("update", false, "write the table of kinds in docs/events.md")

// TestTheDocumentedKinds keeps the table in docs/events.md what the program says. go test ./internal/events -update writes
// it again.
func TestTheDocumentedKinds(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	for _, e := range ohfp.EventKinds() {
		fmt.Fprintf(&want, "| `%s` | %s |\n", e.Kind, e.Meaning)
	}
	doctest.Written{
		Path: "../../docs/events.md", Begins: "| kind | what it means |\n|---|---|\n", Ends: "\n## Fields",
		Again: "go test ./internal/events -update",
	}.Check(t, want.String(), *update)
}
