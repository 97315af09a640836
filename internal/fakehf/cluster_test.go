package fakehf_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/internal/fakehf"
)

// scriptDir holds the scripts that are shipped.
func scriptDir(tb testing.TB) string {
	tb.Helper()
	dir, err := filepath.Abs("../../deploy/hostfactory/scripts")
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}

// puppet is a cluster whose plug-in answers what the environment says, and the directory where the plug-in writes down
// how it was called.
func puppet(t *testing.T, env ...string) (*fakehf.Cluster, string) {
	t.Helper()
	plugin, err := filepath.Abs("testdata/plugin.sh")
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	return &fakehf.Cluster{
		ScriptDir: scriptDir(t), ConfDir: "/conf", WorkDir: "/work", LogDir: "/log", TempDir: t.TempDir(),
		Env:          append([]string{"OHFP_COMMAND=" + plugin, "OUT=" + out}, env...),
		PollInterval: time.Millisecond,
	}, out
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestClusterCallsAsHostFactoryDoes(t *testing.T) {
	t.Parallel()
	c, out := puppet(t, "ANSWER="+strings.TrimSpace(goodTemplates), "HF_LOGLEVEL=LOG_DEBUG")
	if _, err := c.Templates(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := read(t, out, "arguments"); got != "getAvailableTemplates\n-f\n" {
		t.Errorf("arguments %q", got)
	}
	want := "HF_LOGLEVEL=LOG_DEBUG\nHF_PROVIDER_CONFDIR=/conf\nHF_PROVIDER_LOGDIR=/log\nHF_PROVIDER_NAME=awsinst\nHF_PROVIDER_WORKDIR=/work\nHF_VERSION=1.2\n"
	if diff := cmp.Diff(want, read(t, out, "environment")); diff != "" {
		t.Errorf("environment (-want +got)\n%s", diff)
	}
	if left, err := os.ReadDir(c.TempDir); err != nil || len(left) != 0 {
		t.Errorf("input files left: %v %v", left, err)
	}
}

func TestFormsOfInputs(t *testing.T) {
	t.Parallel()
	host := fakehf.Host{Name: "ip-10-0-0-1", ID: "i-1"}
	request := func(ctx context.Context, c *fakehf.Cluster) error { _, err := c.Request(ctx, "T-1", 3); return err }
	back := func(ctx context.Context, c *fakehf.Cluster) error { _, err := c.Return(ctx, host); return err }
	status := func(ctx context.Context, c *fakehf.Cluster) error { _, err := c.Status(ctx, "req-1"); return err }
	reclaimed := func(ctx context.Context, c *fakehf.Cluster) error { _, err := c.ReturnRequests(ctx, host); return err }
	tests := []struct {
		name   string
		form   fakehf.Form
		answer string
		call   func(context.Context, *fakehf.Cluster) error
		want   string
	}{
		{"request", fakehf.Form{}, goodRequested, request, `{"template":{"machineCount":3,"templateId":"T-1"}}`},
		{"flat request", fakehf.Form{Flat: true}, goodRequested, request, `{"maxNumber":3,"templateId":"T-1"}`},
		{"byte order mark", fakehf.Form{BOM: true}, goodRequested, request, "\xef\xbb\xbf" + `{"template":{"machineCount":3,"templateId":"T-1"}}`},
		{"extra members", fakehf.Form{Extra: true}, goodRequested, request, `{"rc_account":"default","template":{"machineCount":3,"templateId":"T-1"},"userData":{"requestor":"symAinst"}}`},
		{"return", fakehf.Form{}, goodRequested, back, `{"machines":[{"name":"ip-10-0-0-1","machineId":"i-1"}]}`},
		{"return of one", fakehf.Form{Object: true}, goodRequested, back, `{"machines":{"name":"ip-10-0-0-1","machineId":"i-1"}}`},
		{"return by name", fakehf.Form{NameOnly: true}, goodRequested, back, `{"machines":[{"name":"ip-10-0-0-1"}]}`},
		{"return by id", fakehf.Form{IDOnly: true}, goodRequested, back, `{"machines":[{"machineId":"i-1"}]}`},
		{"status", fakehf.Form{}, goodStatus, status, `{"requests":[{"requestId":"req-1"}]}`},
		{"status of one", fakehf.Form{Object: true}, goodStatus, status, `{"requests":{"requestId":"req-1"}}`},
		{"return requests", fakehf.Form{}, goodReclaimed, reclaimed, `{"machines":[{"name":"ip-10-0-0-1","machineId":"i-1"}]}`},
		{"return requests in words", fakehf.Form{Strings: true}, goodReclaimed, reclaimed, `{"machines":["ip-10-0-0-1"]}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, out := puppet(t, "ANSWER="+strings.TrimSpace(test.answer))
			c.Form = test.form
			if err := test.call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, read(t, out, "input")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestEndsOfCalls(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		env  []string
		want string // the type of the error and part of it
	}{
		{"refused", []string{"EXIT=1", `ANSWER={"message":"no"}`, "COMPLAINT=ohfp: no"}, "refusal: requestMachines: no"},
		{"refused in silence", []string{"EXIT=1", `ANSWER={"message":"no"}`}, "violation: requestMachines answered against the interface: standard error does not tell"},
		{"refused with an id", []string{"EXIT=1", `ANSWER={"message":"no","requestId":"r"}`, "COMPLAINT=no"}, "violation: requestMachines answered against the interface: answer has the unknown member"},
		{"exit code 2", []string{"EXIT=2", `ANSWER={"message":"no"}`}, "violation: requestMachines answered against the interface: exit code 2"},
		{"not JSON", []string{"ANSWER=Traceback (most recent call last)"}, "violation: requestMachines answered against the interface: standard output begins with"},
		{"killed", []string{"DIE=1"}, "killed: requestMachines was killed"},
		{"too slow", []string{"SLEEP=3"}, "killed: requestMachines was killed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, _ := puppet(t, test.env...)
			if test.name == "too slow" {
				c.ActionTimeout = 100 * time.Millisecond
			}
			_, err := c.Request(t.Context(), "T-1", 1)
			var refusal *fakehf.Refusal
			var violation *fakehf.Violation
			var killed *fakehf.Killed
			got := "no error"
			switch {
			case errors.As(err, &refusal):
				got = "refusal: " + err.Error()
			case errors.As(err, &violation):
				got = "violation: " + err.Error()
			case errors.As(err, &killed):
				got = "killed: " + err.Error()
			case err != nil:
				got = err.Error()
			}
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestFollowPollsUntilTheEnd(t *testing.T) {
	t.Parallel()
	running := `{"requests":[{"requestId":"req-1","status":"running","message":"","machines":[]}]}`
	c, out := puppet(t, "ANSWER="+running, "AFTER=3", "LAST="+strings.TrimSpace(goodStatus))
	r, err := c.Follow(t.Context(), "req-1", 20*time.Second)
	if err != nil || len(r.Good()) != 1 {
		t.Errorf("%+v: %v", r, err)
	}
	if got := strings.Count(read(t, out, "calls"), "call"); got != 3 {
		t.Errorf("%d polls, want 3", got)
	}
	never, _ := puppet(t, "ANSWER="+running)
	if _, err := never.Follow(t.Context(), "req-1", 0); err == nil || !strings.Contains(err.Error(), "still running") {
		t.Errorf("a request without end: %v", err)
	}
}

func TestCallsAreRememberedAndMayRunTogether(t *testing.T) {
	t.Parallel()
	c, _ := puppet(t, "ANSWER="+strings.TrimSpace(goodRequested), "SLEEP=0.2")
	var group sync.WaitGroup
	began := time.Now()
	for range 8 {
		group.Go(func() {
			if _, err := c.Request(t.Context(), "T-1", 1); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	calls := c.Calls()
	if len(calls) != 8 || time.Since(began) > 8*200*time.Millisecond {
		t.Errorf("%d calls in %s", len(calls), time.Since(began))
	}
	for _, call := range calls {
		if call.Action != fakehf.RequestMachines || call.Exit != 0 || call.Took < 200*time.Millisecond || string(call.Stdout) != goodRequested {
			t.Errorf("%+v", call)
		}
	}
}
