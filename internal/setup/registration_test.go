package setup_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/internal/setup"
)

const plugins2 = "{\r\n    \"version\": 2,\r\n    \"providerplugins\": [\r\n        {\r\n            \"name\": \"azurecc\",\r\n            \"enabled\": 1,\r\n            \"scriptPath\": \"x/\"\r\n        }\r\n    ]\r\n}"

const providers2 = "\xef\xbb\xbf" + `{"version":2, "providers":[], "note": "kept  as it is" }`

const requestors2 = `{
  "version": 2,
  "requestors": [
    {
      "name": "symAinst", "enabled": 1, "plugin": "symA", "providers": ["other"],
      "requestMode": "POLL"
    },
    { "name": "off", "enabled": 0, "providers": ["other"] },
    {
      "name": "admin",
      "enabled": 1,
      "providers": [
        "other"
      ]
    },
    {"name": "bare", "enabled": 1}
  ]
}
`

const (
	providers1  = `{"providers": [{"name": "awsinst", "enabled": 1, "confPath": "c", "workPath": "w", "logPath": "l", "scriptPath": "s"}]}`
	requestors1 = `{"version": 1, "requestors": [{"name": "symAinst", "enabled": 1, "providers": []}]}`
)

// hostFactory makes a directory as HF_TOP is.
func hostFactory(t *testing.T, files map[string]string) string {
	t.Helper()
	top := t.TempDir()
	for name, content := range files {
		path := filepath.Join(top, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return top
}

// tree is all of a directory: files by content and mode, directories by mode.
func tree(t *testing.T, top string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content := []byte{}
		if !entry.IsDir() {
			if content, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		name, err := filepath.Rel(top, path)
		all[name] = info.Mode().String() + " " + string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func version2() map[string]string {
	return map[string]string{
		"conf/providerplugins/hostProviderPlugins.json": plugins2,
		"conf/providers/hostProviders.json":             providers2,
		"conf/requestors/hostRequestors.json":           requestors2,
		"1.1/providerplugins/readme":                    "", "1.2/providerplugins/readme": "",
	}
}

func register(t *testing.T, r setup.Registration) setup.Changes {
	t.Helper()
	var changes setup.Changes
	if _, err := r.Plan(&changes); err != nil {
		t.Fatal(err)
	}
	return changes
}

// TestRegistration adds entries, leaves every other byte alone, adds nothing twice, and can be undone byte for byte.
func TestRegistration(t *testing.T) {
	t.Parallel()
	top := hostFactory(t, version2())
	before := tree(t, top)
	r := setup.Registration{Top: top, Name: "ohfpinst"}
	if want := filepath.Join(top, "1.2", "providerplugins", "ohfp", "scripts"); r.ScriptsDir() != want {
		t.Errorf("scripts go to %s", r.ScriptsDir())
	}
	journal := filepath.Join(r.ConfDir(), "journal")
	if _, err := register(t, r).Write(journal, time.Now()); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(top, "conf", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	wantPlugins := strings.Replace(plugins2, "        }\r\n    ]", "        },\r\n        {\r\n          \"name\": \"ohfp\",\r\n          \"enabled\": 1,\r\n"+
		"          \"scriptPath\": \"${HF_TOP}/${HF_VERSION}/providerplugins/ohfp/scripts/\"\r\n        }\r\n    ]", 1)
	if diff := cmp.Diff(wantPlugins, read("providerplugins/hostProviderPlugins.json")); diff != "" {
		t.Errorf("plug-ins: %s", diff)
	}
	wantProviders := strings.Replace(providers2, "[]", `[
  {
    "name": "ohfpinst",
    "enabled": 1,
    "plugin": "ohfp",
    "confPath": "${HF_CONFDIR}/providers/ohfpinst/",
    "workPath": "${HF_WORKDIR}/providers/ohfpinst/",
    "logPath": "${HF_LOGDIR}/"
  }
]`, 1)
	if diff := cmp.Diff(wantProviders, read("providers/hostProviders.json")); diff != "" {
		t.Errorf("providers: %s", diff)
	}
	wantRequestors := strings.Replace(requestors2, `"providers": ["other"],`, `"providers": ["other", "ohfpinst"],`, 1)
	wantRequestors = strings.Replace(wantRequestors, "        \"other\"\n", "        \"other\",\n        \"ohfpinst\"\n", 1)
	wantRequestors = strings.Replace(wantRequestors, `{"name": "bare"`, `{"providers":["ohfpinst"], "name": "bare"`, 1)
	if diff := cmp.Diff(wantRequestors, read("requestors/hostRequestors.json")); diff != "" {
		t.Errorf("requestors: %s", diff)
	}
	for _, change := range register(t, r) {
		if !change.Same() {
			t.Errorf("the second time changes %s", change.Path)
		}
	}
	if _, err := setup.Undo(journal, false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, tree(t, top)); diff != "" {
		t.Errorf("undone, it is not as before: %s", diff)
	}
}

// TestRegistrationOfVersion1 writes entries as Symphony 7.2 reads them: the scripts with the provider, and no plug-in.
func TestRegistrationOfVersion1(t *testing.T) {
	t.Parallel()
	top := hostFactory(t, map[string]string{"conf/providers/hostProviders.json": providers1, "conf/requestors/hostRequestors.json": requestors1})
	r := setup.Registration{Top: top, Name: "ohfpinst", Version: "1.1", Requestors: []string{"symAinst"}}
	changes := register(t, r)
	var file struct {
		Providers []map[string]any `json:"providers"`
	}
	if err := json.Unmarshal(changes[0].New, &file); err != nil || len(file.Providers) != 2 || len(changes) != 2 {
		t.Fatalf("%v: %s", err, changes[0].New)
	}
	want := map[string]any{
		"name": "ohfpinst", "enabled": 1.0, "scriptPath": top + "/1.1/providerplugins/ohfp/scripts/", "logPath": "${HF_LOGDIR}/",
		"confPath": "${HF_CONFDIR}/providers/ohfpinst/", "workPath": "${HF_WORKDIR}/providers/ohfpinst/",
	}
	if diff := cmp.Diff(want, file.Providers[1]); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(string(changes[1].New), `"providers": ["ohfpinst"]`) {
		t.Errorf("requestors are %s", changes[1].New)
	}
}

func TestRegistrationRefuses(t *testing.T) {
	t.Parallel()
	const hosts = "conf/providers/hostProviders.json"
	tests := map[string]struct {
		file, content, want string
		requestors          []string
	}{
		"no Host Factory":        {file: "readme", want: "is not Host Factory's directory"},
		"damaged":                {file: hosts, content: `{"providers": [}`, want: "not a JSON object"},
		"trailing":               {file: hosts, content: `{"version": 2, "providers": []} x`, want: "not a JSON object"},
		"a list":                 {file: hosts, content: `[]`, want: "not a JSON object"},
		"newer":                  {file: hosts, content: `{"version": 3, "providers": []}`, want: "version 3, of which nothing is known"},
		"no list":                {file: hosts, content: `{"version": 2}`, want: `has no list "providers"`},
		"no list either":         {file: hosts, content: `{"version": 2, "providers": {}}`, want: "providers is not a list"},
		"another of the name":    {file: hosts, content: `{"version": 2, "providers": [{"name": "ohfpinst", "plugin": "x"}]}`, want: "has an entry ohfpinst already"},
		"requestor that is none": {file: "conf/requestors/hostRequestors.json", content: requestors2, requestors: []string{"symB"}, want: "has no requestor symB"},
		"odd providers":          {file: "conf/requestors/hostRequestors.json", content: `{"version": 2, "requestors": [{"name": "x", "providers": 1}]}`, want: "not a list of names"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := hostFactory(t, map[string]string{test.file: test.content})
			var changes setup.Changes
			_, err := setup.Registration{Top: top, Name: "ohfpinst", Requestors: test.requestors}.Plan(&changes)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want …%s…", err, test.want)
			}
		})
	}
	top := hostFactory(t, map[string]string{hosts: `{"version": 2, "providers": [ {"name": "ohfpinst", "plugin": "x"} ]}`})
	changes := register(t, setup.Registration{Top: top, Name: "ohfpinst", Force: true})
	if text := string(changes[1].New); !json.Valid(changes[1].New) || strings.Contains(text, `"x"`) || !strings.Contains(text, `"plugin": "ohfp"`) {
		t.Errorf("by force it is %s", text)
	}
}

// TestUndo: what somebody has changed since is not lost, runs are undone one after the other, and a write that fails half
// way leaves nothing behind.
func TestUndo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	journal, a := filepath.Join(dir, "journal"), filepath.Join(dir, "deep", "er", "a")
	before := tree(t, dir)
	write := func(content string) {
		t.Helper()
		var changes setup.Changes
		if err := changes.Add(a, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := changes.Write(journal, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	first := tree(t, dir)
	time.Sleep(2 * time.Millisecond) // copies are named by the time
	write("two")
	if copies, _ := filepath.Glob(a + ".*.bak"); len(copies) != 1 {
		t.Errorf("copies are %v", copies)
	}
	if err := os.WriteFile(a, []byte("three"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := setup.Undo(journal, false); err == nil || !strings.Contains(err.Error(), "was changed since") {
		t.Errorf("error %v", err)
	}
	if _, err := setup.Undo(journal, true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, tree(t, dir)); diff != "" {
		t.Errorf("after one undo: %s", diff)
	}
	if _, err := setup.Undo(journal, false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("after both: %s", diff)
	}
	if _, err := setup.Undo(journal, false); err == nil || !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("error %v", err)
	}

	var changes setup.Changes
	for _, name := range []string{"b", "c"} {
		if err := changes.Add(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "c"), 0o700); err != nil { // meanwhile
		t.Fatal(err)
	}
	blocked := tree(t, dir)
	if _, err := changes.Write(journal, time.Now()); err == nil {
		t.Error("a directory was replaced by a file")
	}
	if diff := cmp.Diff(blocked, tree(t, dir)); diff != "" {
		t.Errorf("after a write that failed: %s", diff)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	c := setup.Change{Path: "f", Old: []byte("a\nb\nc\nd\ne\nf\n"), New: []byte("a\nb\nc\nD\ne\nf\ng\n")}
	if diff := cmp.Diff("--- f\n+++ f\n@@\n b\n c\n-d\n+D\n e\n f\n+g\n", c.Diff()); diff != "" {
		t.Error(diff)
	}
	if fresh := (setup.Change{Path: "f", New: []byte("a\n")}).Diff(); fresh != "--- /dev/null\n+++ f\n+a\n" {
		t.Errorf("%q", fresh)
	}
}
