package aws

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/provider"
)

// TestSettingsAreAll: what is described is what is decoded.
func TestSettingsAreAll(t *testing.T) {
	t.Parallel()
	described := map[string]bool{}
	for _, setting := range Settings() {
		name, _, _ := strings.Cut(setting.Name, ".")
		described[name] = true
		if setting.Description == "" {
			t.Errorf("%s is not described", setting.Name)
		}
	}
	var s settings
	if diff := cmp.Diff(slices.Sorted(maps.Keys(s.targets())), slices.Sorted(maps.Keys(described))); diff != "" {
		t.Errorf("decoded and described settings differ (-decoded +described):\n%s", diff)
	}
}

// TestSettingsAreTaken: every setting decodes from a value of its kind and no other.
func TestSettingsAreTaken(t *testing.T) {
	t.Parallel()
	values := map[provider.Kind]string{
		provider.KindText: `"x"`, provider.KindTruth: "true", provider.KindCount: "3", provider.KindAmount: "2.5", provider.KindDuration: `"3s"`,
	}
	operators := strings.NewReplacer("<machine type>", "m5|large", "<operation>", "RunInstances")
	for _, setting := range Settings() {
		for _, wrong := range []bool{false, true} {
			value := values[setting.Kind]
			switch {
			case wrong:
				value = `{"no": "such"}`
			case len(setting.Words) > 0:
				value = `"` + setting.Words[0] + `"`
			case setting.Name == "handlers.default":
				value = `"ec2_fleet"`
			}
			path := strings.Split(operators.Replace(setting.Name), ".")
			for _, key := range slices.Backward(path) {
				key = strings.ReplaceAll(key, "|", ".")
				if field, ok := strings.CutSuffix(key, "burst"); ok && field == "" && !wrong {
					value = `{"burst":2.5,"per_second":1}`
					continue
				}
				if key == "per_second" && !wrong {
					value = `{"burst":2,"per_second":2.5}`
					continue
				}
				value = `{"` + key + `":` + value + `}`
			}
			var raw map[string]json.RawMessage
			if err := json.Unmarshal([]byte(value), &raw); err != nil {
				t.Fatalf("%s: %v", value, err)
			}
			var s settings
			err := json.Unmarshal(raw[path[0]], s.targets()[path[0]])
			if (err != nil) != wrong {
				t.Errorf("%s = %s: %v", setting.Name, value, err)
			}
		}
	}
}
