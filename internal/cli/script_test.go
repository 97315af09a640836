package cli_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/cli"
)

// TestMain makes the test binary also the program, under the name ohfp, for the scripts in testdata.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ohfp": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		code := cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}})
}

// simulatedDelay is how long the simulated cloud takes to start and to end an instance. Scripts move its clock on with
// "simulator advance 1m".
const simulatedDelay = time.Minute

// TestScripts runs the program as its users do, against a simulated AWS per script.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("testdata", "script"),
		Setup: setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"simulator": simulator,
			"exits":     exits,
			"take":      take,
			"until":     until,
			"outside":   outside,
			"strangers": strangers,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

const templates = `{"templates": [
  {"templateId": "EC2FleetInstant", "maxNumber": 10, "providerApi": "EC2Fleet", "fleetType": "instant",
   "imageId": "ami-0abcdef1234567890", "vmTypes": {"t3.medium": 1}, "subnetId": "subnet-0000000000000000a",
   "securityGroupIds": ["sg-00000000000000001"]},
  {"templateId": "my-template", "maxNumber": 5,
   "imageId": "ami-0abcdef1234567890", "vmType": "m5.xlarge", "subnetId": "subnet-0000000000000000a",
   "securityGroupIds": ["sg-00000000000000001"]}
]}`

func setup(env *testscript.Env) error {
	cloud, err := awssim.New(awssim.Options{LaunchDelay: simulatedDelay, TerminateDelay: simulatedDelay})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- cloud.ListenAndServe(ctx, "127.0.0.1:0", func(url string) { ready <- url }) }()
	env.Defer(func() {
		stop()
		if err := <-ended; err != nil {
			env.T().Log(err)
		}
	})
	select {
	case url := <-ready:
		env.Setenv("AWS_ENDPOINT_URL", url)
	case err := <-ended:
		return err
	}
	env.Values["cloud"] = cloud
	conf := filepath.Join(env.WorkDir, "conf")
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "USER": "ann",
		"OHFP_API_PORT": "0", "OHFP_CONF_DIR": conf, "OHFP_WORK_DIR": filepath.Join(env.WorkDir, "work"),
	} {
		env.Setenv(name, value)
	}
	if err := os.MkdirAll(conf, 0o755); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(conf, "awsprov_config.json"), []byte(`{"AWS_REGION": "us-east-1"}`), 0o600),
		os.WriteFile(filepath.Join(conf, "awsprov_templates.json"), []byte(templates), 0o600),
	)
}

// simulator looks at the simulated cloud, or moves it:
//
//	simulator advance 1m         its clock
//	simulator runs 3             exactly 3 instances are pending or running
//	simulator await 3            the same, once a command in the background has come so far
//	simulator capacity TYPE 0    that many more instances of the type in every zone
//	simulator fail ACTION CODE   the next such call
//	simulator calls ACTION 1     exactly so many calls were made
func simulator(ts *testscript.TestScript, neg bool, args []string) {
	cloud, ok := ts.Value("cloud").(*awssim.Cloud)
	if !ok || neg || len(args) < 2 {
		ts.Fatalf("usage: simulator advance|runs|capacity|fail|calls ...")
	}
	number := func(word string) int {
		n, err := strconv.Atoi(word)
		ts.Check(err)
		return n
	}
	switch args[0] {
	case "advance":
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		cloud.Advance(d)
	case "runs":
		if n := alive(cloud); n != number(args[1]) {
			ts.Fatalf("%d instances are alive, not %s", n, args[1])
		}
	case "await":
		for deadline := time.Now().Add(20 * time.Second); alive(cloud) != number(args[1]); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				ts.Fatalf("%d instances are alive, not %s", alive(cloud), args[1])
			}
		}
	case "capacity":
		ts.Check(cloud.SetCapacity(args[1], "", "", number(args[2])))
	case "fail":
		ts.Check(cloud.FailNext(args[1], args[2], 1))
	case "calls":
		made := 0
		for _, call := range cloud.Ledger() {
			if call.Action == args[1] {
				made++
			}
		}
		if made != number(args[2]) {
			ts.Fatalf("%d calls of %s were made, not %s", made, args[1], args[2])
		}
	default:
		ts.Fatalf("simulator %s is not known", args[0])
	}
}

func alive(cloud *awssim.Cloud) int {
	n := 0
	for _, instance := range cloud.Instances() {
		if instance.Alive() {
			n++
		}
	}
	return n
}

// exits runs a program that must end with exactly this exit code: exits 2 ohfp nonsense.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENTS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// until runs a program again and again until its standard output has a pattern: until '"ready": true' ohfp serve --check.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN PROGRAM ARGUMENTS...")
	}
	pattern := regexp.MustCompile(args[0])
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_ = ts.Exec(args[1], args[2:]...) // it may fail until then
		out := ts.ReadFile("stdout")
		if pattern.MatchString(out) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s is not in %s", args[0], out)
		}
	}
}

// take puts what a pattern finds in the last standard output into a variable: take ID '"requestId": "([^"]*)"'.
func take(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: take VARIABLE PATTERN")
	}
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(found) != 2 {
		ts.Fatalf("%s does not find one thing in %s", args[1], ts.ReadFile("stdout"))
	}
	ts.Setenv(args[0], found[1])
}
