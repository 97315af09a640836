package demo

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

const (
	listing  = `{"templates":[{"templateId":"EC2FleetInstant","maxNumber":1000,"attributes":{"ncpus":["Numeric","2"],"nram":["Numeric","4096"]}}]}`
	invented = `{"requests":[{"requestId":"req-1","status":"complete","machines":[` +
		`{"machineId":"i-0123456789abcdef0","name":"ip-10-0-0-4.ec2.internal","result":"succeed","status":"running","privateIpAddress":"10.0.0.4"}]}]}`
)

// TestFindsWhatIsOff: a program that does not do its work makes the demo fail, and the demo says how.
func TestFindsWhatIsOff(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the stand-ins for the program are shell scripts")
	}
	tests := []struct{ name, templates, request, status, want string }{
		{"no such program", "", "", "", "exit status"},
		{"refusal", `{"message":"no"}'; exit 1; '`, "", "", `{"message":"no"}`},
		{"two objects", listing + listing, "", "", "something follows it"},
		{"no object", "hello", "", "", "not one JSON object"},
		{"template missing", `{"templates":[]}`, "", "", "template EC2FleetInstant is not among the 0 templates listed"},
		{"no request id", listing, `{"message":"later"}`, "", "answered without a requestId: later"},
		{"other request", listing, `{"requestId":"req-2"}`, invented, "was asked for req-2"},
		{"failed", listing, `{"requestId":"req-1"}`, `{"requests":[{"requestId":"req-1","status":"complete_with_error","message":"none left"}]}`, "complete_with_error: none left"},
		{"too few", listing, `{"requestId":"req-1"}`, `{"requests":[{"requestId":"req-1","status":"complete","machines":[]}]}`, "complete with 0 of 1"},
		{"invented machine", listing, `{"requestId":"req-1"}`, invented, "machine i-0123456789abcdef0 was told to be ready; the cloud does not run it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			program := filepath.Join(t.TempDir(), "program")
			if test.templates != "" {
				script := "#!/bin/sh\ncase $1 in\n" +
					"getAvailableTemplates) printf '%s\\n' '" + test.templates + "';;\n" +
					"requestMachines) printf '%s\\n' '" + test.request + "';;\n" +
					"getRequestStatus) printf '%s\\n' '" + test.status + "';;\n*) exit 9;;\nesac\n"
				if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			var out bytes.Buffer
			err := Demo{Machines: 1, Out: &out, LookupEnv: unset, Program: program, Keep: t.TempDir()}.Run(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), "demo: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q; it told:\n%s", err, test.want, out.String())
			}
		})
	}
}

func unset(string) (string, bool) { return "", false }

func TestKeepsOnlyWhatItIsToldTo(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "kept")
	if err := (Demo{Machines: 1, Out: &bytes.Buffer{}, LookupEnv: unset, Program: "/no/such/program", Keep: dir}).Run(t.Context()); err == nil {
		t.Error("a demo without a program went well")
	}
	for _, name := range []string{"conf/awsprov_config.json", "conf/awsprov_templates.json", "scripts/requestMachines.sh"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	s, err := Demo{Program: "/no/such/program"}.site()
	if err != nil {
		t.Fatal(err)
	}
	s.remove()
	if _, err := os.Stat(s.root); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left behind: %v", s.root, err)
	}
}

// TestEnvironment: nothing that could lead to a real account reaches the scripts.
func TestEnvironment(t *testing.T) {
	t.Setenv("AWS_PROFILE", "production")
	t.Setenv("HF_TOP", "/opt/hostfactory")
	t.Setenv("OHFP_STORAGE_SQL_PATH", "/var/lib/ohfp.db")
	t.Setenv("https_proxy", "http://proxy:3128")
	t.Setenv("HOME", "/home/ann")
	env := map[string]string{}
	for _, variable := range (site{root: "/demo", conf: "/demo/conf", program: "/bin/ohfp"}).environment("http://127.0.0.1:1") {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	for _, name := range []string{"AWS_PROFILE", "HF_TOP", "OHFP_STORAGE_SQL_PATH", "https_proxy"} {
		if _, ok := env[name]; ok {
			t.Errorf("%s reaches the scripts", name)
		}
	}
	for name, want := range map[string]string{
		"HOME": "/home/ann", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "HF_PROVIDER_CONFDIR": "/demo/conf",
		"OHFP_COMMAND": "/bin/ohfp", "AWS_SHARED_CREDENTIALS_FILE": "/demo/no-such-file",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
}

func TestInterruptedDemo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Demo{Machines: 1, Out: &bytes.Buffer{}, LookupEnv: unset, Program: "/no/such/program"}.Run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	rows, launched := summary([]awssim.Call{
		{Action: "CreateFleet", Code: "RequestLimitExceeded"},
		{Action: "DescribeInstances"},
		{Action: "CreateFleet", Launched: []string{"i-1", "i-2"}},
		{Action: "Unheard"},
	})
	want := []callRow{
		{Call: "CreateFleet", Times: 2, What: "launches machines; 1: RequestLimitExceeded"},
		{Call: "DescribeInstances", Times: 1, What: "how are they?"},
		{Call: "Unheard", Times: 1},
	}
	if diff := cmp.Diff(want, rows); diff != "" || launched != 2 {
		t.Errorf("%d launched\n%s", launched, diff)
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	fastest, middle, slowest := spread([]time.Duration{5, 1, 9, 3, 7})
	if fastest != 1 || middle != 5 || slowest != 9 {
		t.Errorf("%d %d %d", fastest, middle, slowest)
	}
	if fastest, _, _ := spread(nil); fastest != 0 {
		t.Error(fastest)
	}
}
