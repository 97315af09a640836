package archtest

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

//go:generate go test . -run TestLinterKnowsTheRules -update

var update = flag.Bool("update", false, "write the import rules into .golangci.yml")

const module = "github.com/openhostfactory/ohfp"

// moduleRoot is where go.mod lies, seen from this package's directory, in which go test runs.
var moduleRoot = filepath.Join("..", "..")

func TestArchitecture(t *testing.T) {
	t.Parallel()
	gomod, err := os.ReadFile(filepath.Join(moduleRoot, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(string(gomod), "\n"); first != "module "+module {
		t.Fatalf("go.mod begins %q, want %q", first, "module "+module)
	}
	violations, err := Check(os.DirFS(moduleRoot), module, Rules())
	if err != nil {
		t.Fatal(err)
	}
	for _, violation := range violations {
		t.Error(violation)
	}
}

// TestCheckSeesTheModule guards the guard: it must not pass because it looked at nothing.
func TestCheckSeesTheModule(t *testing.T) {
	t.Parallel()
	files, _, err := load(os.DirFS(moduleRoot))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"internal/archtest/archtest.go", "internal/archtest/archtest_test.go", "internal/version/version.go"} {
		if !slices.ContainsFunc(files, func(f source) bool { return f.path == want }) {
			t.Errorf("%s was not read", want)
		}
	}
	if slices.ContainsFunc(files, func(f source) bool { return strings.HasPrefix(f.path, "tools/") }) {
		t.Error("tools/ was read: it is a module of its own")
	}
}

// TestRulesAgree holds the table to what it promises about itself.
func TestRulesAgree(t *testing.T) {
	t.Parallel()
	rules := Rules()
	production := map[string]bool{}
	for _, rule := range rules {
		production[rule.Package] = !rule.Test
		if matches(rule.Package, ".") && rule.May+rule.Uses != "" {
			t.Errorf("the domain may import nothing but the standard library, not %s", listed(append(rule.packages(), rule.libraries()...)))
		}
	}
	for _, rule := range rules {
		for _, pattern := range rule.packages() {
			isProduction, known := production[pattern]
			switch {
			case !known:
				t.Errorf("%s may import %s, which has no rule", rule.Package, pattern)
			case known && !isProduction && !rule.Test:
				t.Errorf("%s may import the test package %s", rule.Package, pattern)
			case pattern == "internal/cli" && rule.Package != "program":
				t.Errorf("%s may import internal/cli: nobody but the program as a whole does", rule.Package)
			case pattern == "program" && !strings.HasPrefix(rule.Package, "cmd/") && !strings.HasPrefix(rule.Package, "examples/"):
				t.Errorf("%s may import program: only commands do", rule.Package)
			}
		}
	}
}

func TestLinterKnowsTheRules(t *testing.T) {
	t.Parallel()
	name := filepath.Join(moduleRoot, ".golangci.yml")
	config, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want, err := replaceDepguard(string(config), Depguard(module, Rules()))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if want == string(config) {
		return
	}
	if !*update {
		t.Fatalf("%s does not repeat internal/archtest/rules.go, run make generate (-want +got):\n%s", name, cmp.Diff(want, string(config)))
	}
	if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
