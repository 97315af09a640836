package access_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/doctest"
)

//go:generate go test . -run TestTheTableInTheDocs -update

const again = "go test ./internal/access -run TestTheTableInTheDocs -update"

var update = flag.Bool("update", false, "rewrite the table in docs/security.md")

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
	doctest.Written{
		Path: "../../docs/security.md", Ends: "<!-- end of the table -->\n", Again: again,
		Begins: "<!-- The table is written by: " + again + " -->\n",
	}.Check(t, b.String(), *update)
}
