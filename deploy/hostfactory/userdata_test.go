package hostfactory_test

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp/deploy/hostfactory"
)

// TestUserData: the sample fits into what EC2 takes, is good shell, and says what is missing before it touches anything.
func TestUserData(t *testing.T) {
	t.Parallel()
	script, err := hostfactory.UserData()
	if err != nil || len(script) > 16_384 {
		t.Fatalf("%d bytes, error %v", len(script), err)
	}
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	run := exec.CommandContext(t.Context(), shell, "-s")
	run.Stdin = bytes.NewReader(script)
	run.Env = []string{"PATH=/nowhere"}
	out, err := run.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "EGO_MASTERS is not set") {
		t.Errorf("error %v, said %s", err, out)
	}
}
