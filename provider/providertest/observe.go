package providertest

import (
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

func observeCases() []Case {
	return []Case{
		{Name: "machines come up with all that their users need", check: comeUp},
		{Name: "machines that the record does not know are seen by request", check: seenByRequest},
		{Name: "many requests are observed in few calls", Needs: []Capability{CanCalls}, check: manyRequests},
		{Name: "an unknown resource or machine does not spoil the others", check: unknownScope},
		{Name: "a read that broke off is not complete", Needs: []Capability{CanCutReads}, check: cutRead},
		{Name: "a machine that was ended from outside is seen to be gone", Needs: []Capability{CanPlain, CanLose}, check: lost},
		{Name: "no scopes show no machines", check: noScopes},
		{Name: "owned lists everything of this installation", Needs: []Capability{CanForeign}, check: owned},
	}
}

func scopeOf(request ohfp.RequestID, launched provider.Launched) provider.Scope {
	return provider.Scope{Request: request, Resources: []string{launched.Resource}, Machines: ids(launched.Machines)}
}

func comeUp(b *bench) {
	request, launched := b.start(3)
	seen := b.up(request, 3)
	b.same("machines observed", ids(seen), ids(launched.Machines))
	names, addresses := map[string]bool{}, map[string]bool{}
	for _, m := range seen {
		names[m.Name], addresses[m.PrivateIP] = true, true
		if m.Request != request || m.Provider != b.h.Name {
			b.Errorf("machine %s shows request %q and provider %q, want %q and %q", m.ID, m.Request, m.Provider, request, b.h.Name)
		}
		if m.LaunchedAt.IsZero() || m.LaunchedAt.Location() != time.UTC {
			b.Errorf("machine %s shows launch time %s, want one in UTC", m.ID, m.LaunchedAt)
		}
		if m.Type == "" || m.Zone == "" || m.Resource != launched.Resource {
			b.Errorf("machine %s shows type %q, zone %q and resource %q, want all three, the last one %q", m.ID, m.Type, m.Zone, m.Resource, launched.Resource)
		}
	}
	if len(names) != 3 || len(addresses) != 3 {
		b.Errorf("3 machines share names or addresses: %s", describe(seen))
	}
}

func seenByRequest(b *bench) {
	request, launched := b.start(2)
	_, other := b.start(1)
	seen := b.up(request, 2)
	b.same("machines observed by their request alone", ids(seen), ids(launched.Machines))
	listed := b.observe(scopeOf(request, launched))
	b.same("machines observed by request, resource and id", ids(listed), ids(launched.Machines))
	if slices.Contains(ids(listed), other.Machines[0].ID) {
		b.Errorf("machine %s of another request is shown", other.Machines[0].ID)
	}
}

func manyRequests(b *bench) {
	requests := min(20, b.many())
	limit := b.h.ObserveCalls
	if limit == 0 {
		limit = 2
	}
	var scopes []provider.Scope
	var all []ohfp.MachineID
	for range requests {
		request, launched := b.start(1)
		scopes = append(scopes, scopeOf(request, launched))
		all = append(all, ids(launched.Machines)...)
		b.up(request, 1)
	}
	var seen []ohfp.Machine
	calls := b.calls(func() { seen = b.observe(scopes...) })
	b.same("machines observed", ids(seen), all)
	if calls.Reading > limit || calls.Mutating > 0 {
		b.Errorf("observing %d requests took %d reading and %d mutating calls; want at most %d and none", requests, calls.Reading, calls.Mutating, limit)
	}
}

func unknownScope(b *bench) {
	request, launched := b.start(2)
	b.up(request, 2)
	scope := scopeOf(request, launched)
	scope.Machines = append(scope.Machines, b.h.UnknownMachine)
	scope.Resources = append(scope.Resources, b.h.UnknownResource)
	stranger := provider.Scope{
		Request: b.request(), Resources: []string{b.h.UnknownResource}, Machines: []ohfp.MachineID{b.h.UnknownMachine},
	}
	seen := b.observe(stranger, scope)
	b.same("machines observed beside unknown ones", ids(seen), ids(launched.Machines))
}

func cutRead(b *bench) {
	request, launched := b.start(2)
	b.up(request, 2)
	b.h.CutReads(true)
	seen, err := b.p.Observe(b.Context(), []provider.Scope{scopeOf(request, launched)})
	b.h.CutReads(false)
	if err == nil {
		b.Errorf("the read broke off without an error")
	}
	if seen.Complete {
		b.Errorf("the read broke off and calls itself complete")
	}
	again := b.observe(scopeOf(request, launched))
	b.same("machines observed after the reads work again", ids(again), ids(launched.Machines))
}

func lost(b *bench) {
	request, launched := b.start(2)
	b.up(request, 2)
	victim := launched.Machines[0].ID
	b.h.Lose(b.TB, victim)
	b.await(scopeOf(request, launched), "gone", func(seen []ohfp.Machine) bool {
		for _, m := range seen {
			if m.ID == victim && !m.Gone() {
				return false
			}
		}
		return true
	})
	b.same("machines that exist", b.live(), ids(launched.Machines[1:]))
}

func noScopes(b *bench) {
	b.start(1)
	if seen := b.observe(); len(seen) > 0 {
		b.Errorf("no scopes show the machines %v", ids(seen))
	}
}

func owned(b *bench) {
	first, one := b.start(2)
	second, two := b.start(1)
	b.up(first, 2)
	b.up(second, 1)
	b.foreign[b.h.Foreign(b.TB)] = true
	everything := append(ids(one.Machines), ids(two.Machines)...)
	b.same("machines owned", b.owned(provider.OwnedFilter{}), everything)
	b.same("machines owned by a request", b.owned(provider.OwnedFilter{Requests: []ohfp.RequestID{second, b.request()}}), ids(two.Machines))
	b.same("machines owned by id", b.owned(provider.OwnedFilter{Machines: []ohfp.MachineID{one.Machines[1].ID, b.h.UnknownMachine}}), ids(one.Machines[1:]))
	b.same("machines owned by request and id", b.owned(provider.OwnedFilter{
		Requests: []ohfp.RequestID{second}, Machines: ids(one.Machines),
	}), nil)
}

// owned lists what is owned and not on its way out, and checks that it says whose it is.
func (b *bench) owned(filter provider.OwnedFilter) []ohfp.MachineID {
	b.Helper()
	seen, err := b.p.Owned(b.Context(), filter)
	if err != nil || !seen.Complete {
		b.Fatalf("listing what is owned: complete %t, error %v", seen.Complete, err)
	}
	alive := slices.DeleteFunc(seen.Machines, func(m ohfp.Machine) bool { return !m.Alive() })
	for _, m := range alive {
		if m.Request == "" {
			b.Errorf("machine %s is owned, but its request is not told", m.ID)
		}
	}
	return ids(alive)
}
