package aws_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	for config, want := range map[string]string{
		`{"regoin": "us-east-1"}`:                         "regoin is not known; did you mean region?",
		`{"endpoint_url": "localhost:4566"}`:              "write http:// or https:// and a host",
		`{"external_id": "x"}`:                            "external_id is set without role_arn",
		`{"role_arn": "admin"}`:                           `role_arn "admin" is not an ARN`,
		`{"max_retries": 11}`:                             "max_retries 11 is out of range; use 0 to 10",
		`{"max_retries": "3"}`:                            "max_retries: string given, want a whole number",
		`{"proxy_host": "proxy"}`:                         "proxy_host and proxy_port need each other",
		`{"proxy_host": "proxy", "proxy_port": 70000}`:    "proxy_port 70000 is out of range",
		`{"connect_timeout": "soon"}`:                     "connect_timeout: \"soon\" is not a duration",
		`{"request_timeout": 0}`:                          "request_timeout: 0 is not a duration",
		`{"host_name": "node"}`:                           "would give several machines one name",
		`{"host_name": "node-{nr}-{id}"}`:                 "has a part that is not known",
		`{"host_name": "tag:"}`:                           "names no tag",
		`{"interruption_queue": "a b"}`:                   `interruption_queue "a b" is neither the name nor the URL`,
		`{"interruption_queue": "taken.fifo"}`:            "of a standard SQS queue",
		`{"handlers": {"default": "eks"}}`:                `providerApi "eks" is not known; use one of ASG, EC2Fleet, RunInstances, SpotFleet`,
		`{"handlers": {"ec2fleet": {"enabled": true}}}`:   "ec2fleet is not known; did you mean ec2_fleet?",
		`{"handlers": {"ec2_fleet": {"enable": true}}}`:   "enable is not known; did you mean enabled?",
		`{"handlers": {"ec2_fleet": {"enabled": "yes"}}}`: "enabled: string given, want true or false",

		`{"handlers": {"default": "ec2_fleet", "ec2_fleet": {"enabled": false}}}`: "default is ec2_fleet, which is not enabled",
	} {
		_, err := aws.Open(t.Context(), json.RawMessage(config), w.environment(nil))
		if !errors.Is(err, ohfp.ErrInvalid) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "provider aws-test: config: ") {
			t.Errorf("config %s is refused with %v, want %q", config, err, want)
		}
	}
	env := w.environment(nil)
	env.Defaults = map[string]json.RawMessage{"maxNumber": json.RawMessage("5"), "subnetz": json.RawMessage(`["subnet-1"]`)}
	if _, err := aws.Open(t.Context(), nil, env); err == nil || !strings.Contains(err.Error(), "template_defaults: subnetz is not known; did you mean subnetId?") {
		t.Errorf("a default that is not known is refused with %v", err)
	}
	if len(w.Ledger()) > 0 {
		t.Errorf("opening called %v", w.actions())
	}
}

// TestSeedConfig opens with the provider configuration that the documentation of the reference shows.
func TestSeedConfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t, `{"profile": "default", "handlers": {"default": "ec2_fleet", "spot_fleet": {"enabled": true}, "auto_scaling_group": {"enabled": true}}}`)
	order, launched := launch(t, p, ask(template("", plain), 2))
	if order.API != "EC2Fleet" || len(launched.Machines) != 2 || !strings.HasPrefix(launched.Resource, "fleet-") {
		t.Errorf("launched %d machines by %s in %s; want 2 by EC2Fleet", len(launched.Machines), order.API, launched.Resource)
	}
}

// TestCredentials isolates itself from the machine's own AWS configuration, so it is not parallel.
func TestCredentials(t *testing.T) {
	home := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, key := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"} {
		t.Setenv(key, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", write("config", "[profile team]\nregion = us-east-1\n"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", write("credentials", "[team]\naws_access_key_id = AKIDTEAM\naws_secret_access_key = secret\n"))
	write("ibm-credentials", "[default]\naws_access_key_id = AKIDIBM\naws_secret_access_key = secret\n")
	keys := map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
	w := newWorld(t, awssim.Options{})

	if err := w.FailNext("AssumeRole", "AccessDenied", -1); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		config  string
		env     map[string]string
		process map[string]string // variables that the SDK sees too
		kind    error
		want    string // in the error
		key     string // whose calls they are, where several keys are there
	}{
		"keys in the environment":          {config: `{"region": "us-east-1"}`, env: keys},
		"region in the environment":        {config: `{}`, env: with(keys, "AWS_REGION", "us-east-1")},
		"no region":                        {config: `{}`, env: keys, kind: ohfp.ErrInvalid, want: "provider aws-test has no region; set region in its config, AWS_REGION"},
		"profile with keys and region":     {config: `{"profile": "team"}`},
		"profile from the environment":     {config: `{}`, process: map[string]string{"AWS_PROFILE": "team"}},
		"profile that is missing":          {config: `{"profile": "nobody", "region": "us-east-1"}`, kind: ohfp.ErrUnavailable, want: `profile "nobody" is not in the shared AWS configuration`},
		"profile default that is missing":  {config: `{"profile": "default", "region": "us-east-1"}`, env: keys},
		"AWS_PROFILE=default, missing":     {config: `{"region": "us-east-1"}`, env: with(keys, "AWS_PROFILE", "default"), process: map[string]string{"AWS_PROFILE": "default"}},
		"default wins over AWS_PROFILE":    {config: `{"profile": "default", "region": "us-east-1"}`, env: with(keys, "AWS_PROFILE", "team"), process: map[string]string{"AWS_PROFILE": "team"}},
		"credential file":                  {config: `{"credential_file": "ibm-credentials", "region": "us-east-1"}`},
		"credential file over keys":        {config: `{"credential_file": "ibm-credentials", "region": "us-east-1"}`, env: keys, process: keys, key: "AKIDIBM"},
		"credential file and a profile":    {config: `{"credential_file": "credentials", "profile": "team"}`, env: keys, process: keys, key: "AKIDTEAM"},
		"credential file and AWS_PROFILE":  {config: `{"credential_file": "credentials"}`, env: with(keys, "AWS_PROFILE", "team"), process: with(keys, "AWS_PROFILE", "team"), key: "AKIDTEAM"},
		"credential file without default":  {config: `{"credential_file": "credentials", "region": "us-east-1"}`, env: keys, process: keys, kind: ohfp.ErrUnavailable, want: `credential_file has no profile "default"`},
		"credential file that is missing":  {config: `{"credential_file": "nowhere", "region": "us-east-1"}`, env: keys, kind: ohfp.ErrUnavailable, want: "credential_file cannot be read"},
		"no credentials":                   {config: `{"region": "us-east-1"}`, kind: ohfp.ErrUnavailable, want: "no valid credentials"},
		"a role that cannot be assumed":    {config: `{"region": "us-east-1", "role_arn": "arn:aws:iam::123456789012:role/x", "external_id": "y"}`, env: keys, kind: ohfp.ErrUnavailable, want: "no valid credentials: AccessDenied"},
		"an endpoint where nobody answers": {config: `{"region": "us-east-1", "endpoint_url": "http://127.0.0.1:1"}`, env: keys, kind: ohfp.ErrUnavailable, want: "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			for key, value := range test.process {
				t.Setenv(key, value)
			}
			env := w.environment(nil)
			env.ConfDir = home
			variables := with(test.env, "AWS_ENDPOINT_URL", w.url)
			env.LookupEnv = func(key string) (string, bool) { value, ok := variables[key]; return value, ok }
			fields := map[string]any{}
			if err := json.Unmarshal([]byte(test.config), &fields); err != nil {
				t.Fatal(err)
			}
			fields["max_retries"] = 0
			raw, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			p, err := aws.Open(t.Context(), raw, env)
			if err != nil {
				t.Fatal(err)
			}
			w.ResetLedger()
			who, err := health(t, p)
			for _, call := range w.Ledger() {
				if test.key != "" && call.AccessKey != test.key {
					t.Errorf("%s is called with the key %s, want %s", call.Action, call.AccessKey, test.key)
				}
			}
			switch {
			case test.kind == nil && (err != nil || who == ""):
				t.Errorf("health is %q, error %v; want it to work", who, err)
			case test.kind != nil && (!errors.Is(ohfp.KindOf(err), test.kind) || !strings.Contains(err.Error(), test.want)):
				t.Errorf("health fails with %v; want kind %q and %q", err, test.kind, test.want)
			}
		})
	}
}

func with(variables map[string]string, key, value string) map[string]string {
	out := map[string]string{key: value}
	for k, v := range variables {
		out[k] = v
	}
	return out
}

// TestLaunchWithABrokenConfiguration checks that an order which may have been carried out is not called refused.
func TestLaunchWithABrokenConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	order, _ := launch(t, w.open(t), ask(template("RunInstances", plain), 1))
	broken, err := aws.Open(t.Context(), json.RawMessage(`{"profile": "nobody-has-this-profile"}`), w.environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := broken.Launch(t.Context(), order); !ohfp.OutcomeUnknown(err) || !strings.Contains(err.Error(), "nobody-has-this-profile") {
		t.Errorf("launching fails with %v; want an unknown outcome that names the profile", err)
	}
}

func BenchmarkOpen(b *testing.B) {
	w := newWorld(b, awssim.Options{})
	env := w.environment(nil)
	config := json.RawMessage(`{"region": "us-east-1", "endpoint_url": "http://127.0.0.1:1"}`)
	for b.Loop() {
		if _, err := aws.Open(b.Context(), config, env); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFirstCall is what a process pays before and with its first call: the SDK's configuration, a client, one
// connection, one small page.
func BenchmarkFirstCall(b *testing.B) {
	w := newWorld(b, awssim.Options{})
	for b.Loop() {
		p := w.open(b)
		if _, err := p.Observe(b.Context(), []provider.Scope{{Request: "req-x"}}); err != nil {
			b.Fatal(err)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPrepare(b *testing.B) {
	w := newWorld(b, awssim.Options{})
	p := w.open(b)
	a := ask(template("RunInstances", plain), 100)
	for b.Loop() {
		if _, err := p.Prepare(b.Context(), a); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkObserve1000(b *testing.B) {
	w := newWorld(b, awssim.Options{})
	p := w.open(b)
	a := ask(template("RunInstances", plain), 1000)
	order, err := p.Prepare(b.Context(), a)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := p.Launch(b.Context(), order); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if seen, err := p.Observe(b.Context(), []provider.Scope{{Request: a.Request}}); err != nil || len(seen.Machines) != 1000 {
			b.Fatal(len(seen.Machines), err)
		}
	}
}
