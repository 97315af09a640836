package providertest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

func launchCases() []Case {
	return []Case{
		{Name: "prepare changes nothing", check: prepareChangesNothing},
		{Name: "orders of different asks have different tokens", check: tokensDiffer},
		{Name: "launch brings a resource and machines", Needs: []Capability{CanPlain}, check: launchBrings},
		{Name: "the same order twice launches once", Needs: []Capability{CanPlain}, check: launchTwice},
		{Name: "different orders launch different machines", check: launchDifferent},
		{Name: "an order whose answer was lost launches once", Needs: []Capability{CanDropReply}, check: lostReply},
		{Name: "weights count as units", Needs: []Capability{CanWeighted}, check: weights},
		{Name: "many orders at once", check: manyOrders},
		{Name: "one order from eight processes at once", check: oneOrderEightTimes},
	}
}

func prepareChangesNothing(b *bench) {
	calls := b.calls(func() {
		for kind := range b.h.Templates {
			b.prepare(b.ask(kind, 2))
		}
	})
	if calls.Mutating > 0 {
		b.Errorf("preparing made %d mutating calls", calls.Mutating)
	}
	b.same("machines that exist", b.live(), nil)
}

func tokensDiffer(b *bench) {
	ask := b.ask(b.h.plain(), 1)
	again, next, other := ask, ask, ask
	next.Attempt = 2
	other.Request = b.request()
	first := b.prepare(ask)
	if second := b.prepare(again); second.Offering == first.Offering && second.Token != first.Token {
		b.Errorf("the same ask got the tokens %s and %s; two processes would launch twice", first.Token, second.Token)
	}
	if b.prepare(next).Token == first.Token {
		b.Errorf("the second attempt has the token of the first; it would launch nothing")
	}
	if b.prepare(other).Token == first.Token {
		b.Errorf("two requests have the same token; one would get the other's machines")
	}
}

func launchBrings(b *bench) {
	ask := b.ask(Plain, 3)
	order := b.prepare(ask)
	launched := b.launch(order)
	if launched.Resource == "" {
		b.Errorf("the launch tells no resource")
	}
	if len(launched.Machines) != 3 || len(launched.Failures) != 0 {
		b.Errorf("launching 3 brought %d machines and the failures %v", len(launched.Machines), launched.Failures)
	}
	for _, m := range launched.Machines {
		if m.ID == "" || m.Provider != b.h.Name || m.Resource != launched.Resource {
			b.Errorf("machine %q has provider %q and resource %q, want %q and %q", m.ID, m.Provider, m.Resource, b.h.Name, launched.Resource)
		}
		if m.State != "" && m.State != ohfp.MachinePending && m.State != ohfp.MachineRunning {
			b.Errorf("machine %s is %s right after its launch", m.ID, m.State)
		}
		if m.Type == "" || m.Zone == "" {
			b.Errorf("machine %s tells type %q and zone %q; both are needed", m.ID, m.Type, m.Zone)
		}
	}
	b.same("machines that exist", b.live(), ids(launched.Machines))
	if order.Retires && b.h.Resources != nil && !slices.Contains(b.h.Resources(b.TB), launched.Resource) {
		b.Errorf("the order is to be retired, but its resource %s is not among %v", launched.Resource, b.h.Resources(b.TB))
	}
}

func launchTwice(b *bench) {
	order := b.prepare(b.ask(Plain, 2))
	first := b.launch(order)
	for who, p := range map[string]provider.Provider{"the same process": b.p, "another process": b.open()} {
		again, err := b.try(p, order)
		if err != nil {
			b.Fatalf("the order again, from %s: %v", who, err)
		}
		b.same("machines of the order again, from "+who+",", ids(again.Machines), ids(first.Machines))
		if again.Resource != first.Resource {
			b.Errorf("the order again, from %s, tells resource %s, not %s", who, again.Resource, first.Resource)
		}
	}
	b.same("machines that exist", b.live(), ids(first.Machines))
}

func launchDifferent(b *bench) {
	ask := b.ask(b.h.plain(), 1)
	first := b.launch(b.prepare(ask))
	ask.Attempt = 2
	second := b.launch(b.prepare(ask))
	if first.Machines[0].ID == second.Machines[0].ID {
		b.Errorf("two attempts got the same machine %s", first.Machines[0].ID)
	}
	b.same("machines that exist", b.live(), append(ids(first.Machines), ids(second.Machines)...))
}

func lostReply(b *bench) {
	order := b.prepare(b.ask(b.h.plain(), 2))
	b.h.DropReply()
	launched, err := b.try(b.p, order)
	if err == nil {
		// The provider's own retry has got the answer.
		launched = b.came(order, launched)
		b.same("machines that exist", b.live(), ids(launched.Machines))
		return
	}
	if !ohfp.OutcomeUnknown(err) {
		b.Fatalf("the answer was lost, but the error says that the outcome is known: %v", err)
	}
	p := b.open()
	again, err := b.try(p, order)
	if err != nil {
		b.Fatalf("the order again: %v", err)
	}
	again = b.came(order, again)
	if len(again.Machines) != 2 {
		b.Errorf("the order again brought %d machines, want 2", len(again.Machines))
	}
	b.same("machines that exist", b.live(), ids(again.Machines))
}

func weights(b *bench) {
	const count = 6
	ask := b.ask(Weighted, count)
	launched := b.launch(b.prepare(ask))
	heaviest := 0
	for _, m := range launched.Machines {
		heaviest = max(heaviest, m.Units())
	}
	if got := units(launched.Machines); got < count || got >= count+heaviest {
		b.Errorf("asking for %d units brought %d in %d machines; at most one machine may be more than needed", count, got, len(launched.Machines))
	}
	known := map[ohfp.MachineID]int{}
	for _, m := range launched.Machines {
		known[m.ID] = m.Units()
	}
	seen := map[ohfp.MachineID]int{}
	for _, m := range b.up(ask.Request, len(launched.Machines)) {
		seen[m.ID] = m.Units()
	}
	if diff := cmp.Diff(known, seen); diff != "" {
		b.Errorf("the units told by the launch are not those observed later (-launch +observed):\n%s", diff)
	}
	b.same("machines that exist", b.live(), ids(launched.Machines))
}

func manyOrders(b *bench) {
	orders := b.many()
	prepared := make([]ohfp.Order, orders)
	for i := range prepared {
		prepared[i] = b.prepare(b.ask(b.h.plain(), 1))
	}
	launched := make([]provider.Launched, orders)
	b.each(orders, func(i int) error {
		var err error
		launched[i], err = b.p.Launch(b.Context(), prepared[i])
		return err
	})
	for i, l := range launched {
		b.note(prepared[i], l)
	}
	var all []ohfp.MachineID
	for i, l := range launched {
		all = append(all, ids(b.came(prepared[i], l).Machines)...)
	}
	if len(all) != orders {
		b.Errorf("%d orders for one machine brought %d", orders, len(all))
	}
	b.same("machines that exist", b.live(), all)
}

func oneOrderEightTimes(b *bench) {
	const processes = 8
	order := b.prepare(b.ask(b.h.plain(), 2))
	opened := make([]provider.Provider, processes)
	for i := range opened {
		opened[i] = b.open()
	}
	launched := make([]provider.Launched, processes)
	b.each(processes, func(i int) error {
		// A cloud may ask for a moment's patience while the first of the calls is under way.
		var err error
		for range 10 {
			if launched[i], err = opened[i].Launch(b.Context(), order); err == nil || !ohfp.OutcomeUnknown(err) {
				break
			}
		}
		return err
	})
	b.note(order, launched[0])
	for i, l := range launched {
		b.same(fmt.Sprintf("machines of process %d", i), ids(l.Machines), ids(launched[0].Machines))
		if l.Resource != launched[0].Resource {
			b.Errorf("process %d was told resource %s, process 0 %s", i, l.Resource, launched[0].Resource)
		}
	}
	came := b.came(order, launched[0])
	b.same("machines that exist", b.live(), ids(came.Machines))
}

// each runs do n times at once and fails when one of them does, or when they do not end.
func (b *bench) each(n int, do func(i int) error) {
	b.Helper()
	failed := make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { failed[i] = do(i) })
	}
	done := make(chan struct{})
	go func() { running.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		b.Fatalf("%d calls at once did not end within a minute", n)
	}
	for i, err := range failed {
		if err != nil {
			b.Fatalf("call %d of %d at once: %v", i, n, err)
		}
	}
}
