package ohfp_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openhostfactory/ohfp"
)

// histories is how many random histories each property test plays, unless -rapid.checks says otherwise.
const histories = "400"

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "rapid.checks" })
	if !chosen {
		if err := flag.Set("rapid.checks", histories); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// step is what may happen next in a history, and how often in comparison with the others.
type step struct {
	weight int
	do     func(w *world)
}

func steps(with map[string]step) []func(w *world) {
	all := map[string]step{
		"time passes":     {6, func(w *world) { w.now = w.now.Add(w.upTo(2*time.Minute, "time")) }},
		"look":            {8, func(w *world) { w.look(w.acquire.ID) }},
		"look at returns": {2, (*world).lookAtReturns},
		"catch up":        {2, (*world).catchUp},
		"lose":            {1, (*world).lose},
	}
	for name, s := range with {
		all[name] = s
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	var bag []func(w *world)
	for _, name := range names {
		for range all[name].weight {
			bag = append(bag, all[name].do)
		}
	}
	return bag
}

func (w *world) lookAtReturns() {
	w.Helper()
	for _, r := range w.returns {
		w.look(r.ID)
	}
}

func (w *world) heard() {
	w.Helper()
	w.must(w.update(w.acquire.ID, func(r *ohfp.Request) error {
		r.AnsweredAt, r.PolledAt = w.now, w.now
		return nil
	}))
}

// TestHistories plays random histories and then lets the world come to rest.
func TestHistories(t *testing.T) {
	t.Parallel()
	returns := step{2, (*world).giveBack}
	cancels := step{1, (*world).cancel}
	ages := step{1, func(w *world) { w.now = w.now.Add(w.upTo(14*time.Hour, "long time")) }}
	var plain ohfp.Order
	for _, tt := range []struct {
		name    string
		weights []int
		heard   bool
		with    map[string]step
		order   ohfp.Order
	}{
		{"machines", []int{1}, true, nil, plain},
		{"machines returned", []int{1}, true, map[string]step{"return": returns}, plain},
		{"machines cancelled", []int{1}, true, map[string]step{"cancel": cancels}, plain},
		{"units", []int{1, 2, 4}, true, map[string]step{"return": returns}, plain},
		{"heavy units", []int{3, 8}, true, map[string]step{"cancel": cancels}, plain},
		{"unheard of", []int{1}, false, map[string]step{"heard": {1, (*world).heard}, "return": returns}, plain},
		{"for a long time", []int{1}, true, map[string]step{"age": ages, "return": returns}, plain},
		{"everything", []int{1, 3}, false, map[string]step{"heard": {1, (*world).heard}, "return": returns, "cancel": cancels, "age": ages}, plain},
		{"groups", []int{1}, true, map[string]step{"return": returns, "cancel": cancels}, ohfp.Order{Async: true, Keeps: true}},
		{"heavy groups", []int{1, 3}, true, map[string]step{"return": returns}, ohfp.Order{Async: true, Keeps: true}},
		{"requests that fill", []int{1, 2}, true, map[string]step{"return": returns, "cancel": cancels}, ohfp.Order{Async: true}},
		{"groups that yield", []int{1}, true, map[string]step{"return": returns}, ohfp.Order{Async: true, Keeps: true, Yields: 3 * time.Minute}},
		{"requests that yield", []int{1}, true, map[string]step{"cancel": cancels}, ohfp.Order{Async: true, Yields: 3 * time.Minute}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bag := steps(tt.with)
			rapid.Check(t, func(rt *rapid.T) {
				w := newWorld(rt, tt.weights)
				w.order = tt.order
				if tt.heard {
					w.heard()
				}
				for range rapid.IntRange(1, 40).Draw(rt, "steps") {
					rapid.SampledFrom(bag).Draw(rt, "step")(w)
				}
				w.rest()
				w.checkEnd()
			})
		})
	}
}

func newWorld(t *rapid.T, weights []int) *world {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	template := ohfp.Template{ID: "t", MaxNumber: ohfp.Unlimited}
	timeout := time.Duration(rapid.IntRange(1, 15).Draw(t, "timeout")) * time.Minute
	r, _, err := ohfp.NewAcquire("req-1", template, rapid.IntRange(1, 6).Draw(t, "count"), ohfp.Origin{Face: "test"}, timeout, now)
	if err != nil {
		t.Fatalf("asking for machines: %v", err)
	}
	r.Provider = providerName
	r.Abandon = ohfp.AbandonPolicy{
		Unanswered: 10 * time.Minute, Unpolled: 40 * time.Minute, Release: rapid.Bool().Draw(t, "release abandoned ones"),
	}
	return &world{
		T: t, now: now, weights: weights, acquire: r, byToken: map[string][]*instance{}, resources: map[string]bool{},
	}
}

// rest lets nothing fail any more and turns the time on until nothing is left to do.
func (w *world) rest() {
	w.Helper()
	for len(w.slow) > 0 {
		w.catchUp()
	}
	w.calm = true
	calm := 0
	for range 200 {
		w.look(w.acquire.ID)
		w.lookAtReturns()
		settled := w.load(w.acquire.ID).Settled()
		for _, r := range w.returns {
			settled = settled && w.load(r.ID).Settled()
		}
		if !settled {
			calm = 0
		}
		// A group may still replace what was lost, and show it late.
		if calm++; settled && (!w.order.Async || calm > 20) {
			return
		}
		w.now = w.now.Add(30 * time.Second)
	}
	w.Fatalf("request is %s and not settled after all this time: %+v; plan %+v", w.acquire.Status, w.acquire, w.plan(w.load(w.acquire.ID), w.observe(w.load(w.acquire.ID))))
}

// checkEnd checks what is left once the world has come to rest: nothing that is not in somebody's hands.
func (w *world) checkEnd() {
	w.Helper()
	r := w.load(w.acquire.ID)
	alive := 0
	for _, i := range w.instances {
		if !i.alive() {
			continue
		}
		at := slices.IndexFunc(r.Machines, func(m ohfp.Machine) bool { return m.ID == i.id })
		if at < 0 {
			w.Fatalf("machine %s is alive and nobody knows it; the request is %s", i.id, r.Status)
		}
		m := r.Machines[at]
		if !m.Wanted() || m.DeliveredAt.IsZero() {
			w.Fatalf("machine %s is alive, but known as %s, delivered at %s, ending %q; the request is %s", i.id, m.State, m.DeliveredAt, m.Ending, r.Status)
		}
		if r.Status != ohfp.StatusComplete && r.Status != ohfp.StatusPartial {
			w.Fatalf("machine %s is alive although its request is %s", i.id, r.Status)
		}
		alive += i.weight
	}
	if alive >= r.Count+slices.Max(w.weights) {
		w.Fatalf("%d units are alive at the end, %d were asked for", alive, r.Count)
	}
	abandoned := slices.ContainsFunc(r.Machines, func(m ohfp.Machine) bool { return m.Ending == ohfp.ReasonAbandoned })
	if r.Status == ohfp.StatusComplete && r.Delivered() < r.Count && !abandoned {
		w.Fatalf("the request is complete with %d of %d", r.Delivered(), r.Count)
	}
	if (r.Status == ohfp.StatusFailed || r.Status == ohfp.StatusTimeout) && strings.TrimSpace(r.Message) == "" {
		w.Fatalf("the request is %s and does not say why", r.Status)
	}
	for _, ret := range w.returns {
		if ret.Status != ohfp.StatusComplete {
			w.Fatalf("return %s is %s", ret.ID, ret.Status)
		}
	}
	for _, g := range w.groups {
		if wants := w.wants(g); wants > 0 {
			w.Fatalf("%s would launch %d units more; the request is %s", g.id, wants, r.Status)
		}
	}
	for _, a := range r.Attempts {
		stillUsed := slices.ContainsFunc(w.instances, func(i *instance) bool { return i.alive() && i.resource == a.Resource })
		if a.Resource != "" && w.resources[a.Resource] && !stillUsed && !w.lostOutside(a.Resource) {
			w.Fatalf("%s has no machine left and was not removed", a.Resource)
		}
	}
}

// lostOutside says whether a machine of the resource ended without our doing, which nobody has looked for since.
func (w *world) lostOutside(resource string) bool {
	return slices.ContainsFunc(w.machines, func(m ohfp.Machine) bool { return m.Resource == resource && !m.Gone() })
}
