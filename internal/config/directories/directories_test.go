package directories

import (
	"os"
	"path/filepath"
	"testing"
)

// Package config tests where each directory comes from; what follows is what it does not look at.

func TestNamedFile(t *testing.T) {
	t.Parallel()
	env := Environment{"OHFP_CONFIG": "env.json", "HOME": "/home/u"}
	tests := map[string]Directories{
		"":            {Conf: "/here", Work: "/home/u/.local/state/ohfp", Log: "/home/u/.local/state/ohfp/log", Named: "/here/env.json"},
		"etc/x.json":  {Conf: "/here/etc", Work: "/home/u/.local/state/ohfp", Log: "/home/u/.local/state/ohfp/log", Named: "/here/etc/x.json"},
		"/etc/x.json": {Conf: "/etc", Work: "/home/u/.local/state/ohfp", Log: "/home/u/.local/state/ohfp/log", Named: "/etc/x.json"},
	}
	for file, want := range tests {
		if got, err := Find(env, "/here", file); err != nil || got != want {
			t.Errorf("%q: %+v, %v", file, got, err)
		}
	}
}

func TestInstancesHaveFilesOfTheirOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "config"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config", "blueprov_config.json"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for instance, project := range map[string]bool{"blue": true, "red": false} {
		found, err := Find(Environment{"HF_PROVIDER_NAME": instance, "HOME": "/home/u"}, dir, "")
		if err != nil || found.Instance != instance || (found.Work == filepath.Join(dir, "work")) != project {
			t.Errorf("%s: %+v, %v", instance, found, err)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	env := NewEnvironment([]string{"USER=", "LOGNAME=ann", "PATH=a=b", "=x", "ODD"})
	if len(env) != 2 || env.Caller() != "ann" || env["PATH"] != "a=b" || env.First("NONE", "PATH") != "a=b" || env.First("NONE") != "" {
		t.Errorf("%v", env)
	}
}
