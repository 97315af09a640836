package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestServiceUnit: what the unit starts is what this program understands.
func TestServiceUnit(t *testing.T) {
	t.Parallel()
	unit, err := os.ReadFile(filepath.Join("..", "..", "deploy", "systemd", "ohfp.service"))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]string{}
	for line := range strings.Lines(string(unit)) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found && !strings.HasPrefix(name, "#") {
			values[name] = append(values[name], value)
		}
	}
	if got := values["ExecStart"]; len(got) != 1 {
		t.Fatalf("ExecStart %v", got)
	}
	words := strings.Fields(values["ExecStart"][0])
	if !filepath.IsAbs(words[0]) || filepath.Base(words[0]) != "ohfp" {
		t.Errorf("ExecStart begins with %s", words[0])
	}
	p := (&desk{}).program(&bytes.Buffer{}, &bytes.Buffer{})
	command, rest, err := p.rootCommand().Find(words[1:])
	if err != nil || command.Name() != "serve" {
		t.Fatalf("%v runs %v: %v", words, command, err)
	}
	if err := command.ParseFlags(rest); err != nil {
		t.Errorf("%v: %v", words, err)
	}
	if err := command.ValidateArgs(command.Flags().Args()); err != nil {
		t.Errorf("%v: %v", words, err)
	}
	// The daemon tells systemd when it is ready, and needs what the unit leaves it.
	if got := values["Type"]; len(got) != 1 || got[0] != "notify" {
		t.Errorf("Type %v", got)
	}
	if got := strings.Join(values["RestrictAddressFamilies"], " "); got != "AF_UNIX AF_INET AF_INET6" {
		t.Errorf("RestrictAddressFamilies %s", got)
	}
}

func TestServeIsFoundTwice(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"serve", "system serve"} {
		code, stdout, stderr := (&desk{}).run(t.Context(), append(strings.Fields(line), "--help")...)
		expect(t, exitOK, code, stderr)
		if !strings.Contains(stdout, "ohfp "+line+" --check") {
			t.Errorf("%s: %s", line, stdout)
		}
	}
	code, _, stderr := (&desk{}).run(t.Context(), "serve", "now")
	expect(t, exitUsage, code, stderr)
}
