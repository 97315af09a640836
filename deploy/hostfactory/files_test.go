package hostfactory_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	deployed "github.com/openhostfactory/ohfp/deploy/hostfactory"
)

func actions() []string {
	return []string{
		"getAvailableTemplates", "requestMachines", "requestReturnMachines", "getRequestStatus", "getReturnRequests",
	}
}

// shells are those of this machine that may be behind #!/bin/sh.
func shells(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, name := range []string{"sh", "dash", "bash", "busybox", "ksh"} {
		if _, err := exec.LookPath(name); err == nil {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		t.Fatal("no POSIX shell on this machine")
	}
	return found
}

func shellCommand(t *testing.T, shell string, arguments ...string) *exec.Cmd {
	t.Helper()
	if shell == "busybox" {
		arguments = append([]string{"sh"}, arguments...)
	}
	return exec.CommandContext(t.Context(), shell, arguments...)
}

// installed lays the scripts out as an administrator does: scripts beside bin.
func installed(t *testing.T) (top string) {
	t.Helper()
	top = filepath.Join(t.TempDir(), "with space")
	if err := deployed.WriteScripts(filepath.Join(top, "scripts")); err != nil {
		t.Fatal(err)
	}
	return top
}

// program writes a program that prints its name and its arguments, one a line.
func program(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	text := "#!/bin/sh\nprintf '%s\\n' \"$0\" \"$@\"\nexit 7\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

type outcome struct {
	Stdout, Stderr string
	Exit           int
}

func run(t *testing.T, command *exec.Cmd, env ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command.Env, command.Stdout, command.Stderr = env, &stdout, &stderr
	_ = command.Run() // the exit code tells
	if command.ProcessState == nil {
		t.Fatalf("%s could not be run", command)
	}
	return outcome{Stdout: stdout.String(), Stderr: stderr.String(), Exit: command.ProcessState.ExitCode()}
}

func TestScriptsParse(t *testing.T) {
	t.Parallel()
	top := installed(t)
	for _, shell := range shells(t) {
		for _, action := range actions() {
			script := filepath.Join(top, "scripts", action+".sh")
			if got := run(t, shellCommand(t, shell, "-n", script)); got != (outcome{}) {
				t.Errorf("%s -n %s: %+v", shell, action, got)
			}
		}
	}
}

func TestScriptsStartTheProgram(t *testing.T) { // not parallel: a fork elsewhere would hold the program open while it is written
	top := installed(t)
	beside := filepath.Join(top, "bin", "ohfp")
	named := filepath.Join(t.TempDir(), "its own name")
	onPath := filepath.Join(t.TempDir(), "ohfp")
	for _, path := range []string{beside, named, onPath} {
		program(t, path)
	}
	bare := installed(t) // scripts without a bin directory
	tests := []struct {
		name string
		top  string
		env  []string
		want string // the program that runs
	}{
		{name: "OHFP_COMMAND wins", top: top, env: []string{"OHFP_COMMAND=" + named, "PATH=" + filepath.Dir(onPath)}, want: named},
		{name: "a name without a slash is looked up in PATH", top: top, env: []string{"OHFP_COMMAND=ohfp", "PATH=" + filepath.Dir(onPath)}, want: onPath},
		{name: "bin beside the scripts comes before PATH", top: top, env: []string{"PATH=" + filepath.Dir(onPath)}, want: top + "/scripts/../bin/ohfp"},
		{name: "an empty OHFP_COMMAND counts as none", top: top, env: []string{"OHFP_COMMAND=", "PATH="}, want: top + "/scripts/../bin/ohfp"},
		{name: "PATH is last", top: bare, env: []string{"PATH=" + filepath.Dir(onPath)}, want: onPath},
	}
	for _, shell := range shells(t) {
		for _, test := range tests {
			for _, action := range actions() {
				script := filepath.Join(test.top, "scripts", action+".sh")
				got := run(t, shellCommand(t, shell, script, "-f", "/tmp/hf in_$HOME"), test.env...)
				want := outcome{Stdout: test.want + "\n" + action + "\n-f\n/tmp/hf in_$HOME\n", Exit: 7}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %s, %s: (-want +got)\n%s", shell, test.name, action, diff)
				}
			}
		}
	}
}

// TestScriptsStartTheThinProgram: where ohfp-hf is beside ohfp, it is started, and told which ohfp it stands for.
func TestScriptsStartTheThinProgram(t *testing.T) { // not parallel, as above
	top := installed(t)
	beside := filepath.Join(top, "bin", "ohfp")
	named := filepath.Join(t.TempDir(), "its own name")
	onPath := filepath.Join(t.TempDir(), "ohfp")
	for _, path := range []string{beside, named, onPath} {
		program(t, path)
		thin := "#!/bin/sh\nprintf '%s\\n' \"$0\" \"$OHFP_COMMAND\" \"$@\"\nexit 8\n"
		if err := os.WriteFile(path+"-hf", []byte(thin), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name string
		top  string
		env  []string
		want string // the program that the thin one stands for
		thin string // empty: beside it
	}{
		{name: "OHFP_COMMAND", top: top, env: []string{"OHFP_COMMAND=" + named}, want: named},
		{name: "in PATH", top: installed(t), env: []string{"PATH=" + filepath.Dir(onPath)}, want: "ohfp", thin: onPath + "-hf"},
		{name: "beside the scripts", top: top, env: []string{"PATH="}, want: top + "/scripts/../bin/ohfp"},
	}
	for _, shell := range shells(t) {
		for _, test := range tests {
			script := filepath.Join(test.top, "scripts", "getRequestStatus.sh")
			got := run(t, shellCommand(t, shell, script, "-f", "x y"), test.env...)
			thin := test.thin
			if thin == "" {
				thin = test.want + "-hf"
			}
			want := outcome{Stdout: thin + "\n" + test.want + "\ngetRequestStatus\n-f\nx y\n", Exit: 8}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s: (-want +got)\n%s", shell, test.name, diff)
			}
		}
	}
}

func TestScriptRunFromItsOwnDirectory(t *testing.T) { // not parallel, as above
	top := installed(t)
	program(t, filepath.Join(top, "bin", "ohfp"))
	for _, shell := range shells(t) {
		command := shellCommand(t, shell, "requestMachines.sh")
		command.Dir = filepath.Join(top, "scripts")
		got := run(t, command, "PATH=")
		if got.Exit != 7 || !strings.HasSuffix(got.Stdout, "../bin/ohfp\nrequestMachines\n") {
			t.Errorf("%s: %+v", shell, got)
		}
	}
}

func TestScriptsSayThatTheProgramIsMissing(t *testing.T) {
	t.Parallel()
	top := installed(t)
	plain := filepath.Join(t.TempDir(), "plain.txt")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	environments := map[string][]string{
		"nothing anywhere":            {"PATH=" + t.TempDir()},
		"OHFP_COMMAND does not exist": {"OHFP_COMMAND=/no/such/\"program\""},
		"OHFP_COMMAND is a directory": {"OHFP_COMMAND=" + t.TempDir()},
		"OHFP_COMMAND cannot be run":  {"OHFP_COMMAND=" + plain},
		"OHFP_COMMAND is not in PATH": {"OHFP_COMMAND=ohfp-of-nobody", "PATH=" + t.TempDir()},
	}
	for _, shell := range shells(t) {
		for name, env := range environments {
			for _, action := range actions() {
				got := run(t, shellCommand(t, shell, filepath.Join(top, "scripts", action+".sh"), "-f", "x"), env...)
				var answer map[string]string
				if err := json.Unmarshal([]byte(got.Stdout), &answer); err != nil {
					t.Errorf("%s, %s, %s: standard output %q: %v", shell, name, action, got.Stdout, err)
					continue
				}
				message := answer["message"]
				if got.Exit != 1 || len(answer) != 1 || !strings.Contains(message, "OHFP_COMMAND") || !strings.HasPrefix(got.Stderr, message) {
					t.Errorf("%s, %s, %s: %+v", shell, name, action, got)
				}
			}
		}
	}
}

func TestEveryActionHasTheSameTwoScripts(t *testing.T) {
	t.Parallel()
	scripts, err := deployed.Scripts()
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(scripts, "*")
	if err != nil || len(names) != 2*len(actions()) {
		t.Fatalf("scripts: %v %v", names, err)
	}
	// Apart from its name and its first sentence, each script is the same text.
	body := func(action, extension string) string {
		data, err := fs.ReadFile(scripts, action+extension)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(data), action, "ACTION")
		head, tail, _ := strings.Cut(text, "ACTION"+extension+" -f FILE:")
		_, tail, _ = strings.Cut(tail, "\n")
		if !strings.Contains(tail, "ACTION") {
			t.Errorf("%s%s does not call its action", action, extension)
		}
		if windows := extension == ".bat"; windows != strings.Contains(text, "\r\n") || strings.Count(text, "\r") != strings.Count(text, "\r\n") {
			t.Errorf("%s%s: wrong line endings", action, extension)
		}
		return head + tail
	}
	for _, extension := range []string{".sh", ".bat"} {
		first := body(actions()[0], extension)
		for _, action := range actions()[1:] {
			if diff := cmp.Diff(first, body(action, extension)); diff != "" {
				t.Errorf("%s%s differs from the others:\n%s", action, extension, diff)
			}
		}
	}
}

func TestSamplesAreJSON(t *testing.T) {
	t.Parallel()
	samples, err := deployed.Samples()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{ // file and the member that it must have
		"awsprov_config.json":      "AWS_REGION",
		"awsprov_templates.json":   "templates",
		"hostProviderPlugins.json": "providerplugins",
		"hostProviders.json":       "providers",
	}
	names, err := fs.Glob(samples, "*.json")
	if err != nil || len(names) != len(tests) {
		t.Fatalf("samples: %v %v", names, err)
	}
	for name, member := range tests {
		data, err := fs.ReadFile(samples, name)
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(data, &object); err != nil || object[member] == nil {
			t.Errorf("%s has no %s: %v", name, member, err)
		}
	}
}
