package mcpserver

import (
	"testing"

	"github.com/openhostfactory/ohfp/internal/access"
)

// TestEveryOperationHasATool fails when an operation of the command line or of Host Factory has neither a tool nor a
// reason in the table, or the table names a tool that does not exist.
func TestEveryOperationHasATool(t *testing.T) {
	t.Parallel()
	named := map[string]bool{}
	for _, def := range tools() {
		if named[def.Name] {
			t.Errorf("tool %s is there twice", def.Name)
		}
		named[def.Name] = true
		if _, _, err := def.definition(); err != nil {
			t.Error(err)
		}
		if def.Title == "" || def.Description == "" {
			t.Errorf("tool %s does not say what it is", def.Name)
		}
	}
	for _, rule := range access.Rules() {
		switch {
		case rule.MCP == "" && rule.Except == "":
			t.Errorf("operation %s has no tool: make one, or say in internal/access why not", rule.Operation)
		case rule.MCP != "" && !named[rule.MCP]:
			t.Errorf("operation %s names the tool %s, which does not exist", rule.Operation, rule.MCP)
		}
	}
}

// TestWhatEndsSomethingAsksFirst fails when a tool that destroys takes no confirmation.
func TestWhatEndsSomethingAsksFirst(t *testing.T) {
	t.Parallel()
	for _, def := range tools() {
		rule, _ := access.OfTool(def.Name)
		schema, err := def.in()
		if err != nil {
			t.Fatal(err)
		}
		_, asks := schema.Properties["confirm"]
		if rule.Effect == access.Destroys && !asks || rule.Effect == access.Reads && asks || def.Name == "stop_machines" && !asks {
			t.Errorf("tool %s %s and takes a confirmation: %v", def.Name, rule.Effect, asks)
		}
	}
}
