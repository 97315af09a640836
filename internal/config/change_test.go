package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
)

func site(dir string) Sources {
	return Sources{Environ: []string{"OHFP_CONF_DIR=" + dir, "OHFP_WORK_DIR=" + dir + "/work", "HOME=" + dir}, Dir: dir}
}

func set(key, value string) Change { return Change{Key: key, Value: Text(key, value)} }

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestApplyChoosesTheFile: a setting is changed where it stands, under the name that it has there.
func TestApplyChoosesTheFile(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"config.json":   `{"request": {"default_timeout": 300}}`,
		"providers.yml": "providers:\n- name: aws-primary\n  type: aws\n",
	}
	tests := map[string]struct {
		change Change
		file   string
		want   string
	}{
		"an alias":          {set("requests.timeout", "60"), "config.json", "{\n  \"request\": {\n    \"default_timeout\": 60\n  }\n}\n"},
		"a new setting":     {set("logging.level", "DEBUG"), "config.json", "{\n  \"request\": {\n    \"default_timeout\": 300\n  },\n  \"logging\": {\n    \"level\": \"DEBUG\"\n  }\n}\n"},
		"a provider's":      {set("providers.aws-primary.enabled", "false"), "providers.yml", files["providers.yml"] + "  enabled: false\n"},
		"by number":         {set("providers[0].config.max_retries", "3"), "providers.yml", files["providers.yml"] + "  config:\n    max_retries: 3\n"},
		"one more":          {Change{Key: "providers", Value: json.RawMessage(`[{"name":"x","type":"aws"}]`)}, "providers.yml", "providers:\n- name: x\n  type: aws\n"},
		"defaults of types": {set("provider_defaults.aws.template_defaults.keyName", "k"), "providers.yml", files["providers.yml"] + "provider_defaults:\n  aws:\n    template_defaults:\n      keyName: k\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, files)
			done, err := Apply(site(dir), nil, test.change)
			if err != nil || !done.Written || done.File != filepath.Join(dir, test.file) {
				t.Fatalf("%s %v %v", done.File, done.Written, err)
			}
			if diff := cmp.Diff(test.want, read(t, done.File)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestApplyKeepsTheFile: its mode, and the link that leads to it; nothing else is left.
func TestApplyKeepsTheFile(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"real/config.yml": "limits: {max_vcpus: 1}\n"})
	if err := errors.Join(os.Chmod(dir+"/real/config.yml", 0o644), os.Symlink("real/config.yml", dir+"/config.yml")); err != nil {
		t.Fatal(err)
	}
	if _, err := Apply(site(dir), nil, set("limits.max_vcpus", "2")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(dir + "/config.yml")
	if err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link became %v (%v)", info.Mode(), err)
	}
	if info, err = os.Stat(dir + "/config.yml"); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the mode is %v (%v), want 0644", info.Mode(), err)
	}
	if got := read(t, dir+"/real/config.yml"); got != "limits: {max_vcpus: 2}\n" {
		t.Errorf("the file says %q", got)
	}
	entries, err := os.ReadDir(dir + "/real")
	if err != nil || len(entries) != 1 {
		t.Errorf("%v are left (%v)", entries, err)
	}
}

func TestApplyWritesNothingWrong(t *testing.T) {
	t.Parallel()
	text := "limits: {max_vcpus: 1}\n"
	dir := write(t, map[string]string{"config.yml": text})
	no := errors.New("no")
	for _, err := range []error{
		func() error { _, err := Apply(site(dir), nil, set("limits.max_vcpus", "x")); return err }(),
		func() error { _, err := Apply(site(dir), nil, set("limits", "{}")); return err }(),
		func() error { _, err := Apply(site(dir), nil, set("providers[nowhere].enabled", "true")); return err }(),
		func() error { _, err := Apply(site(dir), nil, set("default_provider", "nowhere")); return err }(),
		func() error {
			_, err := Apply(site(dir), func(Config) error { return no }, set("limits.max_vcpus", "2"))
			if !errors.Is(err, no) {
				t.Errorf("%v is not the error of the check", err)
			}
			return err
		}(),
	} {
		if err == nil {
			t.Error("a wrong change was made")
		}
	}
	if got := read(t, dir+"/config.yml"); got != text {
		t.Errorf("the file became %q", got)
	}
	// Whoever has changed it in the meantime is not overwritten.
	_, err := Apply(site(dir), func(Config) error { return os.WriteFile(dir+"/config.yml", []byte("{}"), 0o600) }, set("limits.max_vcpus", "2"))
	if !errors.Is(err, ohfp.ErrConflict) || read(t, dir+"/config.yml") != "{}" {
		t.Errorf("%v, and the file says %s", err, read(t, dir+"/config.yml"))
	}
}

// TestEverySettingCanBeSetAndShown: what set writes, Load reads and Values shows.
func TestEverySettingCanBeSetAndShown(t *testing.T) {
	t.Parallel()
	samples := map[Kind]string{KindTruth: "true", KindAmount: "1.5", KindDuration: "30s", KindList: "a:b", KindText: "x"}
	for _, key := range Keys() {
		if key.get == nil {
			continue
		}
		value := samples[key.Kind]
		switch {
		case len(key.Words) > 0:
			value = key.Words[len(key.Words)-1]
		case key.Kind == KindCount:
			value = "7"
		case key.Name == "logging.level":
			value = "ERROR"
		case key.Name == "auth.roles" || key.Name == "auth.certificate_roles":
			value = "a:b=admin,c=viewer"
		case key.Name == "default_provider" || key.Name == "placement.fallback":
			value = "aws"
		}
		dir := write(t, nil)
		changes := []Change{set(key.Name, value)}
		if key.Name == "storage.sql.type" {
			changes = append(changes, set("storage.sql.url", "postgresql://h/d"))
		}
		done, err := Apply(site(dir), nil, changes...)
		if err != nil {
			t.Errorf("%s: %v", key.Name, err)
			continue
		}
		shown, err := Select(done.Config.Values(func(string, string) bool { return false }), key.Name)
		if err != nil || len(shown) != 1 || !strings.HasPrefix(shown[0].Origin, dir+"/config.yml:") {
			t.Errorf("%s is shown as %+v (%v)", key.Name, shown, err)
		} else if key.Secret && shown[0].Value != "***" {
			t.Errorf("%s is a secret and is shown", key.Name)
		}
	}
}
