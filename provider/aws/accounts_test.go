package aws_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
)

// TestAnotherAccount launches in the account of a role, which wants to be told its external id.
func TestAnotherAccount(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::210987654321:role/hosts"
	w := newWorld(t, awssim.Options{Roles: []awssim.Role{{ARN: role, ExternalID: "ours"}}})
	single := template("RunInstances", `{"imageId": "`+image+`", "vmType": "m5.large"}`)
	refusing := w.open(t, `{"role_arn": "`+role+`", "external_id": "guessed"}`)
	a := ask(single, 1)
	order, err := refusing.Prepare(t.Context(), a)
	if err == nil {
		_, err = refusing.Launch(t.Context(), order)
	}
	if !ohfp.OutcomeUnknown(err) || len(w.live()) > 0 {
		t.Errorf("with another external id: %v; want an error that ends no request", err)
	}
	p := w.open(t, `{"role_arn": "`+role+`", "external_id": "ours"}`)
	_, launched := launch(t, p, a)
	if _, err := p.Terminate(t.Context(), launched.Machines, nil); err != nil {
		t.Error(err)
	}
	for _, call := range w.Ledger() {
		if call.Action != "AssumeRole" && call.AccessKey == "AKIDEXAMPLE" {
			t.Errorf("%s was called by the first identity, not by the role's", call.Action)
		}
	}
	if assumed := slices.DeleteFunc(w.actions(), func(action string) bool { return action != "AssumeRole" }); len(assumed) < 2 {
		t.Errorf("the role was assumed %d times, want a refusal and a success", len(assumed))
	}
}

// TestProxy reaches AWS through a proxy only.
func TestProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	var through atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if r.URL.Host != "aws.invalid" {
			t.Errorf("the proxy is asked for %s", r.URL)
		}
		through.Add(1)
		w.Cloud.ServeHTTP(answer, r)
	}))
	t.Cleanup(proxy.Close)
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := w.open(t, fmt.Sprintf(`{"endpoint_url": "http://aws.invalid", "proxy_host": %q, "proxy_port": %s}`, at.Hostname(), at.Port()))
	launch(t, p, ask(template("RunInstances", `{"imageId": "`+image+`", "vmType": "m5.large"}`), 1))
	if through.Load() == 0 || len(w.live()) != 1 {
		t.Errorf("%d calls went through the proxy, %d machines are launched", through.Load(), len(w.live()))
	}
}

// TestOneSubnetOfAZone: EC2 refuses fleets with two subnets of one zone, so the second is left out, whatever is short.
func TestOneSubnetOfAZone(t *testing.T) {
	t.Parallel()
	const subnetA2 = "subnet-0000000000000aa02"
	for _, test := range []struct{ api, fields string }{
		{"EC2Fleet", `"fleetType": "instant"`},
		{"EC2Fleet", `"fleetType": "request"`},
		{"EC2Fleet", `"fleetType": "maintain"`},
		{"SpotFleet", `"fleetType": "request"`},
		{"SpotFleet", `"fleetType": "maintain"`},
	} {
		for _, short := range []string{"", zoneA, zoneB} {
			w := newWorld(t, awssim.Options{Subnets: []awssim.Subnet{
				{ID: subnetA, Zone: zoneA, CIDR: "10.0.0.0/20"}, {ID: subnetA2, Zone: zoneA, CIDR: "10.0.16.0/20"}, {ID: subnetB, Zone: zoneB, CIDR: "10.0.32.0/20"},
			}})
			fields := fmt.Sprintf(`{"imageId": %q, "vmTypes": {"m5.large": 1, "c5.large": 1}, "priceType": "spot", "subnetId": "%s,%s,%s", %s}`,
				image, subnetA, subnetA2, subnetB, test.fields)
			if short != "" {
				if err := w.SetCapacity("m5.large", short, awssim.Spot, 0); err != nil {
					t.Fatal(err)
				}
				single := fmt.Sprintf(`{"imageId": %q, "vmType": "m5.large", "priceType": "spot", "subnetId": %q}`, image, map[string]string{zoneA: subnetA, zoneB: subnetB}[short])
				a := ask(template("RunInstances", single), 1)
				order, err := w.open(t).Prepare(t.Context(), a)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.open(t).Launch(t.Context(), order); err == nil {
					t.Fatalf("m5.large is not short in %s", short)
				}
			}
			order, err := w.open(t).Prepare(t.Context(), ask(template(test.api, fields), 2))
			if err != nil {
				t.Fatal(err)
			}
			zoneOf := map[string]string{subnetA: zoneA, subnetA2: zoneA, subnetB: zoneB}
			used := map[string]string{}
			for _, subnet := range subnetsOf(t, order) {
				if other := used[zoneOf[subnet]]; other != "" && other != subnet {
					t.Errorf("%s %s, short in %q: %s and %s are of one zone", test.api, test.fields, short, other, subnet)
				}
				used[zoneOf[subnet]] = subnet
			}
			if used[zoneA] == "" || used[zoneB] == "" {
				t.Errorf("%s %s, short in %q: only the subnets %v", test.api, test.fields, short, used)
			}
			if _, err := w.open(t).Launch(t.Context(), order); err != nil {
				t.Errorf("%s %s, short in %q: %v", test.api, test.fields, short, err)
			}
		}
	}
}

// subnetsOf finds the subnets in a stored call.
func subnetsOf(t *testing.T, order ohfp.Order) []string {
	t.Helper()
	var call map[string]any
	if err := json.Unmarshal(order.Call, &call); err != nil {
		t.Fatal(err)
	}
	delete(call, "offerings")
	var found []string
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			for _, each := range v {
				walk(each)
			}
		case []any:
			for _, each := range v {
				walk(each)
			}
		case string:
			if strings.HasPrefix(v, "subnet-") {
				found = append(found, v)
			}
		}
	}
	walk(call)
	return found
}
