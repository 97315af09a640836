package aws_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/faultproxy"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws"
)

// TestFilledBeforeItShows: a fleet that has launched all it was told counts as busy until its machines show. Taken for one
// that will bring nothing, it would be asked for again by a second one.
func TestFilledBeforeItShows(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"EC2Fleet", "SpotFleet"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{LaunchDelay: time.Second, FleetDelay: 5 * time.Second, DescribeLag: 10 * time.Second})
			p := w.open(t)
			a := ask(template(api, fmt.Sprintf(`{"imageId": %q, "vmTypes": {"m5.large": 1}, "subnetId": %q, "fleetType": "request", "priceType": "spot"}`, image, subnetA)), 2)
			_, launched := launch(t, p, a)
			look := func() (active bool, machines int) {
				seen, err := p.Observe(t.Context(), []provider.Scope{{Request: a.Request, Resources: []string{launched.Resource}}})
				if err != nil || !seen.Complete || len(seen.Resources) != 1 {
					t.Fatalf("%+v, %v", seen, err)
				}
				return seen.Resources[0].Active, len(seen.Machines)
			}
			w.advance(11 * time.Second)
			if len(w.Instances()) != 2 {
				t.Fatal("nothing is launched yet")
			}
			if active, machines := look(); !active || machines != 0 {
				t.Errorf("before the machines show: active %t, %d machines; want true and none", active, machines)
			}
			w.advance(5 * time.Second)
			if active, machines := look(); active || machines != 2 {
				t.Errorf("once they show: active %t, %d machines; want false and 2", active, machines)
			}
		})
	}
}

// TestEmptyListing: that lists are empty is no proof that machines are gone. EC2 must say that it does not know them.
func TestEmptyListing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{TerminatedVisible: time.Minute})
	proxy := faultproxy.Over(w.Cloud)
	p, err := aws.Through(proxy)(t.Context(), json.RawMessage(`{"region": "us-east-1", "endpoint_url": "http://aws.test", "max_retries": 0}`), w.environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	a := ask(template("RunInstances", plain), 3)
	_, launched := launch(t, p, a)
	scopes := []provider.Scope{{Request: a.Request, Machines: ids(launched.Machines)}}
	w.advance(time.Hour)
	if err := proxy.Add(faultproxy.Rule{Fault: faultproxy.Empty, Action: "DescribeInstances"}); err != nil {
		t.Fatal(err)
	}
	if seen, err := p.Observe(t.Context(), scopes); seen.Complete || !errors.Is(err, ohfp.ErrUnavailable) {
		t.Errorf("empty lists: complete %t, error %v; want false and unavailable", seen.Complete, err)
	}
	proxy.Clear()
	if err := w.Terminate(string(launched.Machines[1].ID)); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Hour)
	if seen, err := p.Observe(t.Context(), scopes); !seen.Complete || err != nil || len(seen.Machines) != 2 {
		t.Errorf("one is gone: complete %t, error %v, %d machines; want true and 2", seen.Complete, err, len(seen.Machines))
	}
}
