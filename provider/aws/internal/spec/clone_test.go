package spec

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/openhostfactory/ohfp/provider/aws/internal/strict"
)

// TestClone: who gets a copy may write whatever it holds. The sample sets every field that a copy could share.
func TestClone(t *testing.T) {
	t.Parallel()
	shared := []string{
		"Requirements", "Native", // as the comment says
		"own", "weights", "weightsOnDemand", "priorities", // nothing outside the package reaches them, and Decode alone writes them
	}
	const sample = `{"imageId": "ami-1", "priceType": "heterogeneous", "percentOnDemand": 30, "vmTypes": {"m5.large": 1, "m5.xlarge": 2},
		"vmTypesPriority": {"m5.large": 1, "m5.xlarge": 2}, "vmTypesOnDemand": {"c5.large": 1}, "subnetIds": ["subnet-1", "subnet-2"],
		"securityGroupIds": ["sg-1"], "instanceTags": "a=b", "monitoring": true, "ebsOptimized": true}`
	s, err := Decode(json.RawMessage(sample), strict.Object{"associatePublicIpAddress": json.RawMessage("false")})
	if err != nil {
		t.Fatal(err)
	}
	clone := s.Clone()
	if !reflect.DeepEqual(s, clone) {
		t.Errorf("the clone of %+v is %+v", s, clone)
	}
	from, to := reflect.ValueOf(s), reflect.ValueOf(clone)
	for i := range from.NumField() {
		name := from.Type().Field(i).Name
		if slices.Contains(shared, name) {
			continue
		}
		if kind := from.Field(i).Kind(); (kind == reflect.Pointer || kind == reflect.Slice || kind == reflect.Map) && from.Field(i).IsNil() {
			t.Errorf("the sample does not set %s, which a copy could share", name)
		}
		if where := sharing(from.Field(i), to.Field(i)); where != "" {
			t.Errorf("the clone shares %s%s", name, where)
		}
	}
}

// sharing tells where two equal values have memory in common that can be written to, nothing when nowhere.
func sharing(a, b reflect.Value) string {
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() {
			return ""
		}
		if a.Pointer() == b.Pointer() {
			return " by pointer"
		}
		return sharing(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Len() > 0 && a.Pointer() == b.Pointer() {
			return " as a list"
		}
		for i := range a.Len() {
			if where := sharing(a.Index(i), b.Index(i)); where != "" {
				return where
			}
		}
	case reflect.Map:
		if a.Len() > 0 && a.Pointer() == b.Pointer() {
			return " as a map"
		}
		for _, key := range a.MapKeys() {
			if where := sharing(a.MapIndex(key), b.MapIndex(key)); where != "" {
				return "[" + key.String() + "]" + where
			}
		}
	case reflect.Struct:
		for i := range a.NumField() {
			if where := sharing(a.Field(i), b.Field(i)); where != "" {
				return "." + a.Type().Field(i).Name + where
			}
		}
	default: // a value of its own
	}
	return ""
}
