package providertest

import (
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

func terminateCases() []Case {
	return []Case{
		{Name: "terminate ends exactly the machines named", check: terminateExactly},
		{Name: "terminated twice is no error", check: terminateTwice},
		{Name: "unknown machines count as ended and do not spoil the others", check: terminateUnknown},
		{Name: "nothing to terminate makes no call", Needs: []Capability{CanCalls}, check: terminateNothing},
		{Name: "the machines of others are never touched", Needs: []Capability{CanForeign}, check: untouched},
		{Name: "retire refuses while a machine lives", Needs: []Capability{CanPlain}, check: retireAlive},
		{Name: "retire removes what is empty and may be repeated", Needs: []Capability{CanPlain}, check: retireEmpty},
		{Name: "retiring what does not exist is no error", check: retireUnknown},
	}
}

func terminateExactly(b *bench) {
	request, launched := b.start(3)
	_, other := b.start(1)
	b.up(request, 3)
	b.end(launched.Machines[:2])
	b.gone(launched.Machines[2].ID, other.Machines[0].ID)
	for _, m := range b.observe(scopeOf(request, launched)) {
		if ended := m.ID != launched.Machines[2].ID; ended == m.Alive() {
			b.Errorf("machine %s is shown as %s", m.ID, m.State)
		}
	}
}

func terminateTwice(b *bench) {
	request, launched := b.start(2)
	b.up(request, 2)
	b.end(launched.Machines)
	b.end(launched.Machines)
	b.gone()
	b.end(launched.Machines)
}

func terminateUnknown(b *bench) {
	request, launched := b.start(2)
	seen := b.up(request, 2)
	// Old enough for its absence to mean that it is gone.
	unknown := ohfp.Machine{
		Provider: b.h.Name, ID: b.h.UnknownMachine, Request: request, LaunchedAt: seen[0].LaunchedAt.Add(-2 * ohfp.GoneAfter),
	}
	b.end([]ohfp.Machine{seen[0], unknown, seen[1]})
	b.gone()
	b.same("machines named", ids(seen), ids(launched.Machines))

	// One that was launched a moment ago may only be not visible yet, so it must not be called terminated.
	another, _ := b.start(1)
	young := unknown
	young.LaunchedAt = b.await(b.scope(another), "visible", func(seen []ohfp.Machine) bool { return len(seen) == 1 })[0].LaunchedAt
	accepted, err := b.p.Terminate(b.Context(), []ohfp.Machine{young}, nil)
	if err != nil {
		b.Fatalf("terminating an unknown machine: %v", err)
	}
	b.accepted(accepted, []ohfp.MachineID{young.ID})
	if accepted[0].State != ohfp.MachineShuttingDown {
		b.Errorf("a young machine that the cloud does not know is called %s; it may not be visible yet, want %s", accepted[0].State, ohfp.MachineShuttingDown)
	}
}

func terminateNothing(b *bench) {
	calls := b.calls(func() { b.end(nil) })
	if calls != (Calls{}) {
		b.Errorf("terminating no machines made the calls %+v", calls)
	}
}

func untouched(b *bench) {
	foreign := b.h.Foreign(b.TB)
	b.foreign[foreign] = true
	request, launched := b.start(1)
	b.up(request, 1)
	for _, m := range b.observe(provider.Scope{Request: request, Resources: []string{launched.Resource}}) {
		if m.ID == foreign {
			b.Errorf("machine %s, which belongs to somebody else, is observed", foreign)
		}
	}
	if slices.Contains(b.owned(provider.OwnedFilter{}), foreign) {
		b.Errorf("machine %s, which belongs to somebody else, is listed as owned", foreign)
	}
	if slices.Contains(b.owned(provider.OwnedFilter{Machines: []ohfp.MachineID{foreign}}), foreign) {
		b.Errorf("machine %s, which belongs to somebody else, is listed as owned when asked for by id", foreign)
	}
	b.end(launched.Machines)
	b.gone()
	if !slices.Contains(b.h.Live(b.TB), foreign) {
		b.Errorf("machine %s, which belongs to somebody else, was ended", foreign)
	}
}

// retiring launches machines by an order that is to be retired.
func (b *bench) retiring(n int) (ohfp.RequestID, provider.Launched) {
	b.Helper()
	ask := b.ask(Plain, n)
	order := b.prepare(ask)
	if !order.Retires {
		b.skip(order.API + " makes nothing that is left to be removed once its machines are gone")
	}
	return ask.Request, b.launch(order)
}

func retireAlive(b *bench) {
	request, launched := b.retiring(2)
	b.up(request, 2)
	b.wantKind("retiring with two machines alive", b.p.Retire(b.Context(), launched.Resource), ohfp.ErrConflict)
	b.end(launched.Machines[:1])
	b.gone(launched.Machines[1].ID)
	b.wantKind("retiring with one machine alive", b.p.Retire(b.Context(), launched.Resource), ohfp.ErrConflict)
	b.same("machines that exist", b.live(), ids(launched.Machines[1:]))
}

func retireEmpty(b *bench) {
	request, launched := b.retiring(2)
	b.up(request, 2)
	b.end(launched.Machines)
	b.gone()
	for _, when := range []string{"the first time", "the second time"} {
		if err := b.p.Retire(b.Context(), launched.Resource); err != nil {
			b.Fatalf("retiring an empty resource %s: %v", when, err)
		}
		if b.h.Resources != nil && slices.Contains(b.h.Resources(b.TB), launched.Resource) {
			b.Fatalf("resource %s exists after it was retired %s", launched.Resource, when)
		}
	}
}

func retireUnknown(b *bench) {
	if err := b.p.Retire(b.Context(), b.h.UnknownResource); err != nil {
		b.Errorf("retiring resource %s, which does not exist: %v", b.h.UnknownResource, err)
	}
}
