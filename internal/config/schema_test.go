package config

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// TestSchemaHasEverySetting: with its names in files, its default and its bounds, and closed objects all the way down.
func TestSchemaHasEverySetting(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(Schema(map[string][]OwnSetting{"aws": {
		{Name: "handlers.spot_fleet.enabled", Kind: KindTruth, Default: "true"}, {Name: "prices.<type>", Kind: KindAmount},
	}}))
	if err != nil {
		t.Fatal(err)
	}
	type part struct {
		Properties           map[string]json.RawMessage
		AdditionalProperties json.RawMessage
		Items                json.RawMessage
		Default              string
		Deprecated           bool
		AllOf                []struct {
			Then json.RawMessage
		}
	}
	find := func(raw json.RawMessage, path string) (p part) {
		t.Helper()
		for _, word := range strings.Split(path, ".") {
			var at part
			if err := json.Unmarshal(raw, &at); err != nil {
				t.Fatal(err)
			}
			list := strings.HasSuffix(word, "[]")
			var ok bool
			if raw, ok = at.Properties[strings.TrimSuffix(word, "[]")]; !ok {
				t.Errorf("%s is not in the schema (no %s)", path, word)
				return p
			}
			if string(at.AdditionalProperties) != "false" {
				t.Errorf("%s: what %s is in takes unknown settings", path, word)
			}
			if list {
				var of part
				if err := json.Unmarshal(raw, &of); err != nil {
					t.Fatal(err)
				}
				raw = of.Items
			}
		}
		if err := json.Unmarshal(raw, &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, key := range Keys() {
		if strings.Contains(key.Name, "<") {
			continue
		}
		if got := find(raw, key.Name); got.Default != key.Default {
			t.Errorf("%s has the default %q, want %q", key.Name, got.Default, key.Default)
		}
		for _, alias := range key.Aliases {
			if !find(raw, alias).Deprecated {
				t.Errorf("%s is not marked as an old name", alias)
			}
		}
	}
	var root part
	if err := json.Unmarshal(raw, &root); err != nil {
		t.Fatal(err)
	}
	var providers part
	if err := json.Unmarshal(root.Properties["providers"], &providers); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(providers.Items, &providers); err != nil || len(providers.AllOf) != 1 {
		t.Fatalf("%v, %d rules for types", err, len(providers.AllOf))
	}
	var then, own part
	if err := errors.Join(json.Unmarshal(providers.AllOf[0].Then, &then), json.Unmarshal(then.Properties["config"], &own)); err != nil {
		t.Fatal(err)
	}
	if len(own.Properties) != 2 || string(own.AdditionalProperties) != "false" {
		t.Errorf("the settings of aws are %v", own.Properties)
	}
}
