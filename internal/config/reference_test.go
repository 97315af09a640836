package config

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/reference/configuration.md")

// TestReference keeps the reference of settings what the table of settings says. go test ./internal/config -update
// writes it again.
func TestReference(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "reference", "configuration.md")
	want := reference()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/reference/configuration.md is not what the settings say; write it with -update (-want +got):\n%s", diff)
	}
}

func reference() string {
	var b strings.Builder
	b.WriteString(`# Configuration reference

Generated from the program's own table of settings: ` + "`go test ./internal/config -run TestReference -update`" + `.

Settings come, later ones winning, from their defaults, from IBM's ` + "`awsprov_config.json`" + `, from ` + "`config.json|yml`" + ` and
` + "`providers.yml`" + ` in the configuration directory, from the environment, and from flags. In file values ` + "`$NAME`" + ` and ` + "`${NAME}`" + `
stand for variables of the environment. A setting that does not exist is an error. {conf}, {work} and {log} are the
directories for configuration, state and logs, {name} is the program's or the provider instance's name.
`)
	for _, key := range Keys() {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s\n\n", key.Name, key.Description)
		fmt.Fprintf(&b, "- value: %s\n", key.Expected)
		if key.Default != "" {
			fmt.Fprintf(&b, "- default: `%s`\n", key.Default)
		}
		if len(key.Env) > 0 {
			fmt.Fprintf(&b, "- environment: `%s`\n", strings.Join(key.Env, "`, `"))
		}
		if len(key.Aliases) > 0 {
			fmt.Fprintf(&b, "- also written: `%s`\n", strings.Join(key.Aliases, "`, `"))
		}
	}
	return b.String()
}
