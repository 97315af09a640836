//go:build linux || darwin

package daemon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/fakehf"
)

// patience bounds every wait of this suite; a good one takes well below a second.
const patience = 30 * time.Second

// scratch is a directory for what this suite builds.
var scratch string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ohfp-daemon-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// installation is where the programs are: both, as they are delivered or with failpoints; ohfp alone; and ohfp-hf with an
// ohfp that only asks the daemon again, a few times, since a busy machine may not greet in time.
type installation struct{ Both, Alone, Thin, Deaf string }

var (
	crashing  = sync.OnceValues(func() (installation, error) { return build("crashing", "-tags", "failpoints") })
	delivered = sync.OnceValues(func() (installation, error) { return build("delivered", "-trimpath", "-ldflags", "-s -w") })
)

// again is the ohfp that only asks again.
const again = `#!/bin/sh
TRIES=x$TRIES
export TRIES
[ "$TRIES" = xxxxxxxxxxxxxxxx ] && exit 99
exec "$0-hf" "$@"
`

// deaf is an ohfp whose caller never has an answer.
const deaf = `#!/bin/sh
exec "${0%/deaf/ohfp}/both/ohfp-hf" "$@" >/dev/full
`

func build(name string, flags ...string) (installation, error) {
	top := filepath.Join(scratch, name)
	both, alone, thin, unheard := filepath.Join(top, "both"), filepath.Join(top, "alone"), filepath.Join(top, "thin"), filepath.Join(top, "deaf")
	for _, dir := range []string{both, alone, thin, unheard} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return installation{}, err
		}
	}
	if err := fakehf.Sources("../.."); err != nil {
		return installation{}, err
	}
	arguments := append([]string{"build", "-o", both + "/"}, flags...)
	command := exec.Command("go", append(arguments, "github.com/openhostfactory/ohfp/cmd/ohfp", "github.com/openhostfactory/ohfp/cmd/ohfp-hf")...)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return installation{}, fmt.Errorf("%s: %w\n%s", command, err, out)
	}
	built := installation{
		Both: filepath.Join(both, "ohfp"), Alone: filepath.Join(alone, "ohfp"), Thin: filepath.Join(thin, "ohfp"), Deaf: filepath.Join(unheard, "ohfp"),
	}
	return built, errors.Join(
		os.Link(built.Both, built.Alone),
		os.Link(filepath.Join(both, "ohfp-hf"), filepath.Join(thin, "ohfp-hf")),
		os.WriteFile(built.Thin, []byte(again), 0o700),
		os.WriteFile(built.Deaf, []byte(deaf), 0o700),
	)
}

// site is a Symphony cluster whose scripts find a daemon, when one runs, and a cloud of its own.
type site struct {
	*fakehf.Cluster
	tb       testing.TB
	cloud    *awssim.Cloud
	programs installation
}

func newSite(tb testing.TB, built func() (installation, error), options awssim.Options) *site {
	tb.Helper()
	programs, err := built()
	if err != nil {
		tb.Fatal(err)
	}
	cloud, err := awssim.New(options)
	if err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(cloud)
	tb.Cleanup(server.Close)
	dir := tb.TempDir()
	scripts, err := filepath.Abs("../../deploy/hostfactory/scripts")
	if err != nil {
		tb.Fatal(err)
	}
	s := &site{
		Cluster: &fakehf.Cluster{
			ScriptDir: scripts, ConfDir: filepath.Join(dir, "conf"), WorkDir: filepath.Join(dir, "work"),
			LogDir: filepath.Join(dir, "log"), TempDir: filepath.Join(dir, "tmp"),
			Env: []string{
				"HOME=" + dir, "TMPDIR=" + os.TempDir(), "USER=egoadmin", "AWS_ACCESS_KEY_ID=simulator", "AWS_SECRET_ACCESS_KEY=simulator",
				"AWS_EC2_METADATA_DISABLED=true", "OHFP_API_ENABLED=false", "OHFP_RESILIENCE_PACING_ENABLED=false", // the cloud here has no rates
			},
			PollInterval: 20 * time.Millisecond, ActionTimeout: 60 * time.Second,
		},
		tb: tb, cloud: cloud, programs: programs,
	}
	for _, d := range []string{s.ConfDir, s.WorkDir, s.LogDir, s.TempDir} {
		if err := os.MkdirAll(d, 0o750); err != nil {
			tb.Fatal(err)
		}
	}
	s.write("awsprov_config.json", map[string]any{"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": server.URL, "AWS_REQUEST_RETRY_ATTEMPTS": 0})
	s.write("awsprov_templates.json", map[string]any{"templates": []any{map[string]any{
		"templateId": "m5", "maxNumber": 10000, "imageId": "ami-0abcdef1234567890", "vmType": "m5.xlarge",
		"subnetId": "subnet-0000000000000000a", "securityGroupIds": []string{"sg-00000000000000001"},
	}}})
	s.settings(map[string]any{})
	return s.with(programs.Both)
}

// quick is a cloud in which everything takes a moment.
func quick() awssim.Options {
	return awssim.Options{LaunchDelay: 50 * time.Millisecond, TerminateDelay: 50 * time.Millisecond}
}

// settings writes the program's own configuration, with a daemon that is quick too.
func (s *site) settings(more map[string]any) {
	s.tb.Helper()
	values := map[string]any{"daemon": map[string]any{"interval": 0.1, "idle_interval": 0.5, "live_interval": 1}}
	for key, value := range more {
		values[key] = value
	}
	s.write("config.json", values)
}

func (s *site) write(name string, value any) {
	s.tb.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		s.tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.ConfDir, name), data, 0o600); err != nil {
		s.tb.Fatal(err)
	}
}

// with is the same site, whose scripts start another program.
func (s *site) with(program string, more ...string) *site {
	c := s.Cluster
	env := slices.DeleteFunc(slices.Clone(c.Env), func(entry string) bool { return bytes.HasPrefix([]byte(entry), []byte("OHFP_COMMAND=")) })
	other := *s
	other.Cluster = &fakehf.Cluster{
		ScriptDir: c.ScriptDir, ConfDir: c.ConfDir, WorkDir: c.WorkDir, LogDir: c.LogDir, TempDir: c.TempDir,
		Env: append(append(env, "OHFP_COMMAND="+program), more...), PollInterval: c.PollInterval, ActionTimeout: c.ActionTimeout,
	}
	return &other
}

// environment is what a person has who works on the site.
func (s *site) environment() []string {
	return append(slices.Clone(s.Env), "PATH="+os.Getenv("PATH"), "HF_PROVIDER_NAME=awsinst",
		"HF_PROVIDER_CONFDIR="+s.ConfDir, "HF_PROVIDER_WORKDIR="+s.WorkDir, "HF_PROVIDER_LOGDIR="+s.LogDir)
}

// running is a daemon.
type running struct {
	*exec.Cmd
	stderr bytes.Buffer
	ended  chan struct{}
}

// serve starts a daemon and waits until it is ready.
func (s *site) serve(more ...string) *running {
	s.tb.Helper()
	d := &running{Cmd: exec.Command(s.programs.Both, "serve"), ended: make(chan struct{})}
	d.Env, d.Stderr = append(s.environment(), more...), &d.stderr
	if err := d.Start(); err != nil {
		s.tb.Fatal(err)
	}
	go func() {
		defer close(d.ended)
		_ = d.Wait() // its exit code is looked at where it matters
	}()
	s.tb.Cleanup(func() { d.end(s.tb, syscall.SIGKILL) })
	for deadline := time.Now().Add(patience); s.cli(s.tb.Context(), nil, "serve", "--check") != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.tb.Fatalf("the daemon does not get ready: %s", d.stderr.Bytes())
		}
	}
	return d
}

// end sends a signal and waits for the end. It returns the exit code, -1 after a kill.
func (d *running) end(tb testing.TB, signal syscall.Signal) int {
	tb.Helper()
	_ = d.Process.Signal(signal) // it may have ended
	select {
	case <-d.ended:
	case <-time.After(patience):
		tb.Error("the daemon does not end")
		_ = d.Process.Kill()
		<-d.ended
	}
	return d.ProcessState.ExitCode()
}

// cli runs the program as a person does and decodes what it prints.
func (s *site) cli(ctx context.Context, into any, arguments ...string) error {
	command := exec.CommandContext(ctx, s.programs.Alone, arguments...)
	command.Env = s.environment()
	out, err := command.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return fmt.Errorf("ohfp %v: %w", arguments, err)
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("ohfp %v: %w", arguments, err)
	}
	return nil
}

// recorded lists the requests in the store, newest first, without asking for any in particular, and says whether all have
// ended or do: one whose launch has no known outcome stops for five minutes, in which its machines may still show.
func (s *site) recorded() (ids []string, ends bool) {
	s.tb.Helper()
	var list struct {
		Requests []struct {
			ID     string `json:"requestId"`
			Status string `json:"status"`
		} `json:"requests"`
	}
	if err := s.cli(s.tb.Context(), &list, "requests", "list"); err != nil {
		s.tb.Fatal(err)
	}
	ends = true
	for _, r := range list.Requests {
		ids = append(ids, r.ID)
		ends = ends && r.Status != "pending" && r.Status != "in_progress"
	}
	return ids, ends
}

// ready follows a request to its good end.
func (s *site) ready(id string, count int) fakehf.Request {
	s.tb.Helper()
	r, err := s.Follow(s.tb.Context(), id, patience)
	if err != nil {
		s.tb.Fatal(err)
	}
	if r.Status != "complete" || len(r.Good()) != count || len(r.Machines) != count {
		s.tb.Fatalf("asked %d: %+v", count, r)
	}
	return r
}

func (s *site) ask(count int) string {
	s.tb.Helper()
	answer, err := s.Request(s.tb.Context(), "m5", count)
	if err != nil {
		s.tb.Fatal(err)
	}
	return answer.RequestID
}

func (s *site) alive() int {
	n := 0
	for _, i := range s.cloud.Instances() {
		if i.Alive() {
			n++
		}
	}
	return n
}

func (s *site) launched() int { return len(s.cloud.Instances()) }

func (s *site) eventually(what string, so func() bool) {
	s.tb.Helper()
	s.within(patience, what, so)
}

func (s *site) within(d time.Duration, what string, so func() bool) {
	s.tb.Helper()
	for deadline := time.Now().Add(d); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.tb.Fatalf("it never happens that %s", what)
		}
	}
}
