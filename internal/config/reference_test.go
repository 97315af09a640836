package config

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp/internal/doctest"
	"github.com/openhostfactory/ohfp/provider/aws"
)

var update = flag.Bool("update", false, "write docs/reference/configuration.md")

// TestReference keeps the reference of settings what the table of settings says. go test ./internal/config -update
// writes it again.
func TestReference(t *testing.T) {
	t.Parallel()
	doctest.Written{
		Path: "../../docs/reference/configuration.md", Again: "go test ./internal/config -run TestReference -update",
	}.Check(t, reference(), *update)
}

func reference() string {
	var b strings.Builder
	b.WriteString(`# Configuration reference

Generated from the program's own table of settings: ` + "`go test ./internal/config -run TestReference -update`" + `.

Settings come, later ones winning, from

1. their defaults,
2. IBM's ` + "`awsprov_config.json`" + `,
3. ` + "`config.json|yml|yaml`" + ` and ` + "`providers.yml|yaml`" + ` in the configuration directory, or the file that ` + "`--config`" + ` names instead of all of them,
4. ` + "`.env`" + ` in the configuration directory, and after it the one in the current directory, unless Host Factory or LSF starts the program,
5. log settings that Host Factory passes on (` + "`HF_LOGLEVEL`" + ` …), when ` + "`logging.accept_propagated`" + ` says so,
6. the environment, and
7. flags.

` + "`ohfp config show --origin`" + ` tells where each value comes from. ` + "`.env`" + ` files hold lines of NAME=value that count as if they were
exported, unless the environment has the variable already. Variables that say where files are (OHFP_CONF_DIR …) must be exported.
` + "`ohfp config set`" + ` changes files and keeps their comments; ` + "`ohfp config schema`" + ` prints the JSON Schema for editors.

In file values ` + "`$NAME`" + ` and ` + "`${NAME}`" + ` stand for variables of the environment. A setting that does not exist is an error. {conf}, {work} and {log} are the
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
	b.WriteString("\n# Settings of the provider type aws\n\nThey stand in `config` of a provider of that type.\n")
	for _, own := range aws.Settings() {
		fmt.Fprintf(&b, "\n## `providers[].config.%s`\n\n%s\n\n- value: %s\n", own.Name, own.Description, own.Kind)
		if own.Default != "" {
			fmt.Fprintf(&b, "- default: `%s`\n", own.Default)
		}
		if len(own.Words) > 0 {
			fmt.Fprintf(&b, "- one of: `%s`\n", strings.Join(own.Words, "`, `"))
		}
	}
	b.WriteString("\n# Settings of the reference system\n\nThose that mean the same are understood under their old names, see \"also written\" above. These are refused:\n\n")
	for _, f := range foreignSettings() {
		fmt.Fprintf(&b, "- `%s`: %s\n", f.name, f.instead)
	}
	for _, f := range foreignProviderSettings() {
		fmt.Fprintf(&b, "- `providers[].%s`: %s\n", f.name, f.instead)
	}
	return b.String()
}
