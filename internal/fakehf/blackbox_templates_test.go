package fakehf_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/internal/fakehf"
)

func numeric(value string) fakehf.Attribute { return fakehf.Attribute{Type: "Numeric", Value: value} }

func text(value string) fakehf.Attribute { return fakehf.Attribute{Type: "String", Value: value} }

// TestBlackBoxTemplateAttributes holds what Host Factory schedules by: the operator's own attributes as they are written,
// and the others from the machine type.
func TestBlackBoxTemplateAttributes(t *testing.T) {
	t.Parallel()
	generated := func(kind, ncpus, nram string) map[string]fakehf.Attribute {
		return map[string]fakehf.Attribute{"type": text(kind), "ncpus": numeric(ncpus), "ncores": numeric("1"), "nram": numeric(nram)}
	}
	cost := "price:0.1,billingTimeUnitType:prorated_hour,billingTimeUnitNumber:1,billingRoundoffType:unit"
	tests := []struct {
		name   string
		fields map[string]any
		want   map[string]fakehf.Attribute
	}{
		{"operator_pairs_are_kept", map[string]any{"vmType": "c5.4xlarge", "attributes": map[string]any{
			"type": []string{"String", "X86_64"}, "ncpus": []string{"Numeric", "8"}, "ncores": []string{"Numeric", "2"},
			"nram": []string{"Numeric", "30000"}, "rank": []string{"Numeric", "1"}, "priceInfo": []string{"String", cost},
		}}, map[string]fakehf.Attribute{
			"type": text("X86_64"), "ncpus": numeric("8"), "ncores": numeric("2"), "nram": numeric("30000"), "rank": numeric("1"), "priceInfo": text(cost),
		}},
		{"bare_values_become_pairs", map[string]any{"vmType": "c5.4xlarge", "attributes": map[string]any{
			"type": "X86_64", "ncpus": 1, "ncores": 1, "nram": "1024",
		}}, generated("X86_64", "1", "1024")},
		{"missing_ones_are_generated", map[string]any{"vmType": "c5.4xlarge", "attributes": map[string]any{"rank": 3}}, func() map[string]fakehf.Attribute {
			a := generated("X86_64", "16", "32768")
			a["rank"] = numeric("3")
			return a
		}()},
		{"c5_4xlarge", map[string]any{"vmType": "c5.4xlarge"}, generated("X86_64", "16", "32768")},
		{"t3_medium", map[string]any{"vmType": "t3.medium"}, generated("X86_64", "2", "4096")},
		{"m6g_large_is_an_ARM", map[string]any{"vmType": "m6g.large"}, nil},
		{"weighted_types_show_the_smallest", map[string]any{"priceType": "spot", "vmTypes": map[string]int{"m5.xlarge": 2, "m5.large": 1, "m5.2xlarge": 4}}, generated("X86_64", "2", "8192")},
		{"physical_cores", map[string]any{"vmType": "c5.4xlarge", "ncpusMode": "cores"}, generated("X86_64", "8", "32768")},
	}
	var list []map[string]any
	for _, test := range tests {
		template := with(base(test.name), test.fields)
		if test.name == "m6g_large_is_an_ARM" {
			template["imageId"] = "ami-0fedcba9876543210"
		}
		list = append(list, template)
	}
	s := newSite(t, quick())
	s.writeTemplates(list...)
	got := map[string]map[string]fakehf.Attribute{}
	for _, template := range s.list().Templates {
		got[template.ID] = template.Attributes
	}
	for _, test := range tests {
		if test.want == nil {
			kind := got[test.name]["type"].Value
			if kind == "" || strings.EqualFold(kind, "X86_64") {
				t.Errorf("%s: type %q", test.name, kind)
			}
			continue
		}
		if diff := cmp.Diff(test.want, got[test.name]); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.name, diff)
		}
	}
	if n := len(s.cloud.Ledger()); n != 0 {
		t.Errorf("the list made %d calls to the cloud, want none", n)
	}
}

// TestBlackBoxTemplateFields holds which of the provider's fields are shown, in which form, and what never is.
func TestBlackBoxTemplateFields(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	script := filepath.Join(s.dir, "start.sh")
	const secret = "export PASSWORD=hunter2"
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"+secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	everything := map[string]any{
		"maxSpotPrice": "0.5", "vmTypesPriority": map[string]int{"m5.xlarge": 1, "m5.large": 2}, "allocationStrategy": "capacityOptimizedPrioritized",
	}
	s.writeTemplates(
		with(base("plain"), map[string]any{
			"vmType": "m5.xlarge", "instanceTags": "team=grid;cost-center=1234", "userDataScript": script, "keyName": "grid", "maxNumber": -1,
		}),
		with(base("spot"), with(everything, map[string]any{
			"priceType": "spot", "providerApi": "EC2Fleet", "vmTypes": map[string]int{"m5.xlarge": 1, "m5.large": 1}, "maxNumber": 7,
		})),
		with(base("closed"), map[string]any{"vmType": "m5.xlarge", "maxNumber": 0}),
	)
	shown := map[string]fakehf.Template{}
	for _, template := range s.list().Templates {
		shown[template.ID] = template
	}
	if got := shown["plain"]; got.MaxNumber != -1 || got.Fields["imageId"] != "ami-0abcdef1234567890" {
		t.Errorf("plain: %+v", got)
	}
	tags, _ := shown["plain"].Fields["instanceTags"].(string)
	if got := strings.Split(tags, ";"); !slices.Contains(got, "team=grid") || !slices.Contains(got, "cost-center=1234") || len(got) != 2 {
		t.Errorf("instanceTags %q, want k=v;k=v", tags)
	}
	if got := shown["closed"].MaxNumber; got != 1 {
		t.Errorf("a template that launches nothing is listed with %d hosts, want 1: Host Factory forgets it otherwise", got)
	}
	if diff := cmp.Diff(map[string]any{"m5.xlarge": 1.0, "m5.large": 1.0}, shown["spot"].Fields["vmTypes"]); diff != "" {
		t.Errorf("vmTypes (-want +got)\n%s", diff)
	}
	withheld := map[string][]string{
		"plain": {"userDataScript", "maxSpotPrice", "vmTypesOnDemand", "vmTypesPriority", "percentOnDemand", "allocationStrategyOnDemand", "fleetRole"},
		"spot":  {"userDataScript", "vmTypesOnDemand", "vmTypesPriority", "percentOnDemand", "allocationStrategyOnDemand"},
	}
	for id, names := range withheld {
		for _, name := range names {
			if value, ok := shown[id].Fields[name]; ok {
				t.Errorf("%s shows %s: %v", id, name, value)
			}
		}
	}
	if got := shown["spot"].Fields["maxSpotPrice"]; got == nil {
		t.Error("spot does not show maxSpotPrice")
	}
	for _, call := range s.Calls() {
		if strings.Contains(string(call.Stdout), "hunter2") {
			t.Errorf("user data is shown: %s", call.Stdout)
		}
	}
}

func TestBlackBoxTemplateFilter(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	if got := s.list(small, "elsewhere").Templates; len(got) != 1 || got[0].ID != small {
		t.Errorf("filter for %s: %+v", small, got)
	}
	_, err := s.Templates(t.Context(), "elsewhere")
	refused(t, err, "elsewhere")
	for name, input := range map[string]string{"an empty file": "", "an empty object": "{}", "a byte order mark": "\xef\xbb\xbf{}", "no templates": `{"templates":[]}`} {
		call, err := s.Call(t.Context(), fakehf.GetAvailableTemplates, []byte(input))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fakehf.ParseTemplates(call.Stdout); err != nil || len(got.Templates) != len(templates()) {
			t.Errorf("%s: %d templates: %v", name, len(got.Templates), err)
		}
	}
}
