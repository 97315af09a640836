package document

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const written = `# top

# about limits
limits:   # here
  max_machines: 5   # five

  # more
  max_vcpus: "7"  # seven

template_defaults:

providers:
- name: a   # the first
  type: aws
  config: {region: us-east-1, list: [a, b]}

- name: b
  type: aws

# end
`

// TestEditYAML: everything that a change is not about stays as it was written.
func TestEditYAML(t *testing.T) {
	t.Parallel()
	replace := func(old, changed string) string {
		if !strings.Contains(written, old) {
			t.Fatalf("%q is not in the text", old)
		}
		return strings.Replace(written, old, changed, 1)
	}
	tests := map[string]struct {
		path  []string
		value string // empty: removed
		want  string
	}{
		"a number":             {[]string{"limits", "max_machines"}, "50", replace("max_machines: 5 ", "max_machines: 50 ")},
		"quoted text":          {[]string{"limits", "max_vcpus"}, `"a: b"`, replace(`"7"`, `'a: b'`)},
		"text like a number":   {[]string{"limits", "max_vcpus"}, `"9"`, replace(`"7"`, `'9'`)},
		"another key":          {[]string{"limits", "max_x"}, "true", replace("\"7\"  # seven\n", "\"7\"  # seven\n  max_x: true\n")},
		"another section":      {[]string{"daemon", "groups"}, `["x","y"]`, replace("  type: aws\n\n# end", "  type: aws\ndaemon:\n  groups:\n  - x\n  - y\n\n# end")},
		"nothing becomes":      {[]string{"template_defaults"}, `{"k":1}`, replace("template_defaults:\n", "template_defaults:\n  k: 1\n")},
		"a field of a list":    {[]string{"providers", "1", "type"}, `"fake"`, replace("- name: b\n  type: aws", "- name: b\n  type: fake")},
		"the first of a list":  {[]string{"providers", "0", "name"}, `"c"`, replace("name: a ", "name: c ")},
		"a new field":          {[]string{"providers", "1", "weight"}, `2`, replace("- name: b\n  type: aws\n", "- name: b\n  type: aws\n  weight: 2\n")},
		"one more":             {[]string{"providers", "2"}, `{"name":"c","config":{"region":"x"}}`, replace("- name: b\n  type: aws\n", "- name: b\n  type: aws\n- name: c\n  config:\n    region: x\n")},
		"one less":             {[]string{"providers", "1"}, "", replace("- name: b\n  type: aws\n", "")},
		"a key less":           {[]string{"limits", "max_vcpus"}, "", replace("  max_vcpus: \"7\"  # seven\n", "")},
		"what is not there":    {[]string{"limits", "nothing"}, "", written},
		"in a flow":            {[]string{"providers", "0", "config", "region"}, `"eu-west-1"`, replace("us-east-1", "eu-west-1")},
		"an object for an old": {[]string{"limits"}, `{"a":1}`, replace("limits:   # here\n  max_machines: 5   # five\n\n  # more\n  max_vcpus: \"7\"  # seven\n", "limits:\n  a: 1\n")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var value json.RawMessage
			if test.value != "" {
				value = json.RawMessage(test.value)
			}
			got, err := Edit("x.yml", []byte(written), test.path, value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestEditYAMLKeepsComments: where lines do not do, comments and order still stay.
func TestEditYAMLKeepsComments(t *testing.T) {
	t.Parallel()
	got, err := Edit("x.yml", []byte(written), []string{"providers", "0", "config", "profile"}, json.RawMessage(`"p"`))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"# top", "# about limits", "# five", "# the first", "region: us-east-1, list: [a, b], profile: p", "# end"} {
		if !strings.Contains(string(got), part) {
			t.Errorf("%q is lost in:\n%s", part, got)
		}
	}
	if _, err := Edit("x.yml", []byte("a: &x {b: 1}\nc: *x\n"), []string{"c", "b"}, json.RawMessage("2")); err == nil {
		t.Error("what an alias refers to was changed")
	}
}

func TestEditNothing(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"x.yml": "a:\n  b: 1\n", "x.json": "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n"} {
		got, err := Edit(name, nil, []string{"a", "b"}, json.RawMessage("1"))
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	got, err := Edit("x.yml", []byte("# only\n"), []string{"a"}, json.RawMessage("1"))
	if err != nil || string(got) != "# only\na: 1\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestEditJSON(t *testing.T) {
	t.Parallel()
	got, err := Edit("x.json", []byte(`{"z": 1.50, "a": {"c": "<\u0041"}, "l": [{"n": 1}]}`), []string{"a", "b"}, json.RawMessage("true"))
	if err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"z\": 1.50,\n  \"a\": {\n    \"c\": \"<\\u0041\",\n    \"b\": true\n  },\n  \"l\": [\n    {\n      \"n\": 1\n    }\n  ]\n}\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, path := range [][]string{{"z", "y"}, {"l", "2"}, {"l", "x"}} {
		if _, err := Edit("x.json", got, path, json.RawMessage("1")); err == nil {
			t.Errorf("%v could be set", path)
		}
	}
}

// FuzzEdit: whatever is edited, the result has the value and reads as before otherwise.
func FuzzEdit(f *testing.F) {
	f.Add(written, "limits.max_machines", "1")
	f.Add("a: |\n  x\n  # no comment\nb: 2\n", "b", `"y"`)
	f.Add("{a: 1}", "a.b", "[]")
	f.Fuzz(func(t *testing.T, text, path, value string) {
		if !json.Valid([]byte(value)) {
			return
		}
		steps := strings.Split(path, ".")
		got, err := Edit("x.yml", []byte(text), steps, json.RawMessage(strings.TrimSpace(value)))
		if err != nil {
			return
		}
		root, err := Parse("x.yml", got)
		if err != nil {
			t.Fatalf("%q became %q: %v", text, got, err)
		}
		for _, step := range steps {
			found := false
			for _, field := range root.Fields {
				if field.Key == step && !found {
					root, found = field.Value, true
				}
			}
			if !found && root.Kind != List {
				t.Fatalf("%s is not in %q", path, got)
			}
			if root.Kind == List {
				return
			}
		}
	})
}
