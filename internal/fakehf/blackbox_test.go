package fakehf_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/deploy/hostfactory"
	"github.com/openhostfactory/ohfp/internal/fakehf"
)

// TestBlackBoxFullCycle asks, follows, gives back and follows again, over each launch API, in each form in which Host
// Factory and its relatives write inputs, under each shell that may be behind /bin/sh.
func TestBlackBoxFullCycle(t *testing.T) {
	t.Parallel()
	forms := map[string]fakehf.Form{
		"as 7.3.2":          {},
		"objects for lists": {Object: true},
		"names only":        {NameOnly: true},
		"ids only":          {IDOnly: true},
		"flat request":      {Flat: true, Strings: true},
		"odd bytes":         {BOM: true, Extra: true},
	}
	shells := []string{""}
	for _, name := range []string{"dash", "bash"} {
		if _, err := exec.LookPath(name); err == nil {
			shells = append(shells, name)
		}
	}
	n := 0
	for _, template := range []string{runInstances, fleet} {
		for name, form := range forms {
			count := 1 + 2*(n%2)
			shell := shells[n%len(shells)]
			n++
			t.Run(fmt.Sprintf("%s/%s", template, name), func(t *testing.T) {
				t.Parallel()
				s := newSite(t, quick())
				s.Form, s.Shell = form, shell
				if form.Strings {
					s.Form.Strings = false // a form of getReturnRequests alone
				}
				cycle(t, s, template, count)
				s.Form.Strings = form.Strings
				got := s.taken(fakehf.Host{Name: "ip-10-0-0-4.ec2.internal", ID: "i-0123456789abcdef0"})
				if len(got) != 0 {
					t.Errorf("what was given back is taken back too: %+v", got)
				}
			})
		}
	}
}

func cycle(t *testing.T, s *site, template string, count int) {
	t.Helper()
	listed := s.list()
	if !slices.ContainsFunc(listed.Templates, func(t fakehf.Template) bool { return t.ID == template }) {
		t.Fatalf("template %s is not listed: %+v", template, listed.Templates)
	}
	r := s.get(template, count)
	if diff := cmp.Diff(s.alive(), ids(r.Machines)); diff != "" {
		t.Errorf("alive in the cloud and told (-alive +told)\n%s", diff)
	}
	for _, m := range r.Machines {
		want := "ip-" + strings.ReplaceAll(m.PrivateIP, ".", "-") + ".ec2.internal"
		if m.Name != want || m.Status != "running" || time.Since(m.LaunchTime) > time.Hour || m.LaunchTime.After(time.Now()) {
			t.Errorf("machine %+v, want name %s", m, want)
		}
	}
	if got := s.taken(fakehf.Hosts(r.Machines)...); len(got) != 0 {
		t.Errorf("machines that run are taken back: %+v", got)
	}
	back := s.giveBack(fakehf.Hosts(r.Machines)...)
	if back.Status != "complete" || back.Message != "" {
		t.Errorf("return: %+v", back)
	}
	if diff := cmp.Diff(ids(r.Machines), ids(back.Good())); diff != "" {
		t.Errorf("asked and returned (-asked +returned)\n%s", diff)
	}
	for _, m := range back.Machines {
		if m.Status != "terminated" || m.Request != r.ID {
			t.Errorf("returned %+v", m)
		}
	}
	if left := s.alive(); len(left) != 0 {
		t.Errorf("still alive: %v", left)
	}
	after := s.status(r.ID)[0]
	if after.Status != "complete" || len(after.Good()) != count {
		t.Errorf("the request after the return: %+v", after)
	}
	for _, m := range after.Machines {
		if m.Status != "terminated" || m.Return != back.ID {
			t.Errorf("machine after the return: %+v", m)
		}
	}
}

// TestBlackBoxStandardOutput holds that nothing but the answer is printed, whatever the log and the terminal.
func TestBlackBoxStandardOutput(t *testing.T) {
	t.Parallel()
	environments := map[string][]string{
		"debug log":           {"HF_LOGLEVEL=LOG_DEBUG", "OHFP_LOGGING_LEVEL=DEBUG"},
		"debug log on stderr": {"OHFP_LOGGING_LEVEL=DEBUG", "HF_LOGGING_CONSOLE_ENABLED=true"},
		"narrow terminal":     {"COLUMNS=20", "LINES=5", "TERM=xterm-256color", "FORCE_COLOR=1", "CLICOLOR_FORCE=1"},
		"German":              {"LANG=de_DE.UTF-8", "LC_ALL=de_DE.UTF-8"},
		"no locale":           {"LC_ALL=C", "LANG="},
		"a noisy runtime":     {"GODEBUG=gctrace=1", "GOTRACEBACK=all"},
	}
	for name, env := range environments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, quick())
			s.Env = append(s.Env, env...)
			cycle(t, s, runInstances, 1)
			_, err := s.Request(t.Context(), "no-such-template", 1)
			refused(t, err, "no-such-template")
		})
	}
	t.Run("a log directory that cannot be written", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, quick())
		s.LogDir = "/proc/1/no such directory"
		cycle(t, s, runInstances, 1)
	})
	t.Run("template files with warnings", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, quick())
		s.writeTemplates(append(templates(), map[string]any{"templateId": "broken", "maxNumber": 3, "imageId": "ami-0abcdef1234567890", "vmTyp": "m5.xlarge"})...)
		cycle(t, s, runInstances, 1)
	})
}

func TestBlackBoxWithoutConfiguration(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*site) error{
		"no configuration directory": func(s *site) error { return os.RemoveAll(s.ConfDir) },
		"no template file":           func(s *site) error { return os.Remove(filepath.Join(s.ConfDir, "awsprov_templates.json")) },
		"a broken template file": func(s *site) error {
			return os.WriteFile(filepath.Join(s.ConfDir, "awsprov_templates.json"), []byte(`{"templates": [`), 0o600)
		},
		"a broken configuration file": func(s *site) error {
			return os.WriteFile(filepath.Join(s.ConfDir, "awsprov_config.json"), []byte(`{"AWS_REGION": `), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, quick())
			if err := spoil(s); err != nil {
				t.Fatal(err)
			}
			// An empty list would make Host Factory drop the provider: it is a failure with a reason.
			_, err := s.Templates(t.Context())
			refused(t, err)
			_, err = s.Request(t.Context(), runInstances, 1)
			refused(t, err)
			if n := s.launched(); n != 0 {
				t.Errorf("%d machines were launched", n)
			}
		})
	}
}

// TestBlackBoxBadCalls holds that a call that makes no sense is refused in the right form, and changes nothing.
func TestBlackBoxBadCalls(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	for _, action := range fakehf.Actions() {
		for name, input := range map[string]string{
			"no JSON": "templateId=x", "cut off": `{"template":{"templateId"`, "two objects": "{} {}", "a list": `["x"]`,
			"a wrong member": `{"templates":7,"template":7,"machines":7,"requests":7}`, "binary": "\x00\x01\xff",
		} {
			call, err := s.Call(t.Context(), action, []byte(input))
			if err != nil {
				t.Fatal(err)
			}
			if message, err := fakehf.ParseRefusal(call.Stdout); err != nil || call.Exit != 1 || !strings.Contains(string(call.Stderr), message) {
				t.Errorf("%s with %s: %v: exit %d, %q, %q", action, name, err, call.Exit, call.Stdout, call.Stderr)
			}
		}
		for name, arguments := range map[string][]string{
			"no file": {}, "a file that is not there": {"-f", filepath.Join(s.dir, "nothing")}, "a directory": {"-f", s.dir}, "no name": {"-f"},
			"an unknown flag": {"-x", "y"},
		} {
			command := exec.CommandContext(t.Context(), filepath.Join(s.ScriptDir, action+".sh"), arguments...)
			command.Env = append(s.Env, "PATH="+os.Getenv("PATH"), "HF_PROVIDER_CONFDIR="+s.ConfDir, "HF_PROVIDER_WORKDIR="+s.WorkDir, "HF_PROVIDER_LOGDIR="+s.LogDir)
			out, _ := command.Output()
			if _, err := fakehf.ParseRefusal(out); err != nil || command.ProcessState.ExitCode() != 1 {
				t.Errorf("%s with %s: %v: exit %d, %q", action, name, err, command.ProcessState.ExitCode(), out)
			}
		}
	}
	if n := s.launched(); n != 0 {
		t.Errorf("%d machines were launched", n)
	}
}

func TestBlackBoxCapacityRunsOut(t *testing.T) {
	t.Parallel()
	options := quick()
	options.Capacity = map[awssim.Pool]int{{InstanceType: "m5.xlarge"}: 2}
	s := newSite(t, options)
	s.settings(map[string]any{"requests": map[string]any{"timeout": "2s"}})
	r := s.follow(s.ask(runInstances, 4))
	if r.Status != "complete_with_error" || len(r.Good()) != 2 || !strings.Contains(r.Message, "InsufficientInstanceCapacity") {
		t.Errorf("%+v", r)
	}
	if diff := cmp.Diff(s.alive(), ids(r.Good())); diff != "" {
		t.Errorf("alive in the cloud and told (-alive +told)\n%s", diff)
	}
}

func TestBlackBoxCloudOutOfReach(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	s.once(s.server.URL)
	r := s.get(runInstances, 2)
	launching := s.ask(runInstances, 1)
	if err := s.cloud.FailNext("*", "InternalError", -1); err != nil {
		t.Fatal(err)
	}
	// What is complete stays so, what is under way stays under way, and nobody is said to be gone.
	for _, got := range s.status(r.ID, launching) {
		if want := map[string]string{r.ID: "complete", launching: "running"}[got.ID]; got.Status != want {
			t.Errorf("%s is %s, want %s: %s", got.ID, got.Status, want, got.Message)
		}
		if got.ID == launching && got.Message == "" {
			t.Error("nothing says that the cloud was not asked")
		}
	}
	if got := s.taken(fakehf.Hosts(r.Machines)...); len(got) != 0 {
		t.Errorf("a read that failed takes hosts away: %+v", got)
	}
	back := s.back(fakehf.Hosts(r.Machines)...)
	if got := s.status(back.RequestID)[0]; got.Status != "running" || len(got.Good()) != 0 {
		t.Errorf("the return is done without the cloud: %+v", got)
	}
	s.cloud.ClearFailures()
	if got := s.follow(back.RequestID); got.Status != "complete" || len(got.Good()) != 2 {
		t.Errorf("the return afterwards: %+v", got)
	}
	if got := s.follow(launching); got.Status != "complete" || len(s.alive()) != 1 {
		t.Errorf("the request afterwards: %+v, alive %v", got, s.alive())
	}
}

// TestBlackBoxMissingPermission takes away the permission to end machines: a return that cannot go on is told as it is,
// and holds up nobody else.
func TestBlackBoxMissingPermission(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	a, b := s.get(runInstances, 1), s.get(runInstances, 1)
	s.ok(s.cloud.FailNext("TerminateInstances", "UnauthorizedOperation", -1))
	back := s.back(fakehf.Hosts(b.Machines)...)
	if got := s.status(a.ID)[0]; got.Status != "complete" {
		t.Errorf("a request that is complete: %+v", got)
	}
	asked := s.ask(runInstances, 1)
	s.until("a new request is complete", func() bool {
		requests, err := s.Status(t.Context(), asked)
		return err == nil && requests[0].Status == "complete"
	})
	s.taken(fakehf.Hosts(a.Machines)...)
	for _, got := range s.status(back.RequestID, a.ID) {
		if got.ID == back.RequestID && (got.Done() || !strings.Contains(got.Message, "UnauthorizedOperation")) {
			t.Errorf("the return: %+v", got)
		}
	}
	_, err := s.Status(t.Context(), back.RequestID)
	refused(t, err, "UnauthorizedOperation")
	s.cloud.ClearFailures()
	if got := s.follow(back.RequestID); got.Status != "complete" {
		t.Errorf("the return afterwards: %+v", got)
	}
}

func TestBlackBoxPermanentRefusal(t *testing.T) {
	t.Parallel()
	options := quick()
	options.MissingImages = []string{"ami-0abcdef1234567890"}
	s := newSite(t, options)
	_, err := s.Request(t.Context(), runInstances, 1)
	refused(t, err, "InvalidAMIID.NotFound")
}

// TestBlackBoxShippedSamples runs on the sample files as they are, under each name that IBM gives them. Only where the
// cloud is comes from outside.
func TestBlackBoxShippedSamples(t *testing.T) {
	t.Parallel()
	samples, err := hostfactory.Samples()
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{"awsprov_", "awsinstprov_"} {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, quick())
			s.Env = append(s.Env, "AWS_ENDPOINT_URL="+s.server.URL)
			s.ok(os.RemoveAll(s.ConfDir))
			s.ok(os.MkdirAll(s.ConfDir, 0o700))
			for _, name := range []string{"config.json", "templates.json"} {
				data, err := fs.ReadFile(samples, "awsprov_"+name)
				s.ok(err)
				s.ok(os.WriteFile(filepath.Join(s.ConfDir, prefix+name), data, 0o600))
			}
			listed := s.list().Templates
			if len(listed) != 2 {
				t.Errorf("%d templates are listed, want both: %s", len(listed), s.Calls()[0].Stderr)
			}
			for _, template := range listed {
				s.giveBack(fakehf.Hosts(s.get(template.ID, 2).Machines)...)
			}
		})
	}
}
