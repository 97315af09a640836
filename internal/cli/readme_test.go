package cli_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var fence = regexp.MustCompile("(?s)```(bash|json)\n(.*?)```")

// TestReadmeTour runs the tour of README.md as a reader would, in an empty directory with a shell: its JSON block is the
// file that the text before it names, and the id in it stands for the request that the reader has made.
func TestReadmeTour(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("the tour needs bash")
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, tour, found := strings.Cut(string(readme), "\n## The tour\n")
	tour, _, ended := strings.Cut(tour, "\n## ")
	if !found || !ended {
		t.Fatal("README.md has no section named The tour")
	}
	var commands []string
	dir := t.TempDir()
	for _, block := range fence.FindAllStringSubmatch(tour, -1) {
		if block[1] == "json" {
			if err := os.MkdirAll(filepath.Join(dir, "config"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "config", "templates.json"), []byte(block[2]), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		commands = append(commands, strings.Split(strings.TrimSpace(block[2]), "\n")...)
	}
	if len(commands) < 5 {
		t.Fatalf("the tour has %d commands: %q", len(commands), commands)
	}
	port := freePort(t)
	script := "set -eu\ntrap 'kill %1' EXIT\n"
	for _, command := range commands {
		command = strings.ReplaceAll(command, "4566", port)
		if strings.Contains(command, "req-…") {
			script += `ID=$(ohfp requests list | sed -n 's/.*"requestId": "\(req-[^"]*\)".*/\1/p' | head -n 1)` + "\n"
			command = strings.ReplaceAll(command, "req-…", "$ID")
		}
		script += command + "\n"
		if strings.HasSuffix(command, "&") {
			script += "for i in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/" + port + ") 2>/dev/null && break; sleep 0.1; done\n"
		}
	}
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "ohfp")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), shell, "-c", script)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + dir, "AWS_EC2_METADATA_DISABLED=true"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the tour ended with %v:\n%s\nof the script:\n%s", err, out, script)
	}
	for _, want := range []string{"my-template", `"status": "complete"`, `"delivered": 5`, "5.xlarge", `"type": "return"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the tour does not show %s:\n%s", want, out)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
