package archtest

import (
	"fmt"
	"strings"
)

// Rule says what the production files of one package may import beside the standard library. A package without a rule is
// an error, and so is one with two. Test files may import anything.
type Rule struct {
	Package string // directory from the module root: "." is the domain; "x/..." is x and everything below it
	May     string // packages of this module, separated by spaces, written like Package
	Uses    string // third-party libraries, by import path prefix
	Never   string // symbols that stay out of reach although their package may be imported
	Test    bool   // exists for tests: no production package imports it
}

// Libraries that more than one rule names.
const (
	awsSDK     = "github.com/aws/aws-sdk-go-v2 github.com/aws/smithy-go"
	yaml       = "go.yaml.in/yaml/v4"
	cobra      = "github.com/spf13/cobra github.com/spf13/pflag"
	terminal   = "golang.org/x/term"
	sqlDrivers = "modernc.org/sqlite github.com/pressly/goose/v3 github.com/jackc/pgx/v5"
	errgroup   = "golang.org/x/sync"
	system     = "golang.org/x/sys"
)

// faces is what every driving adapter translates onto; adapters never import each other.
const faces = ". api internal/command internal/query internal/view internal/hostfactory internal/access internal/audit internal/gate internal/output internal/config internal/telemetry internal/figures internal/version"

// Rules is the architecture as a table, from the domain outwards. docs/architecture.md explains it.
func Rules() []Rule {
	return []Rule{
		// The domain: what a request means, without any world around it.
		{Package: "."},

		// What programs elsewhere use: the types of the wire, and what makes calls.
		{Package: "api", May: "."},
		{Package: "client", May: ". api"},

		// The ports and what implements them.
		{Package: "provider", May: "."},
		{Package: "provider/providertest", May: ". provider", Uses: "github.com/google/go-cmp", Test: true},
		{Package: "provider/providertest/table", May: "provider/providertest", Test: true}, // make conformance
		{Package: "provider/fake", May: ". provider"},
		{Package: "provider/aws", May: ". provider provider/aws/internal/...", Uses: awsSDK + " " + errgroup},
		{Package: "provider/aws/internal/...", May: ". provider provider/aws/internal/...", Uses: awsSDK + " " + errgroup},
		{Package: "store", May: ". provider"}, // a Store is also the provider.Memory
		{Package: "store/storetest", May: ". provider store", Uses: "github.com/google/go-cmp pgregory.net/rapid github.com/anishathalye/porcupine " + system, Test: true},
		{Package: "store/memory", May: ". provider store"},
		{Package: "store/transfer", May: ". provider store"}, // any store into any other
		{Package: "store/reference", May: "."},               // the store of the Python systems
		{Package: "store/internal/localdisk", May: ".", Uses: system},
		{Package: "store/jsonfile", May: ". provider store store/internal/localdisk", Uses: system},
		{Package: "store/sqlstore", May: ". provider store store/internal/localdisk", Uses: sqlDrivers},
		{Package: "store/dynamodb", May: ". provider store", Uses: awsSDK},

		// What happens between a face and a port.
		{Package: "internal/events", May: ". store"},
		{Package: "internal/placement", May: ". provider"},
		{Package: "internal/guard", May: ". provider store internal/telemetry", Uses: "github.com/sony/gobreaker/v2"},
		{Package: "internal/orphans", May: ". provider"},
		{Package: "internal/templates", May: ". provider store internal/config/document", Uses: yaml},
		{Package: "internal/reconcile", May: ". provider store internal/events", Uses: errgroup},
		{
			Package: "internal/command",
			May:     ". provider store internal/events internal/reconcile internal/orphans internal/placement internal/templates",
		},
		{Package: "internal/shard", May: ". store internal/reconcile"},
		{Package: "internal/storage", May: ". store store/transfer store/reference internal/config internal/shard"},
		{Package: "internal/query", May: ". store internal/orphans", Never: "store.Store"},

		// What the faces share.
		{Package: "internal/view", May: ". api provider internal/command internal/query internal/figures internal/telemetry"},
		{Package: "internal/config/document", May: ".", Uses: yaml}, // JSON and YAML with line numbers, whatever they mean
		{Package: "internal/config/directories"},                    // shared with cmd/ohfp-hf
		{Package: "internal/config", May: ". internal/config/document internal/config/directories", Uses: yaml},
		{Package: "internal/access", May: ". provider", Uses: "github.com/coreos/go-oidc/v3 github.com/golang-jwt/jwt/v5"},
		{Package: "internal/audit", May: ". internal/access"},
		{Package: "internal/peer", Uses: system},
		{Package: "internal/gate", May: ". internal/access internal/audit internal/peer", Uses: "golang.org/x/time"}, // before whatever answers over HTTP
		{Package: "internal/telemetry", May: ". internal/version"},
		{Package: "internal/figures", May: ". provider store internal/guard internal/query internal/telemetry internal/version"},
		{Package: "internal/version"},
		{Package: "internal/hostfactory", May: ". internal/access internal/audit internal/command internal/query internal/telemetry"},
		{
			Package: "internal/output", May: ". internal/query",
			Uses: yaml + " " + terminal + " github.com/jedib0t/go-pretty/v6",
		},

		// The composition root, the only package that knows the adapters behind the ports.
		{
			Package: "internal/app",
			May: ". provider provider/fake provider/aws store store/memory store/jsonfile store/sqlstore store/dynamodb" +
				" internal/events internal/placement internal/guard internal/templates internal/reconcile internal/command internal/storage" +
				" internal/query internal/config internal/access internal/audit internal/gate internal/telemetry internal/figures internal/version internal/hostfactory" +
				" internal/output internal/view",
		},

		// The program that stays. What it shares with cmd/ohfp-hf imports nothing.
		{Package: "internal/daemon/address"},
		{Package: "internal/daemon/wire"},
		{
			Package: "internal/daemon",
			May: ". store internal/shard internal/reconcile internal/access internal/audit internal/command internal/query internal/hostfactory internal/config internal/telemetry internal/version" +
				" internal/daemon/address internal/daemon/wire internal/peer",
			Uses: system,
		},

		// The faces, and what only a command line offers.
		{
			Package: "internal/cli",
			May:     faces + " provider store internal/rest store/reference internal/app internal/storage internal/daemon internal/daemon/wire internal/setup internal/demo internal/mcpserver awssim deploy/...",
			Uses:    cobra + " " + terminal,
		},
		{Package: "internal/rest", May: faces + " provider store internal/storage", Uses: "github.com/danielgtaylor/huma/v2"},
		{Package: "internal/mcpserver", May: faces + " provider", Uses: "github.com/modelcontextprotocol/go-sdk github.com/google/jsonschema-go"},
		{
			Package: "internal/setup",
			May: ". provider store internal/app internal/command internal/query internal/templates internal/hostfactory" +
				" internal/config internal/config/document internal/config/directories internal/version deploy/...",
			Uses: yaml,
		},
		{Package: "internal/demo", May: "awssim internal/config internal/version internal/output deploy/...", Uses: terminal},
		{Package: "program", May: "provider internal/cli"}, // the program, for those who build it with providers of their own
		{Package: "cmd/ohfp", May: "program"},
		{Package: "cmd/ohfp-hf", May: "internal/config/directories internal/daemon/address internal/daemon/wire"}, // starts in a millisecond: see thin_test.go
		{Package: "deploy/..."}, // files that are embedded

		// A provider as somebody outside of this module would write it, so it imports what they can.
		{Package: "examples/pool", May: ". provider", Uses: "modernc.org/sqlite"},
		{Package: "examples/pool/ohfp-pool", May: "program provider examples/pool"},

		// A cloud to try things on, and what exists for tests.
		{Package: "awssim", May: "awssim/internal/...", Uses: awsSDK},
		{Package: "awssim/internal/...", May: "awssim/internal/...", Uses: awsSDK},
		{Package: "internal/fakehf", May: "deploy/...", Test: true},
		{Package: "internal/faultproxy", Test: true},
		{Package: "internal/rest/figures", Test: true}, // make bench-rest
		{Package: "internal/chaos", Test: true},
		{Package: "internal/archtest", Test: true},
		{Package: "internal/doctest", Uses: "github.com/google/go-cmp", Test: true},
	}
}

func (r Rule) packages() []string  { return strings.Fields(r.May) }
func (r Rule) libraries() []string { return strings.Fields(r.Uses) }

// ruleFor finds the one rule of a directory.
func ruleFor(rules []Rule, dir string) (Rule, error) {
	var found []Rule
	for _, rule := range rules {
		if matches(rule.Package, dir) {
			found = append(found, rule)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Rule{}, fmt.Errorf("no import rule for this package: add one to internal/archtest/rules.go")
	default:
		return Rule{}, fmt.Errorf("two import rules, %s and %s: keep one", found[0].Package, found[1].Package)
	}
}

// matches says whether a pattern like "x" or "x/..." means a directory.
func matches(pattern, dir string) bool {
	if parent, ok := strings.CutSuffix(pattern, "/..."); ok {
		return within(dir, parent)
	}
	return pattern == dir
}
