package aws_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
)

// selfLaunching are the templates of the launch APIs whose resources launch by themselves.
func selfLaunching() map[string]struct{ api, fields string } {
	return map[string]struct{ api, fields string }{
		"EC2Fleet request":       {"EC2Fleet", `"fleetType": "request", "priceType": "spot"`},
		"EC2Fleet request mix":   {"EC2Fleet", `"fleetType": "request", "priceType": "heterogeneous", "percentOnDemand": 30`},
		"EC2Fleet maintain":      {"EC2Fleet", `"fleetType": "maintain", "priceType": "spot"`},
		"EC2Fleet maintain mix":  {"EC2Fleet", `"fleetType": "maintain", "priceType": "heterogeneous", "percentOnDemand": 30`},
		"SpotFleet request":      {"SpotFleet", `"fleetType": "request", "priceType": "spot"`},
		"SpotFleet maintain":     {"SpotFleet", `"fleetType": "maintain", "priceType": "spot"`},
		"SpotFleet maintain mix": {"SpotFleet", `"fleetType": "maintain", "priceType": "heterogeneous", "percentOnDemand": 30`},
		"ASG on demand":          {"ASG", `"priceType": "ondemand"`},
		"ASG spot":               {"ASG", `"priceType": "spot"`},
		"ASG mix":                {"ASG", `"priceType": "heterogeneous", "percentOnDemand": 30`},
	}
}

// grown is what a resource has launched.
type grown struct {
	*world
	p        provider.Provider
	ask      provider.Ask
	order    ohfp.Order
	resource string
}

func (g *grown) scope() provider.Scope {
	return provider.Scope{Request: g.ask.Request, Resources: []string{g.resource}}
}

// alive are the machines that a look shows alive.
func (g *grown) alive(tb testing.TB) []ohfp.Machine {
	tb.Helper()
	seen, err := g.p.Observe(tb.Context(), []provider.Scope{g.scope()})
	if err != nil || !seen.Complete {
		tb.Fatalf("observing: complete %t, error %v", seen.Complete, err)
	}
	for _, m := range seen.Machines {
		if m.Request != g.ask.Request || m.Resource != g.resource {
			tb.Errorf("machine %s shows request %q and resource %q; want %s and %s", m.ID, m.Request, m.Resource, g.ask.Request, g.resource)
		}
	}
	return slices.DeleteFunc(seen.Machines, func(m ohfp.Machine) bool { return !m.Alive() })
}

// full waits until the resource holds what was ordered.
func (g *grown) full(tb testing.TB) []ohfp.Machine {
	tb.Helper()
	for range 40 {
		if machines := g.alive(tb); held(machines) >= g.order.Count {
			return machines
		}
		g.advance(15 * time.Second)
	}
	tb.Fatalf("%s holds %d of %d units", g.resource, held(g.alive(tb)), g.order.Count)
	return nil
}

func held(machines []ohfp.Machine) int {
	units := 0
	for _, m := range machines {
		units += m.Units()
	}
	return units
}

// targetFor is what a resource is told that shall hold just these machines.
func (g *grown) targetFor(machines []ohfp.Machine) []ohfp.ResourceTarget {
	var t ohfp.Target
	for _, m := range machines {
		if m.Lifecycle == ohfp.Spot {
			t.Spot += m.Units()
		} else {
			t.OnDemand += m.Units()
		}
	}
	return []ohfp.ResourceTarget{{Resource: g.resource, Target: t}}
}

func grow(tb testing.TB, w *world, t ohfp.Template, count int) *grown {
	tb.Helper()
	g := &grown{world: w, p: w.open(tb), ask: ask(t, count)}
	var err error
	if g.order, err = g.p.Prepare(tb.Context(), g.ask); err != nil {
		tb.Fatal(err)
	}
	for range 3 {
		launched, err := g.p.Launch(tb.Context(), g.order)
		if err == nil {
			g.resource = launched.Resource
			return g
		}
		if !ohfp.OutcomeUnknown(err) {
			tb.Fatal(err)
		}
	}
	tb.Fatal("the launch was never answered")
	return nil
}

// TestReturnsTouchNothingElse returns random machines of random weights, several returns at once and with answers lost,
// and looks whether anything but they ends, or anything comes in their place.
func TestReturnsTouchNothingElse(t *testing.T) {
	t.Parallel()
	for name, test := range selfLaunching() {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%s %d", name, seed), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(seed, 7))
				w := newWorld(t, awssim.Options{
					LaunchDelay: 10 * time.Second, TerminateDelay: 20 * time.Second, DescribeLag: time.Second, FleetDelay: 2 * time.Second,
					ReplaceDelay: 15 * time.Second,
				})
				heaviest := 1 + random.IntN(64)
				fields := fmt.Sprintf(`{"imageId": %q, "subnetId": "%s,%s", "vmTypes": {"m5.large": %d, "c5.large": %d, "r5.large": %d}, %s}`,
					image, subnetA, subnetB, heaviest, 1+random.IntN(heaviest), 1+random.IntN(heaviest), test.fields)
				weighted := template(test.api, fields)
				weighted.CapacityUnit = ohfp.CapacityUnits
				w.fault.set(func(f *fault) { f.drop = random.IntN(2) })
				g := grow(t, w, weighted, 1+random.IntN(200))
				left := g.full(t)
				// A type is chosen for each lifecycle in each of two zones, and each rounds up.
				if over := held(left) - g.order.Count; over > 4*3*(heaviest-1) {
					t.Errorf("%d units are more than %d by %d", held(left), g.order.Count, over)
				}
				random.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
				for len(left) > 0 {
					left = g.giveBack(t, random, left)
				}
				var err error
				for range 40 {
					if err = g.p.Retire(t.Context(), g.resource); err == nil {
						break
					}
					if !errors.Is(err, ohfp.ErrConflict) && !ohfp.OutcomeUnknown(err) {
						t.Fatal(err)
					}
					w.advance(15 * time.Second)
				}
				if left := w.resources(); err != nil || len(left)+len(w.live()) > 0 {
					t.Errorf("%v and %v are left, error %v", left, w.live(), err)
				}
			})
		}
	}
}

// giveBack gives some machines back by one or two returns at once, and returns those that are left.
func (g *grown) giveBack(t *testing.T, random *rand.Rand, left []ohfp.Machine) []ohfp.Machine {
	t.Helper()
	for _, action := range []string{"ModifyFleet", "ModifySpotFleetRequest", "UpdateAutoScalingGroup", "TerminateInstances", "DeleteFleets"} {
		g.fault.set(func(f *fault) { f.lose = map[string]int{action: random.IntN(2)} })
	}
	var returns sync.WaitGroup
	for range 1 + random.IntN(2) {
		n := min(1+random.IntN(8), len(left))
		some := left[:n]
		left = left[n:]
		targets := g.targetFor(left)
		returns.Go(func() {
			for range 20 {
				if _, err := g.p.Terminate(t.Context(), some, targets); err == nil {
					return
				}
			}
			t.Error("returning never succeeded")
		})
	}
	returns.Wait()
	for range 4 {
		g.advance(20 * time.Second)
		living := g.alive(t)
		if got, want := ids(living), ids(left); !slices.Equal(got, want) {
			t.Fatalf("%v are alive, want %v", got, want)
		}
	}
	return left
}

// TestModifyingIsWaitedOut returns machines of a fleet that is being changed: the return waits, and others do not.
func TestModifyingIsWaitedOut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ api, fields string }{
		{"EC2Fleet", `"fleetType": "maintain", "priceType": "spot"`}, {"SpotFleet", `"fleetType": "maintain", "priceType": "spot"`},
	} {
		w := newWorld(t, awssim.Options{FleetDelay: 4 * time.Second})
		g := grow(t, w, template(test.api, `{"imageId": "`+image+`", "vmType": "m5.large", `+test.fields+`}`), 4)
		machines := g.full(t)
		for n := 3; n >= 0; n-- {
			ended, err := g.p.Terminate(t.Context(), machines[n:n+1], g.targetFor(machines[:n]))
			if err != nil || len(ended) != 1 {
				t.Fatalf("returning machine %d: %v, error %v", n, ended, err)
			}
		}
		w.advance(time.Hour)
		if left := w.live(); len(left) > 0 {
			t.Errorf("%v are left", left)
		}
	}
}

// TestNewResourcesAreNotGone looks at resources that AWS does not show yet, and gives them back.
func TestNewResourcesAreNotGone(t *testing.T) {
	t.Parallel()
	for name, test := range selfLaunching() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{DescribeLag: 3 * time.Second, FleetDelay: 8 * time.Second})
			g := grow(t, w, template(test.api, `{"imageId": "`+image+`", "vmType": "m5.large", "subnetId": "`+subnetA+`", `+test.fields+`}`), 3)
			seen, err := g.p.Observe(t.Context(), []provider.Scope{g.scope()})
			if err != nil || slices.ContainsFunc(seen.Resources, func(f ohfp.ResourceFacts) bool { return f.Gone }) {
				t.Errorf("a new resource tells %+v, error %v", seen.Resources, err)
			}
			if _, err := g.p.Terminate(t.Context(), nil, g.targetFor(nil)); err != nil {
				t.Errorf("giving a new resource back: %v", err)
			}
			w.advance(time.Minute)
			// A fleet takes no other target before it has begun, and then has launched already.
			if _, err := g.p.Terminate(t.Context(), g.alive(t), g.targetFor(nil)); err != nil {
				t.Errorf("giving its machines back: %v", err)
			}
			w.advance(time.Hour)
			if left := w.live(); len(left) > 0 {
				t.Errorf("given back, it launched %v", left)
			}
		})
	}
}

// TestOperatorsTemplateTagsNothing finds machines that carry no tag of ours.
func TestOperatorsTemplateTagsNothing(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"EC2Fleet", "SpotFleet", "ASG"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{})
			launch(t, w.open(t), ask(template("RunInstances", `{"imageId": "`+image+`", "vmType": "m5.large"}`), 1))
			if err := w.Cloud.Terminate(string(w.live()[0])); err != nil {
				t.Fatal(err)
			}
			w.advance(2 * time.Hour)
			fleetType := map[bool]string{true: "", false: `"fleetType": "maintain", `}[api == "ASG"]
			weighted := template(api, `{"launchTemplateId": "`+w.LaunchTemplates()[0].ID+`", "subnetId": "`+subnetA+`", `+fleetType+`"priceType": "spot", "vmTypes": {"m5.large": 3}}`)
			g := grow(t, w, weighted, 6)
			if machines := g.full(t); len(machines) != 2 {
				t.Errorf("6 units of machines that count for 3 are %d machines", len(machines))
			}
			for what, filter := range map[string]provider.OwnedFilter{
				"all": {}, "by request": {Requests: []ohfp.RequestID{g.ask.Request}}, "by id": {Machines: w.live()},
				"by both": {Requests: []ohfp.RequestID{g.ask.Request}, Machines: w.live()},
			} {
				owned, err := g.p.Owned(t.Context(), filter)
				if err != nil || !owned.Complete || !slices.Equal(ids(owned.Machines), sortedIDs(w.live())) || held(owned.Machines) != 6 {
					t.Errorf("owned %s: %v with %d units, error %v; want %v with 6", what, ids(owned.Machines), held(owned.Machines), err, w.live())
				}
				for _, m := range owned.Machines {
					if m.Request != g.ask.Request {
						t.Errorf("owned %s: %s shows request %q, want %s", what, m.ID, m.Request, g.ask.Request)
					}
				}
			}
			env := w.environment(nil)
			env.Installation = "fedcba9876543210"
			for _, filter := range []provider.OwnedFilter{{}, {Requests: []ohfp.RequestID{g.ask.Request}}, {Machines: w.live()}} {
				owned, err := w.openIn(t, env).Owned(t.Context(), filter)
				if err != nil || len(owned.Machines) > 0 {
					t.Errorf("another installation owns %v of ours, error %v", ids(owned.Machines), err)
				}
			}
		})
	}
}

// TestOwnedWithoutRightsOnGroups: whoever may not read groups has made none, unless a machine is from one.
func TestOwnedWithoutRightsOnGroups(t *testing.T) {
	t.Parallel()
	for api, want := range map[string]bool{"RunInstances": true, "ASG": false} {
		w := newWorld(t, awssim.Options{})
		g := grow(t, w, template(api, `{"imageId": "`+image+`", "vmType": "m5.large", "subnetId": "`+subnetA+`"}`), 2)
		g.full(t)
		if err := w.FailNext("DescribeAutoScalingGroups", "AccessDenied", -1); err != nil {
			t.Fatal(err)
		}
		owned, err := g.p.Owned(t.Context(), provider.OwnedFilter{})
		if owned.Complete != want || (err == nil) != want || len(owned.Machines) != 2 {
			t.Errorf("%s: %d machines are owned, complete %t, error %v", api, len(owned.Machines), owned.Complete, err)
		}
	}
}

func sortedIDs(all []ohfp.MachineID) []ohfp.MachineID { return slices.Sorted(slices.Values(all)) }

// TestTwoPhasesAtOnce asks for spot first where launches answer at once, and for the rest on demand.
func TestTwoPhasesAtOnce(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"EC2Fleet", "RunInstances"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{})
			for zone, n := range map[string]int{zoneA: 2, zoneB: 1} {
				if err := w.SetCapacity("m5.large", zone, awssim.Spot, n); err != nil {
					t.Fatal(err)
				}
			}
			p := w.open(t)
			a := ask(template(api, `{"imageId": "`+image+`", "subnetId": "`+subnetA+`,`+subnetB+`", "vmTypes": {"m5.large": 1}, "vmTypesOnDemand": {"c5.large": 1},
				"priceType": "heterogeneous"}`), 10)
			bought := map[string]int{}
			for a.Count > 0 && a.Attempt < 9 {
				order, err := p.Prepare(t.Context(), a)
				if err != nil {
					t.Fatal(err)
				}
				launched, err := p.Launch(t.Context(), order)
				if err != nil && !errors.Is(err, ohfp.ErrCapacity) {
					t.Fatal(err)
				}
				for _, m := range launched.Machines {
					bought[string(m.Lifecycle)+" "+m.Type]++
				}
				a.Count -= len(launched.Machines)
				a.Attempt++
				if a.Count > 0 && launched.Exhausted {
					t.Errorf("attempt %d leaves nothing to try", a.Attempt-1)
				}
			}
			if bought["spot m5.large"] != 3 || bought["ondemand c5.large"] != 7 {
				t.Errorf("bought %v, want 3 m5.large by spot and 7 c5.large on demand", bought)
			}
		})
	}
}

// TestGroups checks what only Auto Scaling groups have.
func TestGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	several := template("ASG", `{"imageId": "`+image+`", "vmType": "m5.large", "subnetId": "`+subnetA+`,`+subnetB+`"}`)
	g := grow(t, w, several, 3)
	g.full(t)
	group := w.Groups()[0]
	if !slices.Equal(group.Suspended, []string{"AZRebalance"}) || group.Name != "ohfp-"+string(g.ask.Request)+"-1" || group.Min != 0 || group.Max != 3 {
		t.Errorf("the group is %+v; want AZRebalance suspended and sizes 0 to 3", group)
	}
	for _, m := range group.Members {
		if !m.Protected {
			t.Errorf("machine %s is not protected from scale-in", m.ID)
		}
	}
	env := w.environment(nil)
	env.Installation = "fedcba9876543210"
	env.Memory = newWorld(t, awssim.Options{}).memory
	other := w.openIn(t, env)
	order, err := other.Prepare(t.Context(), g.ask)
	if err != nil {
		t.Fatal(err)
	}
	if launched, err := other.Launch(t.Context(), order); !errors.Is(err, ohfp.ErrConflict) || launched.Resource != "" {
		t.Errorf("somebody else's group is %q, error %v; want a conflict", launched.Resource, err)
	}
}

// TestWhyAResourceIsShort reads the reasons where AWS tells them, and not more often than needed.
func TestWhyAResourceIsShort(t *testing.T) {
	t.Parallel()
	for name, test := range selfLaunching() {
		if strings.HasSuffix(name, "mix") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{})
			if err := w.SetCapacity("m5.large", zoneA, "", 1); err != nil {
				t.Fatal(err)
			}
			g := grow(t, w, template(test.api, `{"imageId": "`+image+`", "vmType": "m5.large", "subnetId": "`+subnetA+`", `+test.fields+`}`), 3)
			g.alive(t)
			w.advance(time.Minute)
			for range 3 {
				w.ResetLedger()
				seen, err := w.open(t).Observe(t.Context(), []provider.Scope{g.scope()})
				if err != nil || len(seen.Resources) != 1 || len(seen.Resources[0].Failures) == 0 || seen.Resources[0].Failures[0].Code != "InsufficientInstanceCapacity" {
					t.Fatalf("short of 2, the resource tells %+v, error %v", seen.Resources, err)
				}
				if f := seen.Resources[0].Failures[0]; name != "ASG spot" && !strings.HasPrefix(f.Offering, "m5.large in us-east-1a") {
					t.Errorf("the failure is about %q", f.Offering)
				}
			}
			if slices.ContainsFunc(w.actions(), func(a string) bool { return strings.HasSuffix(a, "History") || strings.HasSuffix(a, "Activities") }) {
				t.Errorf("the history is read again at once: %v", w.actions())
			}
		})
	}
}

// TestCallsOfSelfLaunching counts the calls for 1,000 machines that come by themselves.
func TestCallsOfSelfLaunching(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		api, fields                     string
		launch, look, end, stop, retire []string
	}{
		"EC2Fleet request": {
			"EC2Fleet", `"fleetType": "request"`,
			[]string{"CreateFleet"},
			[]string{"DescribeInstances", "DescribeFleets", "DescribeInstances"},
			[]string{"DescribeFleets", "TerminateInstances"},
			[]string{"DescribeFleets"},
			[]string{"DescribeInstances", "DeleteFleets"},
		},
		"EC2Fleet maintain": {
			"EC2Fleet", `"fleetType": "maintain"`,
			[]string{"CreateFleet"},
			[]string{"DescribeInstances", "DescribeFleets", "DescribeInstances"},
			[]string{"DescribeFleets", "ModifyFleet", "TerminateInstances"},
			[]string{"DescribeFleets"},
			[]string{"DescribeInstances", "DeleteFleets"},
		},
		"SpotFleet maintain": {
			"SpotFleet", `"fleetType": "maintain", "priceType": "spot"`,
			[]string{"RequestSpotFleet"},
			[]string{"DescribeInstances", "DescribeSpotFleetRequests", "DescribeInstances"},
			[]string{"DescribeSpotFleetRequests", "ModifySpotFleetRequest", "TerminateInstances"},
			[]string{"DescribeSpotFleetRequests"},
			[]string{"DescribeInstances", "CancelSpotFleetRequests"},
		},
		"ASG": {
			"ASG", `"priceType": "ondemand"`,
			[]string{"CreateAutoScalingGroup"},
			[]string{"DescribeInstances", "DescribeAutoScalingGroups"},
			[]string{"DescribeAutoScalingGroups", "UpdateAutoScalingGroup", "TerminateInstances"},
			[]string{"DescribeAutoScalingGroups"},
			[]string{"DescribeInstances", "DeleteAutoScalingGroup"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{})
			fields := `{"imageId": "` + image + `", "vmType": "m5.large", "subnetId": "` + subnetA + `", ` + test.fields + `}`
			grow(t, w, template(test.api, fields), 1).full(t) // makes the launch template
			calls := func(what string, want []string, do func()) {
				t.Helper()
				w.ResetLedger()
				do()
				if got := w.actions(); !slices.Equal(got, want) {
					t.Errorf("%s called %v, want %v", what, got, want)
				}
			}
			var g *grown
			calls("launching", test.launch, func() {
				g = grow(t, w, template(test.api, fields), 1000)
			})
			machines := g.full(t)
			calls("looking", test.look, func() { machines = g.alive(t) })
			calls("ending", test.end, func() {
				if ended, err := g.p.Terminate(t.Context(), machines, g.targetFor(nil)); err != nil || len(ended) != 1000 {
					t.Errorf("ended %d of 1000, error %v", len(ended), err)
				}
			})
			w.advance(5 * time.Minute)
			calls("setting a target again", test.stop, func() {
				if _, err := g.p.Terminate(t.Context(), nil, g.targetFor(nil)); err != nil {
					t.Error(err)
				}
			})
			calls("retiring", test.retire, func() {
				if err := g.p.Retire(t.Context(), g.resource); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
