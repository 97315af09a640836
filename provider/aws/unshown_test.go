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
	"github.com/openhostfactory/ohfp/store/memory"
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

// TestEmptyListingOfResources: that AWS leaves a fleet or group out of an answer is no proof that it is gone. Taken for
// gone, its machines would be ended without telling it, and it would replace them; and it would be asked for again.
func TestEmptyListingOfResources(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ api, action, fields string }{
		{"EC2Fleet", "DescribeFleets", `, "fleetType": "maintain", "priceType": "spot"`},
		{"SpotFleet", "DescribeSpotFleetRequests", `, "fleetType": "maintain", "priceType": "spot"`},
		{"ASG", "DescribeAutoScalingGroups", ""},
	} {
		t.Run(test.api, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{})
			proxy := faultproxy.Over(w.Cloud)
			open := func(memory provider.Memory) provider.Provider {
				env := w.environment(nil)
				env.Memory = memory
				p, err := aws.Through(proxy)(t.Context(), json.RawMessage(`{"region": "us-east-1", "endpoint_url": "http://aws.test", "max_retries": 0}`), env)
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			g := &grown{world: w, p: open(w.memory), ask: ask(template(test.api, `{"imageId": "`+image+`", "vmType": "m5.large", "subnetId": "`+subnetA+`"`+test.fields+`}`), 3)}
			order, launched := launch(t, g.p, g.ask)
			g.order, g.resource = order, launched.Resource
			machines := g.full(t)
			w.advance(10 * time.Minute)
			empty := func(times int) {
				if err := proxy.Add(faultproxy.Rule{Fault: faultproxy.Empty, Action: test.action, Times: times}); err != nil {
					t.Fatal(err)
				}
			}
			observe := func() provider.Observation {
				seen, err := g.p.Observe(t.Context(), []provider.Scope{g.scope()})
				if seen.Complete != (err == nil) || err != nil && !errors.Is(err, ohfp.ErrUnavailable) {
					t.Fatalf("complete %t, error %v", seen.Complete, err)
				}
				return seen
			}
			for range 5 {
				empty(1)
				if seen := observe(); seen.Complete || len(seen.Resources) > 0 {
					t.Errorf("left out of an answer: complete %t, %+v; want false and nothing", seen.Complete, seen.Resources)
				}
				if seen := observe(); !seen.Complete || len(seen.Resources) != 1 || seen.Resources[0].Gone || !seen.Resources[0].Active {
					t.Errorf("shown again: complete %t, %+v; want true and one that is active", seen.Complete, seen.Resources)
				}
				w.advance(90 * time.Second)
			}
			empty(1)
			if _, err := g.p.Terminate(t.Context(), machines[2:], g.targetFor(machines[:2])); err == nil {
				t.Error("machines are given back although nobody could tell " + g.resource)
			}
			if _, err := g.p.Terminate(t.Context(), machines[2:], g.targetFor(machines[:2])); err != nil {
				t.Errorf("giving back: %v", err)
			}
			w.advance(10 * time.Minute)
			if left := g.alive(t); len(left) != 2 {
				t.Errorf("%d machines are alive, want 2", len(left))
			}

			// Another installation's memory removes it: nobody here knows.
			stranger := open(memory.New(w.now))
			if _, err := g.p.Terminate(t.Context(), machines[:2], g.targetFor(nil)); err != nil {
				t.Fatal(err)
			}
			w.advance(10 * time.Minute)
			if err := stranger.Retire(t.Context(), g.resource); err != nil {
				t.Fatal(err)
			}
			w.advance(10 * time.Minute)
			for range 3 {
				if seen := observe(); seen.Complete {
					if len(seen.Resources) != 1 || !seen.Resources[0].Gone {
						t.Errorf("removed by somebody else: %+v; want one that is gone", seen.Resources)
					}
					return
				}
				w.advance(time.Minute)
			}
			t.Error("what somebody else has removed is never gone")
		})
	}
}

// TestRetireBelievesNoEmptyAnswer: a fleet is deleted with whatever it has, so an answer without it says nothing.
func TestRetireBelievesNoEmptyAnswer(t *testing.T) {
	t.Parallel()
	for api, action := range map[string]string{"EC2Fleet": "DescribeFleets", "SpotFleet": "DescribeSpotFleetRequests"} {
		w := newWorld(t, awssim.Options{})
		proxy := faultproxy.Over(w.Cloud)
		p, err := aws.Through(proxy)(t.Context(), json.RawMessage(`{"region": "us-east-1", "endpoint_url": "http://aws.test", "max_retries": 0}`), w.environment(nil))
		if err != nil {
			t.Fatal(err)
		}
		a := ask(template(api, `{"imageId": "`+image+`", "vmType": "m5.large", "fleetType": "request", "priceType": "spot", "subnetId": "`+subnetA+`"}`), 2)
		_, launched := launch(t, p, a)
		w.advance(time.Hour)
		for _, empty := range []string{"DescribeInstances", action} {
			if err := proxy.Add(faultproxy.Rule{Fault: faultproxy.Empty, Action: empty}); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Retire(t.Context(), launched.Resource); !errors.Is(err, ohfp.ErrUnavailable) || len(w.live()) != 2 {
			t.Errorf("%s: everything looks empty: error %v, %d machines are alive; want unavailable and 2", api, err, len(w.live()))
		}
	}
}
