package config

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ibmSample has every key of IBM's reference page.
const ibmSample = `{
  "ACCEPT_PROPAGATED_LOG_SETTING": "true",
  "AWS_CREDENTIAL_FILE": "/opt/keys/credentials",
  "AWS_KEY_FILE": "/opt/keys/",
  "AWS_REGION": "us-east-1",
  "AWS_ENDPOINT_URL": "https://ec2.us-east-1.amazonaws.com",
  "AWS_PROXY_HOST": "proxyhost",
  "AWS_PROXY_PORT": 80,
  "AWS_CONNECTION_TIMEOUT_MS": 10000,
  "AWS_REQUEST_RETRY_ATTEMPTS": 0,
  "AWS_INSTANCE_PENDING_TIMEOUT_SEC": 180,
  "AWS_DESCRIBE_REQUEST_RETRY_ATTEMPTS": 0,
  "AWS_DESCRIBE_REQUEST_INTERVAL": 0,
  "AWS_SPOT_TERMINATE_ON_RECLAIM": false
}`

func TestIBMFile(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"awsinstprov_config.json": ibmSample, "awsprov_config.json": `{"AWS_REGION": "eu-west-1"}`})
	c := load(t, Sources{Environ: hostFactory(dir, "HF_LOGLEVEL=LOG_DEBUG", "HF_LOG_MAX_FILE_SIZE=20", "HF_LOG_MAX_ROTATE=3")})
	if len(c.Providers) != 1 || c.Providers[0].Name != "awsinst" || c.Providers[0].Type != "aws" {
		t.Fatalf("Providers = %+v", c.Providers)
	}
	var got map[string]any
	if err := json.Unmarshal(c.Providers[0].Config, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"region": "us-east-1", "endpoint_url": "https://ec2.us-east-1.amazonaws.com", "credential_file": "/opt/keys/credentials",
		"proxy_host": "proxyhost", "proxy_port": 80.0, "connect_timeout": "10s",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if c.Requests.Timeout != 3*time.Minute {
		t.Errorf("Timeout = %s, want IBM's 180 s", c.Requests.Timeout)
	}
	wantLog := Logging{AcceptPropagated: true, Level: slog.LevelDebug, Format: LogText, File: dir + "/log/ohfp.awsinst.log", MaxSizeMB: 20, MaxRotate: 3}
	if diff := cmp.Diff(wantLog, c.Logging); diff != "" {
		t.Errorf("Logging (-want +got):\n%s", diff)
	}
	notes := strings.ReplaceAll(strings.Join(c.Notes, "\n"), dir, "DIR")
	for _, remark := range []string{
		"DIR/awsprov_config.json is not read, since DIR/awsinstprov_config.json is there",
		"DIR/awsinstprov_config.json:4: AWS_KEY_FILE is not needed",
		"DIR/awsinstprov_config.json:10: AWS_REQUEST_RETRY_ATTEMPTS 0 is taken as not set",
		"DIR/awsinstprov_config.json:11: AWS_INSTANCE_PENDING_TIMEOUT_SEC is taken as requests.timeout",
		"AWS_DESCRIBE_REQUEST_RETRY_ATTEMPTS is not needed", "AWS_DESCRIBE_REQUEST_INTERVAL is not needed",
		"AWS_SPOT_TERMINATE_ON_RECLAIM false is not needed",
	} {
		if !strings.Contains(notes, remark) {
			t.Errorf("Notes = %s, want %q among them", notes, remark)
		}
	}
}

func TestIBMFileBesideOthers(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"awsprov_config.json": `{"AWS_REGION": "eu-west-1", "AWS_REQUEST_RETRY_ATTEMPTS": "4", "AWS_INSTANCE_PENDING_TIMEOUT_SEC": 200, "AWS_ENDPOINT_URL": "", "AWS_PROXY_HOST": null, "AWS_PROXY_PORT": 80}`,
		"config.json":         `{"requests": {"timeout": "15m"}, "limits": {"max_machines": 7}}`,
	})
	c := load(t, Sources{Environ: hostFactory(dir, "HF_LOGLEVEL=LOG_DEBUG")})
	if got := string(c.Providers[0].Config); got != `{"max_retries":4,"region":"eu-west-1"}` {
		t.Errorf("config = %s", got)
	}
	if notes := strings.Join(c.Notes, "\n"); !strings.Contains(notes, "AWS_PROXY_PORT has no effect") {
		t.Errorf("Notes = %s, want the port without host among them", notes)
	}
	if c.Requests.Timeout != 15*time.Minute || c.Limits.MaxMachines != 7 {
		t.Errorf("Timeout = %s, MaxMachines = %d; the operator's own file wins", c.Requests.Timeout, c.Limits.MaxMachines)
	}
	if c.Logging.AcceptPropagated || c.Logging.Level != slog.LevelInfo {
		t.Errorf("Logging = %+v; IBM's default refuses Host Factory's log settings", c.Logging)
	}
}

func TestIBMFileByName(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"awsv2prov_config.json": `{"AWS_REGION": "eu-west-1"}`})
	c := load(t, Sources{File: "awsv2prov_config.json", Dir: dir, Environ: []string{"HOME=/home/u"}})
	if c.Providers[0].Name != "awsv2" || c.ConfDir != dir || c.WorkDir != "/home/u/.local/state/ohfp" {
		t.Errorf("provider %s, directories %s and %s", c.Providers[0].Name, c.ConfDir, c.WorkDir)
	}
}

func TestIBMFileRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`{"AWS_REGOIN": "x"}`: "DIR:1: AWS_REGOIN has no meaning here; did you mean AWS_REGION?",
		`{"AWS_REGION": "x", "AWS_TERMINATE_EVERYTHING_AT_NIGHT": true}`:  "DIR:1: AWS_TERMINATE_EVERYTHING_AT_NIGHT has no meaning here; remove it, or use one of ",
		`{"AWS_REGION": "x", "AWS_SPOT_TERMINATE_ON_RECLAIM": "perhaps"}`: `DIR:1: AWS_SPOT_TERMINATE_ON_RECLAIM is "perhaps"; write true or false`,
		`{"AWS_REGION": ["x"]}`:                                           "DIR:1: AWS_REGION is a list; write text or a number",
		`{"AWS_REGION": "x", "AWS_PROXY_HOST": "proxy"}`:                  `DIR:1: AWS_PROXY_HOST is set without AWS_PROXY_PORT; add the port`,
		`{"AWS_PROXY_PORT": "http"}`:                                      `DIR:1: AWS_PROXY_PORT is "http"; write a whole number from 1 to 65535`,
		`{"AWS_REQUEST_RETRY_ATTEMPTS": 11}`:                              `DIR:1: AWS_REQUEST_RETRY_ATTEMPTS is "11"; write a whole number from 0 to 10`,
		`{"AWS_INSTANCE_PENDING_TIMEOUT_SEC": 10}`:                        `DIR:1: AWS_INSTANCE_PENDING_TIMEOUT_SEC is "10"; write a whole number from 180 to 10000`,
		`{"AWS_REGION": "x", "ACCEPT_PROPAGATED_LOG_SETTING": "perhaps"}`: `DIR:1: logging.accept_propagated is "perhaps"; write true or false`,
	}
	for text, want := range tests {
		dir := write(t, map[string]string{"awsprov_config.json": text})
		_, err := Load(Sources{Environ: hostFactory(dir)})
		if err == nil || !strings.HasPrefix(strings.ReplaceAll(err.Error(), dir+"/awsprov_config.json", "DIR"), want) {
			t.Errorf("Load of %s = %v, want %s", text, err, want)
		}
	}
}
