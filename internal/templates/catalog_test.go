package templates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
)

// site is a configuration and a work directory with a catalog over them.
type site struct {
	*Catalog
	t testing.TB
}

func newSite(tb testing.TB) site {
	tb.Helper()
	dir := tb.TempDir()
	return site{&Catalog{ConfDir: dir, WorkDir: filepath.Join(dir, "work")}, tb}
}

func (s site) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.ConfDir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s site) list() List {
	s.t.Helper()
	list, err := s.List(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// local makes paths of the site short.
func (s site) local(text string) string { return strings.ReplaceAll(text, s.ConfDir, "@") }

func (s site) problems(list List) []string {
	var texts []string
	for _, p := range list.Problems {
		texts = append(texts, s.local(p.String()))
	}
	return texts
}

// summary is each template as "id maxNumber", with why it is refused.
func (s site) summary(list List) []string {
	var out []string
	for _, t := range list.Templates {
		text := fmt.Sprintf("%s %d", t.ID, t.MaxNumber)
		if t.Refused != "" {
			text += " (" + s.local(t.Refused) + ")"
			if t.Attributes["rank"] != ohfp.Numeric(0) {
				text += " with rank " + t.Attributes["rank"].Value
			}
		}
		out = append(out, text)
	}
	return out
}

// ibmSample is a file of IBM's AWS plug-in as an administrator would bring it.
const ibmSample = "\xef\xbb\xbf" + `{
    "templates": [
        {
            "templateId": "Template-VM-1",
            "maxNumber": 10,
            "attributes": {
                "type": ["String", "X86_64"],
                "ncpus": ["Numeric", "1"],
                "nram": 4096,
                "ncores": "1"
            },
            "imageId": "ami-1",
            "subnetId": "subnet-1",
            "vmType": "t2.micro",
            "pgrpName": null,
            "instanceTags": "a=b;c=d",
            "vmTypes": { "m5.large": 1 }
        },
        {
            "templateId": "unlimited",
            "maxNumber": -1,
            "imageId": "ami-2"
        }
    ]
}`

func TestListOfIBMFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("awsprov_templates.json", ibmSample)
	list := s.list()
	source := filepath.Join(s.ConfDir, "awsprov_templates.json")
	want := List{Templates: []ohfp.Template{
		{
			ID: "Template-VM-1", MaxNumber: 10, Source: source,
			Attributes: map[string]ohfp.Attribute{
				"type": ohfp.Text("X86_64"), "ncpus": ohfp.Numeric(1), "nram": ohfp.Numeric(4096), "ncores": ohfp.Numeric(1),
			},
			Spec: json.RawMessage(`{"imageId":"ami-1","subnetId":"subnet-1","vmType":"t2.micro","pgrpName":null,"instanceTags":"a=b;c=d","vmTypes":{"m5.large":1}}`),
		},
		{ID: "unlimited", MaxNumber: -1, Source: source, Spec: json.RawMessage(`{"imageId":"ami-2"}`)},
	}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, s.list()); diff != "" {
		t.Errorf("the second List (-want +got):\n%s", diff)
	}
}

func TestSharedFields(t *testing.T) {
	t.Parallel()
	want := ohfp.Template{
		ID: "a", Name: "A", Description: "all of it", ProviderName: "p", ProviderType: "aws", ProviderAPI: "EC2Fleet",
		MaxNumber: 7, CapacityUnit: ohfp.CapacityMachines, Timeout: 90 * time.Second,
		Attributes: map[string]ohfp.Attribute{"type": ohfp.Text("X86_64")}, Spec: json.RawMessage(`{"image_id":"ami-1"}`),
	}
	files := map[string]string{
		"templates.json": `[{"templateId": "a", "name": "A", "description": "all of it", "providerName": "p", "providerType": "aws", "providerApi": "EC2Fleet",
			"maxNumber": "7", "capacityUnit": "machines", "timeout": "90s", "attributes": {"type": "X86_64"}, "image_id": "ami-1"}]`,
		"aws_templates.json": `{"templates": [{"template_id": "a", "name": "A", "description": "all of it", "provider_name": "p", "provider_type": "aws",
			"provider_api": "EC2Fleet", "max_instances": 7.0, "capacity_unit": "machines", "timeout": 90, "attributes": {"type": ["String", "X86_64"]}, "image_id": "ami-1"}]}`,
		"templates.yml": `
templates:
- templateId: a
  name: A
  description: all of it
  providerName: p
  providerType: aws
  providerApi: EC2Fleet
  maxNumber: 7
  capacityUnit: machines
  timeout: 90s
  attributes: {type: X86_64}
  image_id: ami-1
`,
		"templates.yaml": "template_id: a\nname: A\ndescription: all of it\nprovider_name: p\nprovider_type: aws\nprovider_api: EC2Fleet\n" +
			"max_number: 7\ncapacity_unit: machines\ntimeout: 1m30s\nattributes:\n  type: [String, X86_64]\nimage_id: ami-1\n",
	}
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.write(name, text)
			want := want
			want.Source = filepath.Join(s.ConfDir, name)
			if diff := cmp.Diff(List{Templates: []ohfp.Template{want}}, s.list()); diff != "" {
				t.Errorf("List (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOneBadTemplateDoesNotSpoilTheOthers(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, entry, want string }{
		{"no id", `{"maxNumber": 1}`, `@/templates.json:3: templates[1]: template has no templateId; give it 1 to 64 of the characters 0-9 A-Z a-z _ -`},
		{"a bad id", `{"templateId": "a b", "maxNumber": 1}`, `@/templates.json:3: templateId "a b" is not allowed; use 1 to 64 of the characters 0-9 A-Z a-z _ -`},
		{"an id that is a number", `{"templateId": 5}`, `@/templates.json:3: templates[1]: templateId is 5; write text`},
		{"no maxNumber", `{"templateId": "bad"}`, `@/templates.json:3: template bad has no maxNumber; write how many machines may be alive at once, -1 for as many as wanted`},
		{"a maxNumber that is text", "{\"templateId\": \"bad\",\n\"maxNumber\": \"many\"}", `@/templates.json:4: template bad: maxNumber is "many"; write -1 (unlimited) or 0 to 10000`},
		{"half a machine", `{"templateId": "bad", "maxNumber": 0.5}`, `@/templates.json:3: template bad: maxNumber is 0.5; write -1 (unlimited) or 0 to 10000`},
		{"a maxNumber too large", "{\"templateId\": \"bad\",\n\"maxNumber\": 10001}", `@/templates.json:4: template bad has maxNumber 10001; use -1 (unlimited) or 0 to 10000`},
		{"a timeout that is text", `{"templateId": "bad", "timeout": "soon"}`, `@/templates.json:3: template bad: timeout is "soon"; write a duration such as "90s" or "10m", or a number of seconds`},
		{"a negative timeout", `{"templateId": "bad", "timeout": -1}`, `@/templates.json:3: template bad: timeout is -1; write a duration such as "90s" or "10m", or a number of seconds`},
		{"a bad attribute", `{"templateId": "bad", "attributes": {"ncpus": ["Number", 1]}}`, `@/templates.json:3: template bad: attributes: attribute type Number is unknown; use String, Numeric or Boolean`},
		{"a bad unit", `{"templateId": "bad", "maxNumber": 1, "capacityUnit": "cores"}`, `@/templates.json:3: template bad has capacityUnit "cores"; use machines or units`},
		{"a key twice", "{\"templateId\": \"bad\", \"imageId\": 1,\n\"imageId\": 2}", `@/templates.json:4: template bad: imageId is there twice, first on line 3; keep one`},
		{"a key in two spellings", `{"templateId": "bad", "maxNumber": 1, "max_number": 2}`, `@/templates.json:3: template bad: maxNumber and max_number are the same; keep one`},
		{"what the provider refuses", "{\"templateId\": \"bad\", \"maxNumber\": 1,\n\n\"imageld\": \"ami-1\"}", `@/templates.json:5: template bad: unknown field imageld`},
		{"an id that is taken", `{"templateId": "good", "maxNumber": 5}`, `@/templates.json:3: template good is there twice; the first is used, give the other its own id`},
		{"not an object", `"bad"`, `@/templates.json:3: templates[1]: a template is an object, this is a single value`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.Validate = func(_ context.Context, t ohfp.Template) error {
				if strings.Contains(string(t.Spec), "imageld") {
					return ohfp.Errorf(ohfp.ErrInvalid, "unknown field imageld")
				}
				return nil
			}
			s.write("templates.json", "[\n{\"templateId\": \"good\", \"maxNumber\": 1},\n"+tt.entry+",\n{\"templateId\": \"last\", \"maxNumber\": 2}]")
			list := s.list()
			if diff := cmp.Diff([]string{"good 1", "last 2"}, s.summary(list)); diff != "" {
				t.Errorf("Templates (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{tt.want}, s.problems(list)); diff != "" {
				t.Errorf("Problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNothingToList(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, text, want string
		kind                   error
	}{
		{"broken", "templates.json", "{\n  \"templates\": [\n", "no template can be listed: @/templates.json:2:17: unexpected end of JSON input", ohfp.ErrInvalid},
		{"empty", "templates.json", "", `no template can be listed: @/templates.json is empty; write {"templates": [ … ]}`, ohfp.ErrInvalid},
		{"an empty list", "templates.yml", "templates: []", "no template can be listed: @/templates.yml: there are no templates in it", ohfp.ErrInvalid},
		{"something else", "templates.json", `{"template": []}`, `no template can be listed: @/templates.json:1: there is no list of templates; write {"templates": [ … ]}`, ohfp.ErrInvalid},
		{"a word", "templates.yml", "templates", `no template can be listed: @/templates.yml:1: there is a single value; write {"templates": [ … ]}`, ohfp.ErrInvalid},
		{
			"no file", "other.json", "", "no template can be listed: there is no template file; write one of @/iprov_templates.json, @/awsprov_templates.json, " +
				"@/aws_templates.json, @/templates.json, @/templates.yaml, @/templates.yml", ohfp.ErrInvalid,
		},
		{
			"many bad ones", "templates.json", `[{}, {}, {}, {}, {}]`, "no template can be listed: " + strings.Repeat("@/templates.json:1: templates[#]: template has no templateId; "+
				"give it 1 to 64 of the characters 0-9 A-Z a-z _ -; ", 3) + "and 2 more", ohfp.ErrInvalid,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.Instance = "i"
			s.write(tt.file, tt.text)
			_, err := s.List(t.Context())
			if err == nil || !errors.Is(err, tt.kind) {
				t.Fatalf("List = %v, want %v", err, tt.kind)
			}
			got := s.local(err.Error())
			for i := range 3 {
				got = strings.Replace(got, fmt.Sprintf("templates[%d]", i), "templates[#]", 1)
			}
			if got != tt.want {
				t.Errorf("List =\n %s, want\n %s", got, tt.want)
			}
		})
	}
	s := newSite(t)
	s.Store = &own{}
	if _, err := s.List(t.Context()); !errors.Is(err, ohfp.ErrNotFound) || s.local(err.Error()) != "there is no template; run ohfp init, or write some into @/templates.json" {
		t.Errorf("List of an empty store = %v", err)
	}
}

func TestListedOnceStaysListed(t *testing.T) {
	t.Parallel()
	const file = "awsprov_templates.json"
	both := `[{"templateId": "a", "maxNumber": 3, "imageId": "ami-1"},` + "\n" + `{"templateId": "b", "maxNumber": 4, "attributes": {"rank": 9}}]`
	tests := []struct {
		name    string
		text    string
		remove  bool
		want    []string
		problem string
	}{
		{"as it was", both, false, []string{"a 3", "b 4"}, ""},
		{"the file is broken", `[`, false, []string{"a 3 (@/" + file + ":1:1: unexpected end of JSON input)", "b 4 (@/" + file + ":1:1: unexpected end of JSON input)"}, "unexpected end"},
		{"an entry is invalid", `[{"templateId": "a", "maxNumber": 3}, {"templateId": "b", "maxNumber": "x"}]`, false, []string{"a 3", `b 4 (@/` + file + `:1: template b: maxNumber is "x"; write -1 (unlimited) or 0 to 10000)`}, "maxNumber"},
		{"an entry is deleted", `[{"templateId": "b", "maxNumber": 4}]`, false, []string{"b 4", "a 3 (it is no longer in @/" + file + ")"}, "template a: it stays listed"},
		{"the file is deleted", "", true, []string{"a 3 (it is no longer in @/" + file + ")", "b 4 (it is no longer in @/" + file + ")"}, "there is no template file"},
		{"the operator allows more", `[{"templateId": "a", "maxNumber": 30}, {"templateId": "b", "maxNumber": -1}]`, false, []string{"a 30", "b -1"}, ""},
		{"the operator allows fewer", `[{"templateId": "a", "maxNumber": 1}, {"templateId": "b", "maxNumber": 2}]`, false, []string{"a 1", "b 2"}, ""},
		{"the operator allows none", `[{"templateId": "a", "maxNumber": 0}, {"templateId": "b", "maxNumber": 4}]`, false, []string{"a 1 (its maxNumber is 0; raise it to launch)", "b 4"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.write(file, both)
			first := s.list()
			s.write(file, tt.text)
			if tt.remove {
				if err := os.Remove(filepath.Join(s.ConfDir, file)); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // what was listed survives more than one look
				list := s.list()
				if diff := cmp.Diff(tt.want, s.summary(list)); diff != "" {
					t.Errorf("Templates (-want +got):\n%s", diff)
				}
				if texts := strings.Join(s.problems(list), "\n"); !strings.Contains(texts, tt.problem) || (tt.problem == "") != (texts == "") {
					t.Errorf("Problems = %s, want %q", texts, tt.problem)
				}
				for _, listed := range list.Templates {
					one, err := s.Template(t.Context(), listed.ID)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(listed, one); diff != "" {
						t.Errorf("Template %s is not as listed (-list +one):\n%s", listed.ID, diff)
					}
					if (one.CheckCount(1) != nil) != (listed.Refused != "") {
						t.Errorf("CheckCount of %s = %v", listed.ID, one.CheckCount(1))
					}
				}
			}
			s.write(file, both)
			if diff := cmp.Diff(first, s.list()); diff != "" {
				t.Errorf("mended, it is not as before (-before +after):\n%s", diff)
			}
		})
	}
}

func TestForget(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("templates.json", `[{"templateId": "a", "maxNumber": 1}, {"templateId": "b", "maxNumber": 1}]`)
	s.list()
	if err := s.Forget(t.Context(), "a"); !errors.Is(err, ohfp.ErrConflict) || s.local(err.Error()) != "template a is still in @/templates.json; remove it there first" {
		t.Errorf("Forget of a live template = %v", err)
	}
	s.write("templates.json", `[{"templateId": "b", "maxNumber": 1}]`)
	if got := s.summary(s.list()); len(got) != 2 {
		t.Errorf("before Forget: %v", got)
	}
	if err := s.Forget(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"b 1"}, s.summary(s.list())); diff != "" {
		t.Errorf("after Forget (-want +got):\n%s", diff)
	}
	if err := s.Forget(t.Context(), "a"); !errors.Is(err, ohfp.ErrNotFound) {
		t.Errorf("Forget again = %v, want ErrNotFound", err)
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("templates.json", `[{"templateId": "EC2FleetInstant", "maxNumber": 1}, {"templateId": "bad"}]`)
	if got, err := s.Template(t.Context(), "EC2FleetInstant"); err != nil || got.MaxNumber != 1 {
		t.Errorf("Template = %+v, %v", got, err)
	}
	tests := []struct {
		id   ohfp.TemplateID
		kind error
		want string
	}{
		{"EC2FleetInstnt", ohfp.ErrNotFound, "template EC2FleetInstnt does not exist; did you mean EC2FleetInstant?"},
		{"x", ohfp.ErrNotFound, "template x does not exist"},
		{"bad", ohfp.ErrInvalid, "@/templates.json:1: template bad has no maxNumber; write how many machines may be alive at once, -1 for as many as wanted"},
	}
	for _, tt := range tests {
		_, err := s.Template(t.Context(), tt.id)
		if !errors.Is(err, tt.kind) || s.local(err.Error()) != tt.want {
			t.Errorf("Template(%s) = %v, want %s", tt.id, err, tt.want)
		}
	}
	s.write("templates.json", `{`)
	if _, err := s.Template(t.Context(), "x"); !errors.Is(err, ohfp.ErrNotFound) || s.local(err.Error()) != "template x does not exist; @/templates.json:1:1: unexpected end of JSON input" {
		t.Errorf("Template from a broken file = %v", err)
	}
}

func TestLostMemory(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("templates.json", `[{"templateId": "a", "maxNumber": 1}]`)
	for _, text := range []string{"", "{", `{"version": 99, "templates": [{"templateId": "x"}]}`} {
		if err := os.MkdirAll(s.WorkDir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.memoryFile(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a 1"}, s.summary(s.list())); diff != "" {
			t.Errorf("with %q (-want +got):\n%s", text, diff)
		}
		if list := s.list(); len(list.Problems) > 0 {
			t.Errorf("with %q it is not mended: %q", text, s.problems(list))
		}
	}
	// A work directory that cannot be written takes nothing from the list.
	s.WorkDir = filepath.Join(s.ConfDir, "templates.json", "work")
	list := s.list()
	if diff := cmp.Diff([]string{"a 1"}, s.summary(list)); diff != "" || len(list.Problems) == 0 {
		t.Errorf("without a work directory (-want +got):\n%sproblems %q", diff, s.problems(list))
	}
}

// TestMemoryThatCannotBeRead: what was listed before is not known, so a list that may lack some of it is none.
func TestMemoryThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if err := os.MkdirAll(s.memoryFile(), 0o700); err != nil { // a directory in its place, which root cannot read either
		t.Fatal(err)
	}
	s.write("templates.json", `[{"templateId": "a", "maxNumber": 1}]`)
	list := s.list()
	if diff := cmp.Diff([]string{"a 1"}, s.summary(list)); diff != "" || len(list.Problems) != 1 {
		t.Errorf("nothing is wrong with the templates (-want +got):\n%sproblems %q", diff, s.problems(list))
	}
	s.write("templates.json", `[{"templateId": "a", "maxNumber": 1}, {"templateId": "b", "maxNumber": -7}]`)
	list, err := s.List(t.Context())
	if !errors.Is(err, ohfp.ErrUnavailable) || !strings.Contains(err.Error(), "templates-listed.json") || len(list.Templates) > 0 {
		t.Errorf("one template is broken: %v, error %v; want no list", s.summary(list), err)
	}
}

func TestMemoryIsWrittenOnChangeOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("templates.json", `[{"templateId": "a", "maxNumber": 1, "x": { "b" : [ 1 ] }, "timeout": 5, "attributes": {"z": 1, "y": "2"}}]`)
	s.list()
	before, err := os.Stat(s.memoryFile())
	if err != nil {
		t.Fatal(err)
	}
	s.list()
	after, err := os.Stat(s.memoryFile())
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) {
		t.Error("an unchanged list was written again")
	}
}

func TestManyReadersAndAnEditor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	versions := []string{
		`[{"templateId": "a", "maxNumber": 1}, {"templateId": "b", "maxNumber": 1}]`,
		`[{"templateId": "a", "maxNumber": 2}]`,
		`[`,
	}
	s.write("templates.json", versions[0])
	s.list()
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for range 50 {
				list, err := s.List(t.Context())
				if err != nil || len(list.Templates) != 2 {
					t.Errorf("List = %v, %v; want both templates, always", s.summary(list), err)
					return
				}
			}
		})
	}
	for i := range 100 {
		s.write("templates.json", versions[i%len(versions)])
	}
	readers.Wait()
}

func FuzzList(f *testing.F) {
	f.Add("templates.json", ibmSample)
	f.Add("templates.yml", "templates:\n- templateId: a\n  maxNumber: 1\n  attributes: {ncpus: 4}\n")
	f.Add("templates.json", `[{"template_id": "a", "max_instances": "3", "timeout": "1m"}, {"templateId": "a"}, 5]`)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, name, text string) {
		if name != "templates.yml" {
			name = "templates.json"
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c := Catalog{Files: []string{path}, WorkDir: filepath.Join(t.TempDir(), "work")}
		list, err := c.List(t.Context())
		for _, problem := range list.Problems {
			if problem.Text == "" {
				t.Errorf("a problem without words: %+v", problem)
			}
		}
		if err != nil {
			if ohfp.KindOf(err) == nil {
				t.Errorf("List = %v, which has no kind", err)
			}
			return
		}
		for _, listed := range list.Templates {
			if err := listed.Validate(); err != nil || listed.MaxNumber == 0 || listed.Spec != nil && !json.Valid(listed.Spec) {
				t.Errorf("listed %+v: %v", listed, err)
			}
		}
		again, err := c.List(t.Context())
		if diff := cmp.Diff(list, again); err != nil || diff != "" {
			t.Errorf("listed again: %v, (-first +second):\n%s", err, diff)
		}
	})
}

// manyTemplates is a site with a file of twenty templates.
func manyTemplates(tb testing.TB) site {
	tb.Helper()
	s := newSite(tb)
	var entries []string
	for i := range 20 {
		entries = append(entries, fmt.Sprintf(`{"templateId": "t%d", "maxNumber": 10, "imageId": "ami-1", "subnetId": "subnet-1", "vmTypes": {"m5.large": 1, "m5.xlarge": 2},
			"attributes": {"type": ["String", "X86_64"], "ncpus": ["Numeric", "4"], "nram": ["Numeric", "16384"]}, "securityGroupIds": ["sg-1", "sg-2"], "instanceTags": "a=b;c=d"}`, i))
	}
	s.write("awsprov_templates.json", `{"templates": [`+strings.Join(entries, ",\n")+`]}`)
	return s
}

func BenchmarkList(b *testing.B) {
	s := manyTemplates(b)
	for b.Loop() {
		if _, err := s.List(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTemplate(b *testing.B) {
	s := manyTemplates(b)
	for b.Loop() {
		if _, err := s.Template(b.Context(), "t7"); err != nil {
			b.Fatal(err)
		}
	}
}
