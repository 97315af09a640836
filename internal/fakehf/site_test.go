package fakehf_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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
	dir, err := os.MkdirTemp("", "ohfp-blackbox-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// crashing is the program with failpoints, which do nothing when none is set, built like tests are; delivered is the one
// that users have, built as `make build` does. Each is built once, when it is first needed.
var (
	crashing = sync.OnceValues(func() (string, error) {
		return build("crashing", nil, "-tags", "failpoints")
	})
	delivered = sync.OnceValues(func() (string, error) {
		return build("delivered", []string{"CGO_ENABLED=0"}, "-trimpath", "-ldflags", "-s -w")
	})
)

func build(name string, env []string, flags ...string) (string, error) {
	path := filepath.Join(scratch, name, "ohfp")
	if err := fakehf.Sources("../.."); err != nil {
		return "", err
	}
	arguments := append([]string{"build", "-o", path}, flags...)
	command := exec.Command("go", append(arguments, "github.com/openhostfactory/ohfp/cmd/ohfp")...)
	command.Env = append(os.Environ(), env...)
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", command, err, out)
	}
	return path, nil
}

// program returns a program that is built.
func program(tb testing.TB, built func() (string, error)) string {
	tb.Helper()
	path, err := built()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// site is a Symphony cluster, the shipped scripts, the built program and a cloud of its own.
type site struct {
	*fakehf.Cluster
	tb      testing.TB
	cloud   *awssim.Cloud
	server  *httptest.Server
	dir     string
	program string

	past     []string // requests that are over, and not what the test is about
	outlived int      // machines that they launched
}

// quick is a cloud in which everything takes a moment, so that every state is seen, but not longer.
func quick() awssim.Options {
	return awssim.Options{LaunchDelay: 50 * time.Millisecond, TerminateDelay: 50 * time.Millisecond}
}

// newSite makes a site whose configuration is what an administrator of IBM's own plug-in has: two files, untouched but
// for the address of the cloud.
func newSite(tb testing.TB, options awssim.Options) *site {
	tb.Helper()
	cloud, err := awssim.New(options)
	if err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(cloud)
	tb.Cleanup(server.Close)
	return siteAt(tb, cloud, server, server.URL, program(tb, crashing))
}

// siteAt is a site that reaches its cloud under an address of its own.
func siteAt(tb testing.TB, cloud *awssim.Cloud, server *httptest.Server, endpoint, program string) *site {
	tb.Helper()
	dir := tb.TempDir()
	s := &site{
		Cluster: &fakehf.Cluster{
			ScriptDir: scriptDir(tb), ConfDir: filepath.Join(dir, "conf"), WorkDir: filepath.Join(dir, "work"),
			LogDir: filepath.Join(dir, "log"), TempDir: filepath.Join(dir, "tmp"),
			Env:          append(account(dir), "OHFP_COMMAND="+program),
			PollInterval: 20 * time.Millisecond, ActionTimeout: 60 * time.Second,
		},
		tb: tb, cloud: cloud, server: server, dir: dir, program: program,
	}
	for _, d := range []string{s.ConfDir, s.WorkDir, s.LogDir, s.TempDir} {
		if err := os.MkdirAll(d, 0o750); err != nil {
			tb.Fatal(err)
		}
	}
	s.configure(endpoint)
	s.writeTemplates(templates()...)
	return s
}

// account is an AWS account that exists nowhere else, and a home without anybody's settings.
func account(dir string) []string {
	return []string{
		"HOME=" + dir, "AWS_ACCESS_KEY_ID=simulator", "AWS_SECRET_ACCESS_KEY=simulator", "AWS_EC2_METADATA_DISABLED=true",
		"OHFP_RESILIENCE_PACING_ENABLED=false", // the cloud here has no rates
	}
}

func (s *site) configure(endpoint string) {
	s.tb.Helper()
	s.write("awsprov_config.json", map[string]any{
		"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint, "AWS_CONNECTION_TIMEOUT_MS": 10000,
		"AWS_REQUEST_RETRY_ATTEMPTS": 0, "ACCEPT_PROPAGATED_LOG_SETTING": true,
	})
}

// settings writes a file of the program's own beside IBM's.
func (s *site) settings(values map[string]any) {
	s.tb.Helper()
	s.write("config.json", values)
}

// once replaces IBM's file by one of the program's own, with which no call is repeated within a process.
func (s *site) once(endpoint string) {
	s.tb.Helper()
	s.ok(os.Remove(filepath.Join(s.ConfDir, "awsprov_config.json")))
	s.settings(map[string]any{"providers": []any{map[string]any{
		"name": "awsinst", "type": "aws",
		"config": map[string]any{"region": "us-east-1", "endpoint_url": endpoint, "max_retries": 0},
	}}})
}

func (s *site) writeTemplates(list ...map[string]any) {
	s.tb.Helper()
	s.write("awsprov_templates.json", map[string]any{"templates": list})
}

func (s *site) write(name string, value any) {
	s.tb.Helper()
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		s.tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.ConfDir, name), data, 0o600); err != nil {
		s.tb.Fatal(err)
	}
}

const (
	runInstances = "OnDemand"
	fleet        = "EC2FleetInstant"
	small        = "Small" // maxNumber 5
)

// templates are one for each launch API, and one that is soon used up.
func templates() []map[string]any {
	return []map[string]any{
		with(base(runInstances), map[string]any{"vmType": "m5.xlarge", "instanceTags": "team=grid;cost-center=1234"}),
		with(base(fleet), map[string]any{
			"providerApi": "EC2Fleet", "fleetType": "instant", "priceType": "spot", "allocationStrategy": "capacityOptimized",
			"vmTypes": map[string]int{"m5.xlarge": 1, "m5a.xlarge": 1}, "subnetId": []string{"subnet-0000000000000000a", "subnet-0000000000000000b"},
		}),
		with(base(small), map[string]any{"vmType": "t3.medium", "maxNumber": 5}),
	}
}

func base(id string) map[string]any {
	return map[string]any{
		"templateId": id, "maxNumber": 10000, "imageId": "ami-0abcdef1234567890",
		"subnetId": "subnet-0000000000000000a", "securityGroupIds": []string{"sg-00000000000000001"},
	}
}

func with(template, fields map[string]any) map[string]any {
	maps.Copy(template, fields)
	return template
}

// The calls of the cluster, for tests in which they must succeed.

func (s *site) list(ids ...string) fakehf.Templates {
	s.tb.Helper()
	answer, err := s.Templates(s.tb.Context(), ids...)
	s.ok(err)
	return answer
}

func (s *site) ask(template string, count int) (id string) {
	s.tb.Helper()
	answer, err := s.Request(s.tb.Context(), template, count)
	s.ok(err)
	return answer.RequestID
}

func (s *site) back(hosts ...fakehf.Host) fakehf.Requested {
	s.tb.Helper()
	answer, err := s.Return(s.tb.Context(), hosts...)
	s.ok(err)
	return answer
}

func (s *site) status(ids ...string) []fakehf.Request {
	s.tb.Helper()
	answer, err := s.Status(s.tb.Context(), ids...)
	s.ok(err)
	return answer
}

func (s *site) follow(id string) fakehf.Request {
	s.tb.Helper()
	r, err := s.Follow(s.tb.Context(), id, patience)
	s.ok(err)
	return r
}

func (s *site) taken(known ...fakehf.Host) []fakehf.ReturnRequest {
	s.tb.Helper()
	answer, err := s.ReturnRequests(s.tb.Context(), known...)
	s.ok(err)
	return answer.Requests
}

func (s *site) ok(err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatal(err)
	}
}

// refused ends the test unless the call was refused as it should be, with these words in the message.
func refused(tb testing.TB, err error, words ...string) {
	tb.Helper()
	var refusal *fakehf.Refusal
	if !errors.As(err, &refusal) {
		tb.Fatalf("want a refusal that says %q, got %v", words, err)
	}
	for _, word := range words {
		if !strings.Contains(refusal.Message, word) {
			tb.Errorf("the refusal %q does not say %q", refusal.Message, word)
		}
	}
}

// get asks for machines and follows the request to its end, which must be a good one.
func (s *site) get(template string, count int) fakehf.Request {
	s.tb.Helper()
	r := s.follow(s.ask(template, count))
	if r.Status != "complete" || len(r.Good()) != count || len(r.Machines) != count {
		s.tb.Fatalf("%d of %s: %s, %d of %d machines good: %s", count, template, r.Status, len(r.Good()), len(r.Machines), r.Message)
	}
	return r
}

// giveBack returns hosts and follows the return to its end.
func (s *site) giveBack(hosts ...fakehf.Host) fakehf.Request {
	s.tb.Helper()
	return s.follow(s.back(hosts...).RequestID)
}

// alive lists the ids of the instances that run in the cloud or are about to, in order.
func (s *site) alive() []string {
	ids := []string{}
	for _, i := range s.cloud.Instances() {
		if i.Alive() {
			ids = append(ids, i.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// launched counts the instances that the cloud ever launched for what the test is about.
func (s *site) launched() int { return len(s.cloud.Instances()) - s.outlived }

// warm brings about what the first request of a template does besides, such as making its launch template.
func (s *site) warm(template string) {
	s.tb.Helper()
	r := s.get(template, 1)
	s.giveBack(fakehf.Hosts(r.Machines)...)
	s.past, s.outlived = append(s.past, r.ID), s.outlived+1
}

func ids(machines []fakehf.Machine) []string {
	list := []string{}
	for _, m := range machines {
		list = append(list, m.ID)
	}
	slices.Sort(list)
	return list
}

// cli runs the program as a person does and decodes what it prints.
func (s *site) cli(ctx context.Context, into any, arguments ...string) error {
	command := exec.CommandContext(ctx, s.program, append(arguments, "--format", "json")...)
	command.Env = append(s.Env, "PATH="+os.Getenv("PATH"), "HF_PROVIDER_NAME=awsinst",
		"HF_PROVIDER_CONFDIR="+s.ConfDir, "HF_PROVIDER_WORKDIR="+s.WorkDir, "HF_PROVIDER_LOGDIR="+s.LogDir)
	out, err := command.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return fmt.Errorf("ohfp %s: %w", strings.Join(arguments, " "), err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("ohfp %s: %w", strings.Join(arguments, " "), err)
	}
	return nil
}
