package setup_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/deploy/hostfactory"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/daemon"
	"github.com/openhostfactory/ohfp/internal/setup"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

const program = "ohfp 1.2.3"

// clinic is an installation on a simulated AWS, and a doctor for it.
type clinic struct {
	cloud  *awssim.Cloud
	conf   string
	work   string
	env    map[string]string
	config map[string]any // of the provider
	doctor setup.Doctor
}

const goodTemplates = `{"templates": [{"templateId": "small", "maxNumber": 5, "imageId": "ami-0abcdef1234567890", "vmType": "m5.xlarge",
  "subnetId": "subnet-0000000000000000a", "securityGroupIds": ["sg-00000000000000001"]},
 {"templateId": "fleet", "maxNumber": 5, "providerApi": "EC2Fleet", "imageId": "ami-0abcdef1234567890", "vmTypes": {"m5.xlarge": 1},
  "subnetId": "subnet-0000000000000000b", "securityGroupIds": ["sg-00000000000000001"], "userDataScript": "#!/bin/sh\nexit 0\n"},
 {"templateId": "spot", "maxNumber": 5, "providerApi": "SpotFleet", "priceType": "spot", "imageId": "ami-0abcdef1234567890", "vmTypes": {"m5.xlarge": 1},
  "subnetId": "subnet-0000000000000000b", "securityGroupIds": ["sg-00000000000000001"], "fleetRole": "AWSServiceRoleForEC2SpotFleet"},
 {"templateId": "group", "maxNumber": 5, "providerApi": "ASG", "imageId": "ami-0abcdef1234567890", "vmTypes": {"m5.xlarge": 1},
  "subnetId": "subnet-0000000000000000b", "securityGroupIds": ["sg-00000000000000001"]}]}`

func newClinic(t *testing.T) *clinic {
	t.Helper()
	cloud, err := awssim.New(awssim.Options{
		Images: []awssim.Image{{ID: "ami-0aaaaaaaaaaaaaaaa", Architecture: "arm64"}}, InterruptionQueue: "interruptions",
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	c := &clinic{
		cloud: cloud, conf: filepath.Join(dir, "conf"), work: filepath.Join(dir, "work"),
		config: map[string]any{"region": "us-east-1", "endpoint_url": server.URL, "interruption_queue": "interruptions", "max_retries": 0},
	}
	c.env = map[string]string{
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true", "HOME": dir,
		"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "OHFP_CONF_DIR": c.conf, "OHFP_WORK_DIR": c.work,
	}
	for _, made := range []string{c.conf, c.work} {
		if err := os.Mkdir(made, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	c.write(t, "templates.json", goodTemplates)
	scripts := filepath.Join(dir, "scripts")
	if err := hostfactory.WriteScripts(scripts); err != nil {
		t.Fatal(err)
	}
	c.doctor = setup.Doctor{
		Scripts: scripts, Budget: time.Minute, Version: program, Now: time.Now, Probe: setup.Probe,
		LookupEnv: func(key string) (string, bool) { v, ok := c.env[key]; return v, ok },
		Daemon: func(context.Context, config.Config) (setup.Daemon, error) {
			return setup.Daemon{PID: 7, Version: program, Live: true}, nil
		},
		Resolve: func(context.Context, string) ([]string, error) { return []string{"10.0.0.1"}, nil },
		Free:    func(string) (uint64, bool) { return 1 << 40, true },
		Ask:     func(context.Context, string) (string, error) { return program + "\n", nil },
	}
	return c
}

func (c *clinic) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.conf, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// examine runs the doctor on what there is now.
func (c *clinic) examine(t *testing.T) setup.Report {
	t.Helper()
	if _, err := os.Stat(filepath.Join(c.conf, "config.json")); errors.Is(err, fs.ErrNotExist) {
		content, err := json.Marshal(map[string]any{"providers": []any{map[string]any{"name": "blue", "type": "aws", "config": c.config}}})
		if err != nil {
			t.Fatal(err)
		}
		c.write(t, "config.json", string(content))
	}
	d := c.doctor
	d.Sources.Dir = c.conf
	for name, value := range c.env {
		d.Sources.Environ = append(d.Sources.Environ, name+"="+value)
	}
	return d.Examine(t.Context())
}

func (c *clinic) fail(t *testing.T, action, code string) {
	t.Helper()
	if err := c.cloud.FailNext(action, code, -1); err != nil {
		t.Fatal(err)
	}
}

// describe is a report as the message of a test.
func describe(r setup.Report) string {
	var lines []string
	for _, f := range r.Findings {
		lines = append(lines, string(f.Level)+" | "+f.Check+" | "+f.About+" | "+f.Text+" | "+f.Fix)
	}
	return strings.Join(lines, "\n")
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	report := c.examine(t)
	if !report.Healthy || report.Failures+report.Warnings != 0 {
		t.Errorf("a good installation is told as\n%s", describe(report))
	}
	seen := map[string]bool{}
	for _, f := range report.Findings {
		seen[f.Check] = true
		if f.Text == "" || f.Fix != "" {
			t.Errorf("finding %+v", f)
		}
	}
	for _, check := range []string{
		"configuration", "host factory", "scripts", "program", "directories", "store", "names", "daemon", "templates", "credentials", "region", "clock",
		"permissions", "references", "subnets", "images", "user data", "fleet role", "interruption queue",
	} {
		if !seen[check] {
			t.Errorf("%s was not looked at", check)
		}
	}
	for _, call := range c.cloud.Ledger() {
		if changes := strings.HasPrefix(call.Action, "Create") || strings.HasPrefix(call.Action, "Run") || strings.HasPrefix(call.Action, "Request") ||
			strings.HasPrefix(call.Action, "Terminate") || call.Action == "ReceiveMessage"; changes && !call.DryRun {
			t.Errorf("the doctor called %s", call.Action)
		}
	}
}

// TestBroken is what an installation dies of: each cause is named with what to do.
func TestBroken(t *testing.T) {
	t.Parallel()
	full := func(string) error { return &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC} }
	tests := map[string]struct {
		hurt      func(t *testing.T, c *clinic)
		check     string
		level     provider.Level
		text, fix string
	}{
		"bad region": {
			func(_ *testing.T, c *clinic) { c.config["region"] = "us-esat-1" },
			"region", provider.LevelFailure, "valid region", `correct the region "us-esat-1"`,
		},
		"unknown host": {
			func(_ *testing.T, c *clinic) { c.config["endpoint_url"] = "http://ec2.us-esat-1.invalid" },
			"region", provider.LevelFailure, "no such host", "correct the region",
		},
		"expired credentials": {
			func(t *testing.T, c *clinic) {
				t.Helper()
				c.fail(t, "GetCallerIdentity", "ExpiredToken")
			},
			"credentials", provider.LevelFailure, "ExpiredToken", "log in again",
		},
		"no credentials": {
			func(_ *testing.T, c *clinic) { delete(c.env, "AWS_ACCESS_KEY_ID") },
			"credentials", provider.LevelFailure, "no valid credentials", "instance role",
		},
		"missing subnet": {
			func(t *testing.T, c *clinic) {
				t.Helper()
				c.write(t, "templates.json", strings.ReplaceAll(goodTemplates, "subnet-0000000000000000a", "subnet-0fffffffffffffffa"))
			},
			"references", provider.LevelFailure, "subnet-0fffffffffffffffa, which does not exist", "infrastructure discover",
		},
		"unreadable templates": {
			func(t *testing.T, c *clinic) {
				t.Helper()
				c.write(t, "templates.json", `{"templates": [`)
			},
			"templates", provider.LevelFailure, "templates.json", "correct it",
		},
		"full disk": {
			func(_ *testing.T, c *clinic) { c.doctor.Probe = full },
			"disk", provider.LevelFailure, "full", "free space",
		},
		"disk nearly full": {
			func(_ *testing.T, c *clinic) { c.doctor.Free = func(string) (uint64, bool) { return 50 << 20, true } },
			"disk", provider.LevelWarning, "50 MiB", "free space",
		},
		"work directory of somebody else": {
			func(_ *testing.T, c *clinic) {
				c.doctor.Probe = func(string) error { return &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission} }
			},
			"directories", provider.LevelFailure, "cannot be written", "chown",
		},
		"wrong permissions": {
			func(t *testing.T, c *clinic) {
				t.Helper()
				c.fail(t, "RunInstances", "UnauthorizedOperation")
			},
			"permissions", provider.LevelFailure, "not allowed: ec2:RunInstances", "iam-policy blue",
		},
		"clock off": {
			func(_ *testing.T, c *clinic) {
				c.doctor.Now = func() time.Time { return time.Now().Add(10 * time.Minute) }
			},
			"clock", provider.LevelFailure, "ahead of AWS's", "NTP",
		},
		"clock a little off": {
			func(_ *testing.T, c *clinic) {
				c.doctor.Now = func() time.Time { return time.Now().Add(-2 * time.Minute) }
			},
			"clock", provider.LevelWarning, "behind AWS's", "NTP",
		},
		"unknown key": {
			func(t *testing.T, c *clinic) {
				t.Helper()
				c.write(t, "config.json", `{"limts": {"max_machines": 1}}`)
			},
			"configuration", provider.LevelFailure, "did you mean limits?", "configuration.md",
		},
		"no daemon": {
			func(_ *testing.T, c *clinic) {
				c.doctor.Daemon = func(ctx context.Context, cfg config.Config) (setup.Daemon, error) {
					_, err := daemon.Check(ctx, cfg, time.Now)
					return setup.Daemon{}, err
				}
			},
			"daemon", provider.LevelWarning, "none runs", "ohfp serve",
		},
		"old daemon": {
			func(_ *testing.T, c *clinic) {
				c.doctor.Daemon = func(context.Context, config.Config) (setup.Daemon, error) {
					return setup.Daemon{Version: "ohfp 1.0.0", Live: true}, nil
				}
			},
			"daemon", provider.LevelWarning, "1.0.0", "start it again",
		},
		"queue gone": {
			func(_ *testing.T, c *clinic) { c.config["interruption_queue"] = "gone" },
			"interruption queue", provider.LevelFailure, "the queue gone is not there", "interruptions.md",
		},
		"image of another architecture": {
			func(t *testing.T, c *clinic) {
				t.Helper()
				c.write(t, "templates.json", strings.ReplaceAll(goodTemplates, "ami-0abcdef1234567890", "ami-0aaaaaaaaaaaaaaaa"))
			},
			"images", provider.LevelFailure, "is for arm64, m5.xlarge is x86_64", "architecture",
		},
		"too few addresses": {
			func(t *testing.T, c *clinic) {
				t.Helper()
				c.write(t, "templates.json", strings.ReplaceAll(goodTemplates, `"maxNumber": 5`, `"maxNumber": 9000`))
			},
			"subnets", provider.LevelWarning, "4091 free addresses in all, for up to 9000 machines", "add a subnet",
		},
		"role of EC2 fleets": {
			func(t *testing.T, c *clinic) {
				t.Helper()
				c.write(t, "templates.json", strings.ReplaceAll(goodTemplates, "AWSServiceRoleForEC2SpotFleet", "AWSServiceRoleForEC2Fleet"))
			},
			"fleet role", provider.LevelWarning, "the role of EC2 fleets", "AWSServiceRoleForEC2SpotFleet",
		},
		"role of another account": {
			func(t *testing.T, c *clinic) {
				t.Helper()
				c.write(t, "templates.json", strings.ReplaceAll(goodTemplates, "AWSServiceRoleForEC2SpotFleet", "arn:aws:iam::999999999999:role/x"))
			},
			"fleet role", provider.LevelFailure, "another account", "arn:aws:iam::123456789012",
		},
		"script that is not executable": {
			func(t *testing.T, c *clinic) {
				t.Helper()
				if err := os.Chmod(filepath.Join(c.doctor.Scripts, "requestMachines.sh"), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			"scripts", provider.LevelFailure, "cannot be executed", "chmod +x",
		},
		"script of another version": {
			func(t *testing.T, c *clinic) {
				t.Helper()
				if err := os.WriteFile(filepath.Join(c.doctor.Scripts, "requestMachines.sh"), []byte("#!/bin/sh\n"), 0o700); err != nil {
					t.Fatal(err)
				}
			},
			"scripts", provider.LevelWarning, "not the script of this version", "ohfp init",
		},
		"program missing": {
			func(_ *testing.T, c *clinic) {
				c.doctor.Ask = func(context.Context, string) (string, error) { return "", fs.ErrNotExist }
			},
			"program", provider.LevelFailure, "cannot start it", "OHFP_COMMAND",
		},
		"check that panics": {
			func(_ *testing.T, c *clinic) {
				c.doctor.Ask = func(context.Context, string) (string, error) { panic("ouch") }
			},
			"scripts", provider.LevelFailure, "ouch", "report it",
		},
		"no provider": {
			func(t *testing.T, c *clinic) {
				t.Helper()
				c.write(t, "config.json", `{"providers": []}`)
			},
			"providers", provider.LevelFailure, "no provider is configured", "ohfp init",
		},
		"store of nobody": {
			func(t *testing.T, c *clinic) {
				t.Helper()
				c.write(t, "config.json", `{"storage": {"json": {"path": "/proc/nothing"}, "strategy": "json"}}`)
			},
			"store", provider.LevelFailure, "open store", "storage health",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClinic(t)
			test.hurt(t, c)
			report := c.examine(t)
			for _, f := range report.Findings {
				if f.Check == test.check && f.Level == test.level && strings.Contains(f.Text, test.text) && strings.Contains(f.Fix, test.fix) {
					if report.Healthy != (report.Failures == 0) || test.level == provider.LevelFailure && report.Healthy {
						t.Errorf("healthy is %v with %d failures", report.Healthy, report.Failures)
					}
					return
				}
			}
			t.Errorf("want %s %s: …%s…; fix: …%s…; found\n%s", test.level, test.check, test.text, test.fix, describe(report))
		})
	}
}

// TestHanging: one check that does not end holds up the others no longer than the budget.
// TestDirectoriesOnce: one finding tells of a directory, whatever it serves for.
func TestDirectoriesOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		hurt func(c *clinic)
		want []string
	}{
		"one that is missing": {
			func(c *clinic) {
				c.env["OHFP_CONF_DIR"], c.env["OHFP_WORK_DIR"], c.env["OHFP_LOG_DIR"] = c.conf+"/gone", c.conf+"/gone", c.conf+"/gone"
			},
			[]string{"failure the configuration directory cannot be read: no such file or directory"},
		},
		"one for all":         {func(c *clinic) { c.env["OHFP_WORK_DIR"], c.env["OHFP_LOG_DIR"] = c.conf, c.conf }, []string{"ok the work directory can be written"}},
		"no configuration":    {func(c *clinic) { c.env["OHFP_CONF_DIR"], c.env["OHFP_LOG_DIR"] = c.conf+"/gone", c.work }, []string{"failure the configuration directory cannot be read: no such file or directory", "ok the work directory can be written"}},
		"one not made so far": {func(c *clinic) { c.env["OHFP_LOG_DIR"] = c.work + "/log" }, []string{"ok the work directory can be written", "ok the log directory can be written"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClinic(t)
			test.hurt(c)
			var got []string
			for _, f := range c.examine(t).Findings {
				if f.Check == "directories" || strings.Contains(f.Text, "does not exist") {
					got = append(got, string(f.Level)+" "+f.Text)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestHanging(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.doctor.Budget = 5 * time.Second
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	c.doctor.Ask = func(context.Context, string) (string, error) { <-hang; return "", nil }
	report := c.examine(t)
	levels := map[string]provider.Level{}
	for _, f := range report.Findings {
		levels[f.Check] = f.Level
	}
	if levels["scripts"] != provider.LevelFailure || levels["templates"] != provider.LevelOK {
		t.Errorf("found\n%s", describe(report))
	}
}

// TestNames: names of machines that are part of others are told, and names that do not resolve.
func TestNames(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.doctor.Resolve = func(context.Context, string) ([]string, error) { return nil, errors.New("no such host") }
	c.examine(t) // writes the configuration
	environ := make([]string, 0, len(c.env))
	for name, value := range maps.All(c.env) {
		environ = append(environ, name+"="+value)
	}
	cfg, err := config.Load(config.Sources{Environ: environ, Dir: c.conf})
	if err != nil {
		t.Fatal(err)
	}
	records, err := app.OpenStore(t.Context(), cfg.Storage, app.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	r := ohfp.Request{ID: ohfp.NewRequestID(ohfp.TypeAcquire, time.Now()), Type: ohfp.TypeAcquire, Template: ohfp.Template{ID: "small"}, Provider: "blue", Count: 3, Status: ohfp.StatusComplete, CreatedAt: time.Now()}
	for id, host := range map[string]string{"i-1": "ip-10-0-1-2.ec2.internal", "i-2": "ip-10-0-1-23.ec2.internal", "i-3": "ip-10-0-7-7.ec2.internal"} {
		r.Machines = append(r.Machines, ohfp.Machine{ID: ohfp.MachineID(id), Provider: "blue", Request: r.ID, Name: host, State: ohfp.MachineRunning})
	}
	if err := errors.Join(records.CreateRequest(t.Context(), r, store.Limits{}), records.Close()); err != nil {
		t.Fatal(err)
	}
	text := describe(c.examine(t))
	for _, want := range []string{"ip-10-0-1-2 in ip-10-0-1-23 |", "host_name resource-name", "cannot resolve the name"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
