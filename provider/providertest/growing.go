package providertest

import (
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// quiet is how many looks must show nothing new before it counts as nothing happening.
const quiet = 12

// growingCases hold for resources that launch by themselves, those that replace what they lose and those that do not.
func growingCases() []Case {
	var cases []Case
	for _, kind := range []Kind{Filling, Keeping} {
		for _, c := range []struct {
			name  string
			needs []Capability
			check func(b *bench, kind Kind)
		}{
			{"its machines come by themselves", nil, machinesCome},
			{"the same order twice makes one resource", nil, oneResource},
			{"it is found by its request when the answer was lost", nil, foundByRequest},
			{"machines ended with a lower target are not replaced", nil, shrinks},
			{"with target 0 it launches nothing more", nil, stopsLaunching},
			{"its target is never raised", nil, neverRaised},
			{"it is not retired while a machine of it lives", nil, notRetiredAlive},
			{"it is seen to be gone once it is retired", nil, seenRetired},
			{"its machines are owned", nil, ownedGrown},
			{"a machine that is lost", []Capability{CanLose}, lostGrown},
			{"a shortage is told and waited out", []Capability{CanExhaust}, shortGrown},
		} {
			cases = append(cases, Case{
				Name: string(kind) + ": " + c.name, Needs: append([]Capability{Capability(kind)}, c.needs...),
				check: func(b *bench) { c.check(b, kind) },
			})
		}
	}
	// What has filled launches nothing more, so that it needs no target.
	return append(cases, Case{
		Name: "Keeping: machines are not ended while its target cannot be set", Needs: []Capability{CanKeeping, CanRefuseTargets},
		check: targetRefused,
	})
}

// grown is a resource that launches by itself.
type grown struct {
	ask      provider.Ask
	order    ohfp.Order
	resource string
}

func (g grown) scope() provider.Scope {
	return provider.Scope{Request: g.ask.Request, Resources: []string{g.resource}}
}

// lowered is the order's target without n units.
func (g grown) lowered(n int) []ohfp.ResourceTarget {
	return []ohfp.ResourceTarget{{Resource: g.resource, Target: less(g.order.Target, n)}}
}

// plant orders a resource for n machines that come later.
func (b *bench) plant(kind Kind, n int) grown {
	b.Helper()
	ask := b.ask(kind, n)
	order := b.prepare(ask)
	if !order.Async || order.Keeps != (kind == Keeping) || order.Target.OnDemand+order.Target.Spot != n {
		b.Fatalf("the order of template %s has Async %t, Keeps %t and target %+v; want true, %t and %d units",
			ask.Template.ID, order.Async, order.Keeps, order.Target, kind == Keeping, n)
	}
	launched, err := b.try(b.p, order)
	if err != nil {
		b.Fatalf("launching %d, %s: %v", order.Count, order.Offering, err)
	}
	if launched.Resource == "" {
		b.Fatalf("the launch tells no resource")
	}
	return grown{ask: ask, order: order, resource: launched.Resource}
}

// grow orders a resource for n machines and waits until they are up.
func (b *bench) grow(kind Kind, n int) (grown, []ohfp.Machine) {
	b.Helper()
	g := b.plant(kind, n)
	return g, b.full(g, n)
}

// full waits until n machines of the resource are up.
func (b *bench) full(g grown, n int) []ohfp.Machine {
	b.Helper()
	seen := b.await(g.scope(), "up", func(seen []ohfp.Machine) bool {
		return len(slices.DeleteFunc(slices.Clone(seen), func(m ohfp.Machine) bool { return !m.Ready() })) == n
	})
	return slices.DeleteFunc(seen, func(m ohfp.Machine) bool { return !m.Alive() })
}

// facts is what a look tells of the resource.
func (b *bench) facts(g grown, scope provider.Scope) ohfp.ResourceFacts {
	b.Helper()
	seen, err := b.p.Observe(b.Context(), []provider.Scope{scope})
	if err != nil || !seen.Complete {
		b.Fatalf("observing: complete %t, error %v", seen.Complete, err)
	}
	at := slices.IndexFunc(seen.Resources, func(f ohfp.ResourceFacts) bool { return f.Resource == g.resource })
	if at < 0 || len(seen.Resources) != 1 {
		b.Fatalf("the look tells of the resources %+v, want just %s", seen.Resources, g.resource)
	}
	return seen.Resources[at]
}

// shrink sets targets and ends machines, and waits out a resource that is being changed.
func (b *bench) shrink(machines []ohfp.Machine, targets []ohfp.ResourceTarget) {
	b.Helper()
	left := machines
	for waited := step; ; waited += step {
		accepted, err := b.p.Terminate(b.Context(), left, targets)
		left = slices.DeleteFunc(slices.Clone(left), func(m ohfp.Machine) bool {
			return slices.ContainsFunc(accepted, func(e provider.Ended) bool { return e.Machine == m.ID })
		})
		if err == nil && len(left) == 0 {
			return
		}
		if waited >= b.patience() {
			b.Fatalf("setting %+v and ending %v: %v is left, error %v", targets, ids(machines), ids(left), err)
		}
		b.h.Advance(step)
	}
}

// stays fails when anything but the given machines comes into being for a while, or one of them ends.
func (b *bench) stays(machines ...ohfp.Machine) {
	b.Helper()
	for range quiet {
		b.h.Advance(step)
		b.same("machines that exist", b.live(), ids(machines))
	}
}

func machinesCome(b *bench, kind Kind) {
	g, seen := b.grow(kind, 3)
	for _, m := range seen {
		if m.Request != g.ask.Request || m.Resource != g.resource || m.Provider != b.h.Name {
			b.Errorf("machine %s shows request %q, resource %q and provider %q, want %q, %q and %q",
				m.ID, m.Request, m.Resource, m.Provider, g.ask.Request, g.resource, b.h.Name)
		}
	}
	b.same("machines that exist", b.live(), ids(seen))
	f := b.facts(g, g.scope())
	if f.Target != g.order.Target || f.Gone || f.Busy || f.Active != (kind == Keeping) || len(f.Failures) > 0 {
		b.Errorf("filled by target %+v, the resource tells %+v", g.order.Target, f)
	}
	b.stays(seen...)
}

func oneResource(b *bench, kind Kind) {
	g := b.plant(kind, 2)
	for who, p := range map[string]provider.Provider{"the same process": b.p, "another process": b.open()} {
		again, err := b.try(p, g.order)
		if err != nil || again.Resource != g.resource {
			b.Errorf("the order again, from %s, tells resource %s, error %v; want %s", who, again.Resource, err, g.resource)
		}
	}
	seen := b.full(g, 2)
	if _, err := b.try(b.open(), g.order); err != nil {
		b.Errorf("the order again, once it is filled: %v", err)
	}
	b.stays(seen...)
}

func foundByRequest(b *bench, kind Kind) {
	g := b.plant(kind, 2)
	b.h.Advance(step) // a cloud may show a resource some time after it was made
	open := provider.Scope{Request: g.ask.Request, Open: true}
	if f := b.facts(g, open); f.Request != g.ask.Request || f.Gone || kind == Keeping && !f.Active {
		b.Errorf("found by its request %s, the resource tells %+v", g.ask.Request, f)
	}
	seen := b.full(g, 2)
	b.same("machines observed by their request alone", ids(b.observe(open)), ids(seen))
}

func shrinks(b *bench, kind Kind) {
	g, seen := b.grow(kind, 3)
	b.shrink(seen[:1], g.lowered(1))
	b.gone(seen[1].ID, seen[2].ID)
	b.stays(seen[1:]...)
	if f := b.facts(g, g.scope()); kind == Keeping && f.Target != g.lowered(1)[0].Target {
		b.Errorf("told to have %+v, the resource tells %+v", g.lowered(1)[0].Target, f)
	}
	b.shrink(seen[1:], g.lowered(3))
	b.gone()
	b.stays()
}

func stopsLaunching(b *bench, kind Kind) {
	g := b.plant(kind, 2)
	b.shrink(nil, g.lowered(2))
	b.h.Advance(step)
	b.await(g.scope(), "quiet", func([]ohfp.Machine) bool { return !b.facts(g, g.scope()).Active })
	seen := b.observe(g.scope())
	b.shrink(seen, g.lowered(2))
	b.gone()
	b.stays()
}

func neverRaised(b *bench, kind Kind) {
	g, seen := b.grow(kind, 2)
	raised := g.lowered(-3)
	raised[0].Target.Spot += 2
	b.shrink(nil, raised)
	b.stays(seen...)
	if f := b.facts(g, g.scope()); f.Target.Exceeds(g.order.Target) {
		b.Errorf("ordered with target %+v and told %+v, the resource tells %+v", g.order.Target, raised[0].Target, f.Target)
	}
}

func notRetiredAlive(b *bench, kind Kind) {
	g, seen := b.grow(kind, 1)
	b.wantKind("retiring with a machine alive", b.p.Retire(b.Context(), g.resource), ohfp.ErrConflict)
	b.stays(seen...)
}

func seenRetired(b *bench, kind Kind) {
	g, seen := b.grow(kind, 1)
	b.shrink(seen, g.lowered(1))
	b.gone()
	if err := b.p.Retire(b.Context(), g.resource); err != nil {
		b.Fatalf("retiring an empty resource: %v", err)
	}
	if f := b.facts(g, g.scope()); !f.Gone && f.Active {
		b.Errorf("retired, the resource tells %+v", f)
	}
	b.shrink(nil, g.lowered(1)) // what is gone cannot launch, so its target counts as set
	b.stays()
}

func ownedGrown(b *bench, kind Kind) {
	g, seen := b.grow(kind, 2)
	_, other := b.grow(kind, 1)
	b.same("machines owned", b.owned(provider.OwnedFilter{}), append(ids(seen), ids(other)...))
	b.same("machines owned by a request", b.owned(provider.OwnedFilter{Requests: []ohfp.RequestID{g.ask.Request}}), ids(seen))
	b.same("machines owned by id", b.owned(provider.OwnedFilter{Machines: ids(other)}), ids(other))
	for _, filter := range []provider.OwnedFilter{{}, {Requests: []ohfp.RequestID{g.ask.Request}}} {
		b.ownedResource(g, filter)
	}
	// One without machines is owned too: it may launch them at any time.
	empty := b.plant(kind, 2)
	b.h.Advance(step) // a cloud may show a resource some time after it was made
	b.ownedResource(empty, provider.OwnedFilter{})
}

// ownedResource checks that a resource is listed as it is.
func (b *bench) ownedResource(g grown, filter provider.OwnedFilter) {
	b.Helper()
	seen, err := b.open().Owned(b.Context(), filter)
	if err != nil {
		b.Fatalf("listing what is owned: %v", err)
	}
	want := b.facts(g, g.scope())
	for _, f := range seen.Resources {
		if f.Resource == g.resource {
			if f.Request != g.ask.Request || f.Target != want.Target || f.Active != want.Active || f.Gone {
				b.Errorf("owned by %+v, the resource tells %+v; observed, %+v", filter, f, want)
			}
			return
		}
	}
	b.Errorf("the resource %s is not among what is owned by %+v", g.resource, filter)
}

func lostGrown(b *bench, kind Kind) {
	g, seen := b.grow(kind, 2)
	b.h.Lose(b.TB, seen[0].ID)
	if kind == Filling {
		b.gone(seen[1].ID)
		b.stays(seen[1])
		return
	}
	b.await(g.scope(), "replaced", func(now []ohfp.Machine) bool {
		return len(slices.DeleteFunc(slices.Clone(now), func(m ohfp.Machine) bool { return !m.Ready() || m.ID == seen[0].ID })) == 2
	})
}

func shortGrown(b *bench, kind Kind) {
	ask := b.ask(kind, 3)
	order := b.prepare(ask)
	b.room(order, 1)
	launched, err := b.try(b.p, order)
	if err != nil {
		b.Fatalf("launching 3 with room for 1: %v; a resource that launches by itself waits for room", err)
	}
	g := grown{ask: ask, order: order, resource: launched.Resource}
	b.full(g, 1)
	b.await(g.scope(), "told", func([]ohfp.Machine) bool {
		f := b.facts(g, g.scope())
		return f.Active && len(f.Failures) > 0 && f.Failures[0].Code != ""
	})
	b.room(order, 10)
	b.full(g, 3)
}

func targetRefused(b *bench) {
	stuck, held := b.grow(Keeping, 2)
	free, others := b.grow(Keeping, 2)
	b.h.RefuseTargets(b.TB, stuck.resource, true)
	targets := append(stuck.lowered(2), free.lowered(2)...)
	accepted, err := b.p.Terminate(b.Context(), append(slices.Clone(held), others...), targets)
	if err == nil {
		b.Errorf("a target was refused, and terminating tells no error")
	}
	b.accepted(accepted, ids(others))
	b.gone(ids(held)...)
	b.stays(held...)
	b.h.RefuseTargets(b.TB, stuck.resource, false)
	b.shrink(held, stuck.lowered(2))
	b.gone()
}
