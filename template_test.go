package ohfp_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
)

func TestTemplateValidate(t *testing.T) {
	t.Parallel()
	good := ohfp.Template{ID: "t", MaxNumber: 10}
	for name, tt := range map[string]struct {
		change func(*ohfp.Template)
		names  string // what the refusal must name; empty: valid
	}{
		"good":              {func(*ohfp.Template) {}, ""},
		"unlimited":         {func(t *ohfp.Template) { t.MaxNumber = ohfp.Unlimited }, ""},
		"none":              {func(t *ohfp.Template) { t.MaxNumber = 0 }, ""},
		"the most":          {func(t *ohfp.Template) { t.MaxNumber = ohfp.UnlimitedMachines }, ""},
		"too many":          {func(t *ohfp.Template) { t.MaxNumber = ohfp.UnlimitedMachines + 1 }, "10001"},
		"less than none":    {func(t *ohfp.Template) { t.MaxNumber = -2 }, "-2"},
		"no id":             {func(t *ohfp.Template) { t.ID = "" }, "templateId"},
		"a bad id":          {func(t *ohfp.Template) { t.ID = "a b" }, `"a b"`},
		"negative timeout":  {func(t *ohfp.Template) { t.Timeout = -time.Second }, "-1s"},
		"machines":          {func(t *ohfp.Template) { t.CapacityUnit = ohfp.CapacityMachines }, ""},
		"units":             {func(t *ohfp.Template) { t.CapacityUnit = ohfp.CapacityUnits }, ""},
		"an odd unit":       {func(t *ohfp.Template) { t.CapacityUnit = "bananas" }, "bananas"},
		"a refused one too": {func(t *ohfp.Template) { t.Refused = "its file is broken" }, ""},
	} {
		template := good
		tt.change(&template)
		err := template.Validate()
		switch {
		case tt.names == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.names != "" && (!errors.Is(err, ohfp.ErrInvalid) || !strings.Contains(err.Error(), tt.names)):
			t.Errorf("%s: error %v, want one of kind %q that names %s", name, err, ohfp.ErrInvalid, tt.names)
		}
	}
}

func TestTemplateCheckCount(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		max   int
		why   string
		count int
		want  error
	}{
		{10, "", 1, nil},
		{10, "", 10, nil},
		{10, "", 11, ohfp.ErrLimit},
		{10, "", 0, ohfp.ErrInvalid},
		{10, "", -1, ohfp.ErrInvalid},
		{0, "", 1, ohfp.ErrLimit},
		{ohfp.Unlimited, "", ohfp.UnlimitedMachines, nil},
		{ohfp.Unlimited, "", ohfp.UnlimitedMachines + 1, ohfp.ErrLimit},
		{10, "its file is broken", 1, ohfp.ErrInvalid},
	} {
		template := ohfp.Template{ID: "some-template", MaxNumber: tt.max, Refused: tt.why}
		err := template.CheckCount(tt.count)
		if ohfp.KindOf(err) != tt.want {
			t.Errorf("%d of a template with maxNumber %d: error %v, want one of kind %v", tt.count, tt.max, err, tt.want)
		}
		if err != nil && (!strings.HasPrefix(err.Error(), "template some-template ") || !strings.Contains(err.Error(), tt.why)) {
			t.Errorf("the refusal does not name the template or the reason: %v", err)
		}
	}
}

func TestTemplateJSON(t *testing.T) {
	t.Parallel()
	want := ohfp.Template{
		ID: "t", Name: "n", Description: "d", ProviderName: "aws-1", ProviderType: "aws", ProviderAPI: "EC2Fleet",
		MaxNumber: ohfp.Unlimited, CapacityUnit: ohfp.CapacityUnits, Timeout: time.Minute,
		Attributes: map[string]ohfp.Attribute{"ncpus": ohfp.Numeric(2)}, Spec: json.RawMessage(`{"type":"m5.large"}`),
		Source: "store", Refused: "no",
	}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got ohfp.Template
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("round trip (-want +got):\n%s", diff)
	}
}
