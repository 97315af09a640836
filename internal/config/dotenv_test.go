package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDotEnv(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"conf/.env":        "# of the site\nexport STORAGE_TYPE=json\nOHFP_LIMITS_MAX_MACHINES = '5' # five\nREGION=\"eu-west-1\"\nEMPTY=\n",
		"conf/config.json": `{"limits": {"max_machines": 1, "max_vcpus": 2}, "providers": [{"name": "a", "type": "aws", "config": {"region": "$REGION"}}]}`,
		"here/.env":        "STORAGE_TYPE=dynamodb\nOHFP_LIMITS_MAX_VCPUS=7\nOHFP_DAEMON_GROUPS=x\nAWS_SECRET=\"a\\\"b\"\n",
	})
	environ := []string{"OHFP_CONF_DIR=" + dir + "/conf", "OHFP_WORK_DIR=" + dir + "/work"}
	c := load(t, Sources{Environ: append(environ, "OHFP_DAEMON_GROUPS=y"), Dir: dir + "/here"})
	got := []any{c.Storage.Strategy, c.Limits.MaxMachines, c.Limits.MaxVCPUs, string(c.Providers[0].Config), c.Daemon.Groups[0]}
	if diff := cmp.Diff([]any{"json", 5, 7, `{"region":"eu-west-1"}`, "y"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if want := dir + "/conf/.env:3 OHFP_LIMITS_MAX_MACHINES"; c.Origin("limits.max_machines") != want {
		t.Errorf("origin %s, want %s", c.Origin("limits.max_machines"), want)
	}
	lookup := c.LookupEnv(func(name string) (string, bool) { return "outside", name == "REGION" })
	if v, _ := lookup("REGION"); v != "outside" {
		t.Errorf("REGION is %q although the environment has it", v)
	}
	if v, ok := lookup("AWS_SECRET"); !ok || v != `a"b` {
		t.Errorf("AWS_SECRET is %q", v)
	}

	// Host Factory starts the scripts anywhere.
	c = load(t, Sources{Environ: hostFactory(dir + "/conf"), Dir: dir + "/here"})
	if c.Limits.MaxVCPUs != 2 || c.Limits.MaxMachines != 5 {
		t.Errorf("limits are %+v, want 2 vCPUs and 5 machines", c.Limits)
	}
}

func TestDotEnvRefusals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"A=1\nnonsense":      `.env:2: "nonsense" is no variable; write NAME=value`,
		"1A=x":               `.env:1: "1A=x" is no variable`,
		"A='x":               ".env:1: the value of A has a quote that does not end",
		"A=\"x\" y":          "or something behind it",
		"OHFP_WORK_DIR=/x":   ".env:1: OHFP_WORK_DIR says where files are and comes too late here; export it",
		"HF_PROVIDER_NAME=x": "HF_PROVIDER_NAME says where files are",
	} {
		dir := write(t, map[string]string{".env": text})
		_, err := Load(Sources{Environ: []string{"OHFP_CONF_DIR=" + dir, "OHFP_WORK_DIR=" + dir}, Dir: dir})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestExample: the example that users copy works as it is.
func TestExample(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile(filepath.Join("..", "..", ".env.example"))
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, map[string]string{".env": strings.ReplaceAll(string(example), "\n# OHFP", "\nOHFP")})
	c := load(t, Sources{Environ: []string{"OHFP_CONF_DIR=" + dir, "OHFP_WORK_DIR=" + dir}})
	if c.Limits.MaxMachines != 100 || string(c.Providers[0].Config) != `{"profile":"default","region":"us-east-1"}` {
		t.Errorf("%+v %s", c.Limits, c.Providers[0].Config)
	}
	for _, note := range c.Notes {
		if strings.Contains(note, "environment") {
			t.Error(note)
		}
	}
}

func FuzzDotEnv(f *testing.F) {
	f.Add("A=1\nexport B='x' # y\nC=\"\\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseDotEnv(text)
		for _, v := range list {
			if err != nil || v.name == "" || v.line < 1 {
				t.Errorf("%q: %+v, %v", text, v, err)
			}
		}
	})
}
