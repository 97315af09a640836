package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
)

// free are the commands that touch nothing of an installation.
var free = map[string]bool{
	"demo": true, "simulator serve": true, "simulator interrupt": true, "completion": true, "man": true, "version": true,
}

// TestEveryCommandIsInTheTable fails when a command has no rule, or a rule no command.
func TestEveryCommandIsInTheTable(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
		_, words, _ := strings.Cut(cmd.CommandPath(), " ")
		name, _, _ := strings.Cut(words, " ")
		switch {
		case cmd.HasSubCommands() || cmd.Name() == "help" || free[words] || free[name]:
		case cmd.GroupID == groupHostFactory:
			if _, ok := access.OfScript(cmd.Name()); !ok {
				t.Errorf("the call %s has no rule in internal/access", cmd.Name())
			}
		default:
			found[words] = true
			if _, ok := access.OfCommand(words); !ok {
				t.Errorf("ohfp %s has no rule in internal/access: say there who may", words)
			}
		}
	}
	walk((&program{}).rootCommand())
	for _, rule := range access.Rules() {
		if rule.CLI != "" && !found[rule.CLI] {
			t.Errorf("internal/access has a rule for ohfp %s, which does not exist", rule.CLI)
		}
		if rule.Script != "" && !strings.Contains(actions(), " "+rule.Script+" ") {
			t.Errorf("internal/access has a rule for the call %s, which does not exist", rule.Script)
		}
	}
}

func actions() string {
	var names strings.Builder
	for _, action := range hostfactory.Actions() {
		names.WriteString(" " + string(action) + " ")
	}
	return names.String()
}
