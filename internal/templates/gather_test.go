package templates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
)

// own is a store of templates.
type own struct {
	templates []ohfp.Template
	err       error
}

func (o *own) Templates(context.Context) ([]ohfp.Template, error) { return o.templates, o.err }

func TestFileLookup(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.Instance = "awsinst"
	names := []string{
		"templates.yml", "templates.yaml", "templates.json", "aws_templates.json", "awsprov_templates.json", "awsinstprov_templates.json",
	}
	for i, name := range names {
		s.write(name, fmt.Sprintf(`[{"templateId": "t%d", "maxNumber": 1}]`, i))
		s.WorkDir = "" // each look is the first
		list := s.list()
		if got := list.Templates[0].ID; got != ohfp.TemplateID(fmt.Sprintf("t%d", i)) || len(list.Templates) != 1 {
			t.Errorf("with %s: %v", name, s.summary(list))
		}
		if len(list.Problems) != i {
			t.Errorf("with %s: problems %q, want one for each of the %d files not read", name, s.problems(list), i)
		}
	}

	s.Files = []string{filepath.Join(s.ConfDir, "templates.json"), filepath.Join(s.ConfDir, "none.json"), filepath.Join(s.ConfDir, "templates.yml")}
	s.write("templates.yml", `[{"templateId": "t2", "maxNumber": 9}, {"templateId": "more", "maxNumber": 1}]`)
	list := s.list()
	if diff := cmp.Diff([]string{"t2 1", "more 1"}, s.summary(list)); diff != "" {
		t.Errorf("configured files (-want +got):\n%s", diff)
	}
	want := []string{"@/none.json cannot be read: no such file or directory", "@/templates.yml:1: template t2 is in @/templates.json too, which is used; remove one"}
	if diff := cmp.Diff(want, s.problems(list)); diff != "" {
		t.Errorf("Problems (-want +got):\n%s", diff)
	}
}

func TestUnknownTopLevelKeys(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("templates.json", "{\"templates\": [{\"templateId\": \"a\", \"maxNumber\": 1}],\n\"scheduler_type\": \"hostfactory\"}")
	if diff := cmp.Diff([]string{"@/templates.json:2: scheduler_type has no meaning beside templates; remove it"}, s.problems(s.list())); diff != "" {
		t.Errorf("Problems (-want +got):\n%s", diff)
	}
}

func TestStoreTemplates(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	store := &own{templates: []ohfp.Template{
		{ID: "a", MaxNumber: 9, Spec: json.RawMessage(`{"imageId":"ami-9"}`)},
		{ID: "s", MaxNumber: 2, Timeout: time.Minute, Attributes: map[string]ohfp.Attribute{"rank": ohfp.Numeric(5)}, Spec: json.RawMessage(`{ "imageId": "ami-2" }`)},
		{ID: "odd", MaxNumber: 2, Spec: json.RawMessage(`[]`)},
	}}
	s.Store = store
	s.Defaults.Types = map[string]Fields{"": {"imageId": json.RawMessage(`"ami-0"`), "keyName": json.RawMessage(`"k"`), "timeout": json.RawMessage(`5`)}}
	s.write("templates.json", `[{"templateId": "a", "maxNumber": 1}]`)
	list := s.list()
	if diff := cmp.Diff([]string{"a 1", "s 2"}, s.summary(list)); diff != "" {
		t.Errorf("Templates (-want +got):\n%s", diff)
	}
	want := ohfp.Template{
		ID: "s", MaxNumber: 2, Timeout: time.Minute, Attributes: map[string]ohfp.Attribute{"rank": ohfp.Numeric(5)},
		Spec: json.RawMessage(`{"imageId":"ami-2"}`), Source: "store",
	}
	if diff := cmp.Diff(want, list.Templates[1]); diff != "" {
		t.Errorf("template of the store (-want +got):\n%s", diff)
	}
	wantProblems := []string{"template a is in @/templates.json too, which is used; remove one", "template odd has a spec that is not a JSON object; write it anew"}
	if diff := cmp.Diff(wantProblems, s.problems(list)); diff != "" {
		t.Errorf("Problems (-want +got):\n%s", diff)
	}

	// Without the store, and when it fails, its templates are as they were seen last.
	store.err = errors.New("locked")
	failed := s.list()
	if diff := cmp.Diff(list.Templates, failed.Templates); diff != "" {
		t.Errorf("with a store that fails (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"the store's templates are shown as they were seen last: locked"}, s.problems(failed)); diff != "" {
		t.Errorf("Problems (-want +got):\n%s", diff)
	}
	s.Store = nil
	if diff := cmp.Diff(List{Templates: list.Templates}, s.list()); diff != "" {
		t.Errorf("without the store (-before +after):\n%s", diff)
	}

	// Deleted there, a template is listed but launches nothing.
	s.Store = &own{}
	if diff := cmp.Diff([]string{"a 1", "s 2 (it was deleted from the store)"}, s.summary(s.list())); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	s.Defaults = Defaults{
		Types: map[string]Fields{"aws": {
			"keyName": raw(`"type"`), "subnet_ids": raw(`["s-type"]`), "instance_type": raw(`"t2.micro"`), "maxNumber": raw(`5`),
			"providerApi": raw(`"EC2Fleet"`), "attributes": raw(`{"nram": 1}`), "tags": raw(`{ "a": "b" }`),
		}},
		Instances: map[string]Fields{"one": {"keyName": raw(`"one"`), "timeout": raw(`"2m"`)}},
	}
	s.Choose = func(t ohfp.Template) (string, string, error) {
		switch t.ProviderName {
		case "":
			return "one", "aws", nil
		case "two":
			return "two", "aws", nil
		default:
			return "", "", ohfp.Errorf(ohfp.ErrInvalid, "template %s names provider %s, which is not configured", t.ID, t.ProviderName)
		}
	}
	s.write("templates.json", `[
		{"templateId": "plain"},
		{"templateId": "full", "providerName": "two", "maxNumber": 1, "vmTypes": {"m5.large": 1}, "subnetIds": null, "keyName": "own", "provider_api": "SpotFleet", "attributes": {}, "tags": {"c": "d"}},
		{"templateId": "nowhere", "providerName": "three", "maxNumber": 1}]`)
	list := s.list()
	source := filepath.Join(s.ConfDir, "templates.json")
	want := []ohfp.Template{
		{
			ID: "plain", MaxNumber: 5, Timeout: 2 * time.Minute, ProviderAPI: "EC2Fleet", Source: source,
			Attributes: map[string]ohfp.Attribute{"nram": ohfp.Numeric(1)},
		},
		{
			ID: "full", ProviderName: "two", MaxNumber: 1, ProviderAPI: "SpotFleet", Source: source, Attributes: map[string]ohfp.Attribute{},
			Spec: raw(`{"vmTypes":{"m5.large":1},"subnetIds":null,"keyName":"own","tags":{"c":"d"}}`),
		},
	}
	if diff := cmp.Diff(want, list.Templates); diff != "" {
		t.Errorf("Templates (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"@/templates.json:4: template nowhere names provider three, which is not configured"}, s.problems(list)); diff != "" {
		t.Errorf("Problems (-want +got):\n%s", diff)
	}
}
