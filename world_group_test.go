package ohfp_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/openhostfactory/ohfp"
)

// group launches by itself up to its target, whenever the world looks at it.
type group struct {
	token    string
	id       string
	keeps    bool
	target   int
	launched int
	stopped  bool
}

func (w *world) lives(id ohfp.MachineID) bool {
	return slices.ContainsFunc(w.instances, func(i *instance) bool { return i.id == id && i.alive() })
}

// plant makes a group once for each token.
func (w *world) plant(order ohfp.Order) reply {
	at := slices.IndexFunc(w.groups, func(g *group) bool { return g.token == order.Token })
	if at < 0 {
		at = len(w.groups)
		g := &group{token: order.Token, id: fmt.Sprintf("group-%d", at+1), keeps: order.Keeps, target: order.Target.OnDemand}
		w.groups, w.resources[g.id] = append(w.groups, g), true
	}
	if w.chance(20, "lost reply") {
		return reply{}
	}
	return reply{known: true, outcome: ohfp.Outcome{Resource: w.groups[at].id}}
}

// wants is how many units a group would launch.
func (w *world) wants(g *group) int {
	has := g.launched
	if g.keeps {
		has = w.holds(g)
	}
	if g.stopped || !w.resources[g.id] {
		return 0
	}
	return max(g.target-has, 0)
}

func (w *world) holds(g *group) int {
	units := 0
	for _, i := range w.instances {
		if i.resource == g.id && i.alive() {
			units += i.weight
		}
	}
	return units
}

// grow lets every group launch something.
func (w *world) grow() {
	for _, g := range w.groups {
		wants := w.wants(g)
		if wants > 0 && w.chance(60, "short of capacity") {
			wants = rapid.IntRange(0, wants).Draw(w.T, "room")
		}
		for wants > 0 {
			i := w.instance(g.id)
			wants -= i.weight
			g.launched += i.weight
		}
	}
}

// lower sets targets, and says which it could not set.
func (w *world) lower(targets []ohfp.ResourceTarget) (refused []string) {
	w.grow()
	for _, t := range targets {
		if w.chance(15, "target refused") {
			refused = append(refused, t.Resource)
			continue
		}
		for _, g := range w.groups {
			if g.id == t.Resource {
				g.target = min(g.target, t.Target.OnDemand)
				g.stopped = g.stopped || !g.keeps && g.target <= w.holds(g)
			}
		}
	}
	return refused
}

// resourceFacts shows the groups that a request knows or, while an answer is not known, that carry its id.
func (w *world) resourceFacts(r ohfp.Request) []ohfp.ResourceFacts {
	var facts []ohfp.ResourceFacts
	for _, g := range w.groups {
		known := slices.ContainsFunc(r.Attempts, func(a ohfp.Attempt) bool { return a.Resource == g.id })
		if known || r.Open() && w.resources[g.id] {
			facts = append(facts, ohfp.ResourceFacts{
				Resource: g.id, Request: w.acquire.ID, Target: ohfp.Target{OnDemand: g.target}, Gone: !w.resources[g.id],
				Active: w.resources[g.id] && (w.wants(g) > 0 || g.keeps && g.target > 0), Busy: w.chance(10, "busy"),
			})
		}
	}
	return facts
}

// told records the targets that were set.
func (w *world) told(targets []ohfp.ResourceTarget) {
	w.Helper()
	if len(targets) > 0 {
		w.must(w.update(w.acquire.ID, func(r *ohfp.Request) error { r.Told(targets, w.now); return nil }))
	}
}
