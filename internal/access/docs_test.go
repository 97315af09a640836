package access_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp/internal/access"
)

//go:generate go test . -run TestTheTableInTheDocs -update

var update = flag.Bool("update", false, "rewrite the table in docs/security.md")

const (
	tableBegins = "<!-- The table is written by: go test ./internal/access -run TestTheTableInTheDocs -update -->\n"
	tableEnds   = "<!-- end of the table -->\n"
)

// TestTheTableInTheDocs fails when docs/security.md tells of other rules than those that hold.
func TestTheTableInTheDocs(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("\n| operation | least role | effect | REST | tool of assistants | script |\n|---|---|---|---|---|---|\n")
	for _, rule := range access.Rules() {
		fmt.Fprintf(&b, "| %s | %s | %s |", rule.Operation, rule.Role, rule.Effect)
		for _, name := range []string{rule.REST, rule.MCP, rule.Script} {
			if name != "" {
				name = " `" + name + "`"
			}
			b.WriteString(name + " |")
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	path := filepath.Join("..", "..", "docs", "security.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), tableBegins)
	_, after, ended := strings.Cut(rest, tableEnds)
	if !ok || !ended {
		t.Fatalf("%s has no place for the table", path)
	}
	want := before + tableBegins + b.String() + tableEnds + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(text) {
		t.Errorf("%s does not have the rules of this package; run go test ./internal/access -run TestTheTableInTheDocs -update", path)
	}
}
