package pool_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOutside builds a copy of the example, with its tests, in a module of its own, as somebody outside of this one has it.
// It compiles everything anew, so it has a target of the Makefile to itself.
func TestOutside(t *testing.T) {
	if os.Getenv("OHFP_TEST_LONG") == "" {
		t.Skip("takes a minute; make test-outside runs it")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	const ours, theirs = "github.com/openhostfactory/ohfp/examples/pool", "example.com/pool"
	for _, from := range []string{"pool.go", "launch.go", "observe.go", "ledger.go", "pool_test.go", "ohfp-pool/main.go"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, filepath.FromSlash(from)), strings.ReplaceAll(string(text), ours, theirs))
	}
	// The same versions as ours, so that nothing has to be downloaded.
	versions, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(versions), "\n")
	put(t, filepath.Join(dir, "go.mod"), "module "+theirs+"\n"+rest+
		"\nrequire github.com/openhostfactory/ohfp v0.0.0\n\nreplace github.com/openhostfactory/ohfp => "+root+"\n")
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "go.sum"), string(sums))
	for _, args := range [][]string{{"vet", "-mod=mod", "./..."}, {"test", "-mod=mod", "-run", "Conformance", "."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
