package setup_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/deploy/hostfactory"
	"github.com/openhostfactory/ohfp/internal/setup"
	"github.com/openhostfactory/ohfp/provider"
)

// registeredTop is a Host Factory in which this program is registered as ohfp init does it.
func registeredTop(t *testing.T, files map[string]string) (top string) {
	t.Helper()
	top = hostFactory(t, files)
	r := setup.Registration{Top: top, Name: "ohfpinst", Version: "1.2"}
	if _, err := register(t, r).Write(filepath.Join(top, "journal"), time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(r.ConfDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := hostfactory.WriteScripts(r.ScriptsDir()); err != nil {
		t.Fatal(err)
	}
	return top
}

// TestRegisteredByInit: what init writes is good in either version of the files.
func TestRegisteredByInit(t *testing.T) {
	t.Parallel()
	one := map[string]string{"conf/providers/hostProviders.json": providers1, "conf/requestors/hostRequestors.json": requestors1}
	for version, files := range map[string]map[string]string{"version 1": one, "version 2": version2()} {
		top := registeredTop(t, files)
		found := setup.Registered([]string{"HF_TOP=" + top, "HF_VERSION=1.2"}, setup.Probe)
		if len(found) != 1 || found[0].Level != provider.LevelOK || !strings.Contains(found[0].Text, version) ||
			!strings.Contains(found[0].Text, "requestor symAinst asks it") {
			t.Errorf("%s: %+v", version, found)
		}
	}
	if found := setup.Registered(nil, setup.Probe); len(found) != 1 || found[0].Level != provider.LevelOK {
		t.Errorf("without Host Factory: %+v", found)
	}
}

// TestRegisteredWrongly: each way in which Host Factory does not get to this program is named, with what to do.
func TestRegisteredWrongly(t *testing.T) {
	t.Parallel()
	const (
		plugins    = "conf/providerplugins/hostProviderPlugins.json"
		providers  = "conf/providers/hostProviders.json"
		requestors = "conf/requestors/hostRequestors.json"
		script     = "1.2/providerplugins/ohfp/scripts/requestMachines.sh"
	)
	edit := func(name, old, now string) func(t *testing.T, top string) {
		return func(t *testing.T, top string) {
			t.Helper()
			path := filepath.Join(top, filepath.FromSlash(name))
			text, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(text), old) {
				t.Fatalf("%s has no %s (%v): %s", name, old, err, text)
			}
			if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), old, now)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(t *testing.T, top string) {
		return func(t *testing.T, top string) {
			t.Helper()
			if err := os.RemoveAll(filepath.Join(top, filepath.FromSlash(name))); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := map[string]struct {
		hurt             func(t *testing.T, top string)
		env              map[string]string
		denied           string // a directory that cannot be written
		about, text, fix string
	}{
		"no conf":         {remove("conf"), nil, "", "", "it has no conf", "hostfactory.xml"},
		"no providers":    {remove(providers), nil, "", "hostProviders.json", "not there", "ohfp init --hostfactory"},
		"damaged":         {edit(providers, `"providers"`, `"providers`), nil, "", "hostProviders.json", "not a JSON object", "mend the file"},
		"unknown version": {edit(providers, `"version":2`, `"version":7`), nil, "", "hostProviders.json", "version 7", "mend the file"},
		"not registered":  {edit(providers, `ohfp`, `other`), nil, "", "hostProviders.json", "no provider uses the plug-in ohfp", "ohfp init"},
		"another name":    {edit(providers, `ohfp`, `other`), map[string]string{"HF_PROVIDER_NAME": "me"}, "", "", "none is called me", "ohfp init"},
		"bad name":        {edit(providers, `"ohfpinst"`, `"ohfp inst"`), nil, "", "", `the name "ohfp inst"`, "rename it"},
		"twice":           {edit(providers, `[`, `[{"name":"ohfpinst","enabled":1,"plugin":"x"},`), nil, "", "", "two entries ohfpinst", "remove one"},
		"provider off":    {edit(providers, `"enabled": 1`, `"enabled": 0`), nil, "", "hostProviders.json", "provider ohfpinst is switched off", `"enabled" to 1`},
		"plug-ins gone":   {remove(plugins), nil, "", "hostProviderPlugins.json", "not there", "ohfp init"},
		"plug-in gone":    {edit(plugins, `"ohfp"`, `"other"`), nil, "", "hostProviderPlugins.json", `plug-in "ohfp", which has no entry`, "ohfp init"},
		"plug-in off":     {edit(plugins, `"enabled": 1`, `"enabled": false`), nil, "", "hostProviderPlugins.json", "plug-in ohfp is switched off", `"enabled" to 1`},
		"script gone":     {remove(script), nil, "", "requestMachines.sh", "it is not there", "scriptPath"},
		"script not allowed": {func(t *testing.T, top string) {
			t.Helper()
			if err := os.Chmod(filepath.Join(top, filepath.FromSlash(script)), 0o644); err != nil {
				t.Fatal(err)
			}
		}, nil, "", "requestMachines.sh", "cannot be executed", "chmod +x"},
		"other scripts":     {edit(plugins, `${HF_TOP}/${HF_VERSION}/`, `${HF_TOP}/9.9/`), nil, "", "9.9", "it is not there", "correct scriptPath"},
		"unknown variable":  {edit(plugins, `${HF_TOP}`, `${ELSEWHERE}`), nil, "", "", "ELSEWHERE is not set here", "profile.hf"},
		"conf gone":         {remove("conf/providers/ohfpinst"), nil, "", "ohfpinst", "confPath of provider ohfpinst cannot be read", "ohfp init"},
		"no requestors":     {remove(requestors), nil, "", "hostRequestors.json", "not there", "ohfp init"},
		"nobody asks":       {edit(requestors, `"ohfpinst"`, `"other"`), nil, "", "hostRequestors.json", "no requestor lists provider ohfpinst", "add it to the providers"},
		"requestors off":    {edit(requestors, `"enabled": 1`, `"enabled": 0`), nil, "", "", "are switched off: symAinst, admin, bare", `"enabled" of one to 1`},
		"work not writable": {nil, map[string]string{"HF_WORKDIR": "/no-such-directory/work"}, "/", "/", "HF_WORKDIR cannot be written", "chown"},
		"log not writable":  {nil, map[string]string{"HF_LOGDIR": "/no-such-directory/log"}, "/", "/", "logPath of provider ohfpinst cannot be written", "chown"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := registeredTop(t, version2())
			if test.hurt != nil {
				test.hurt(t, top)
			}
			env := []string{"HF_TOP=" + top, "HF_VERSION=1.2"}
			for key, value := range test.env {
				env = append(env, key+"="+value)
			}
			probe := func(dir string) error {
				if test.denied == dir {
					return &fs.PathError{Op: "write", Path: dir, Err: errors.New("permission denied")}
				}
				return nil
			}
			found := setup.Registered(env, probe)
			for _, f := range found {
				if f.Level == provider.LevelOK || f.Fix == "" {
					t.Errorf("finding %+v", f)
				}
				if strings.Contains(f.About, test.about) && strings.Contains(f.Text, test.text) && strings.Contains(f.Fix, test.fix) {
					return
				}
			}
			t.Errorf("want %q, %q, %q in %+v", test.about, test.text, test.fix, found)
		})
	}
}
