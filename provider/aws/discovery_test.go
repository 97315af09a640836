package aws_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
)

func TestDiscover(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p, ok := w.open(t).(provider.Discoverer)
	if !ok {
		t.Fatal("the provider discovers nothing")
	}
	all, err := p.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if all.Region != "us-east-1" || !strings.HasPrefix(all.Identity, "arn:aws:") {
		t.Errorf("the inventory is of %q in %q", all.Identity, all.Region)
	}
	found := map[string][]string{}
	for _, r := range all.Resources {
		found[r.Kind] = append(found[r.Kind], r.ID)
		if r.Kind == "subnet" && (r.Details["zone"] == "" || r.Details["freeAddresses"] == "" || r.Details["vpc"] == "" || r.Field != "subnetId") {
			t.Errorf("the subnet %s is told as %+v", r.ID, r)
		}
		if r.Kind == "role" && !strings.HasSuffix(r.ID, ":role/aws-service-role/spotfleet.amazonaws.com/AWSServiceRoleForEC2SpotFleet") {
			t.Errorf("the fleet role is %s", r.ID)
		}
	}
	if !slices.Contains(found["subnet"], subnetA) || !slices.Contains(found["subnet"], subnetB) {
		t.Errorf("the subnets found are %v", found["subnet"])
	}
	for _, kind := range []string{"vpc", "security-group", "role", "image"} {
		if len(found[kind]) == 0 {
			t.Errorf("found no %s in %v; unread: %v", kind, found, all.Unread)
		}
	}
	for _, call := range w.actions() {
		if !strings.HasPrefix(call, "Describe") && call != "GetCallerIdentity" {
			t.Errorf("discovery calls %s", call)
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p, ok := w.open(t).(provider.Discoverer)
	if !ok {
		t.Fatal("the provider discovers nothing")
	}
	refers, err := p.References(template("", `{"imageId": "`+image+`", "vmTypes": {"m5.large": 1, "m99.large": 1}, "subnetId": "`+subnetA+`,subnet-0000000000000000f",
		"securityGroupIds": ["sg-0000000000000000f"], "launchTemplateId": "lt-0000000000000000f"}`))
	if err != nil || len(refers) != 7 || len(w.Ledger()) > 0 {
		t.Fatalf("the template refers to %v, error %v, after %v", refers, err, w.actions())
	}
	missing, err := p.Missing(t.Context(), refers)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range missing {
		names = append(names, r.Kind+" "+r.ID)
	}
	slices.Sort(names)
	want := []string{
		"launch-template lt-0000000000000000f", "machine-type m99.large", "security-group sg-0000000000000000f", "subnet subnet-0000000000000000f",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}
