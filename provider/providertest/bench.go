package providertest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

const (
	// step is how far time is turned between two looks.
	step = 15 * time.Second
	// prompt is how long, in real time, a call may take to notice that its context has ended.
	prompt = 5 * time.Second
)

// bench is where one case works: a harness, a provider on it, and what the case has launched.
type bench struct {
	testing.TB
	h         Harness
	p         provider.Provider
	requests  map[string]ohfp.RequestID // by the order's token
	resources map[string]bool           // to be retired
	told      map[string]ohfp.Target    // of what launches by itself
	ending    map[ohfp.MachineID]bool
	foreign   map[ohfp.MachineID]bool
}

// open opens one more provider, closed when the test ends.
func (b *bench) open() provider.Provider {
	b.Helper()
	p := b.h.New(b.TB)
	b.Cleanup(func() {
		if err := p.Close(); err != nil {
			b.Errorf("closing the provider: %v", err)
		}
	})
	return p
}

func (b *bench) request() ohfp.RequestID {
	return ohfp.NewRequestID(ohfp.TypeAcquire, time.Now())
}

func (b *bench) ask(kind Kind, count int) provider.Ask {
	return provider.Ask{Request: b.request(), Attempt: 1, Template: b.h.Templates[kind], Count: count}
}

// prepare makes an order and sends it through JSON, as a store does before it is carried out.
func (b *bench) prepare(ask provider.Ask) ohfp.Order {
	b.Helper()
	order, err := b.p.Prepare(b.Context(), ask)
	if err != nil {
		b.Fatalf("preparing %d of template %s: %v", ask.Count, ask.Template.ID, err)
	}
	if order.API == "" || order.Token == "" || order.Count != ask.Count || !json.Valid(order.Call) {
		b.Fatalf("the order has no API, no token, another count than %d or a call that is no JSON: %+v", ask.Count, order)
	}
	b.requests[order.Token] = ask.Request
	return b.stored(order)
}

func (b *bench) stored(order ohfp.Order) ohfp.Order {
	b.Helper()
	text, err := json.Marshal(order)
	if err != nil {
		b.Fatalf("storing the order: %v", err)
	}
	var read ohfp.Order
	if err := json.Unmarshal(text, &read); err != nil {
		b.Fatalf("reading the stored order: %v", err)
	}
	return read
}

// launch carries out an order that must bring all that it asks for.
func (b *bench) launch(order ohfp.Order) provider.Launched {
	b.Helper()
	launched, err := b.try(b.p, order)
	if err != nil {
		b.Fatalf("launching %d, %s: %v", order.Count, order.Offering, err)
	}
	launched = b.came(order, launched)
	if got := units(launched.Machines); got < order.Count {
		b.Fatalf("launching %d brought %d; failures: %v", order.Count, got, launched.Failures)
	}
	return launched
}

// try carries out an order and notes what has to be retired.
func (b *bench) try(p provider.Provider, order ohfp.Order) (provider.Launched, error) {
	launched, err := p.Launch(b.Context(), order)
	b.note(order, launched)
	return launched, err
}

// note keeps in mind what has to be retired, and what must be told to launch no more before that.
func (b *bench) note(order ohfp.Order, launched provider.Launched) {
	if launched.Resource == "" {
		return
	}
	if _, known := b.told[launched.Resource]; order.Async && !known {
		b.told[launched.Resource] = order.Target
	}
	if order.Retires && (order.Async || len(launched.Machines) > 0) {
		b.resources[launched.Resource] = true
	}
}

// came adds the machines of an order whose resource launches by itself, once they are up.
func (b *bench) came(order ohfp.Order, launched provider.Launched) provider.Launched {
	b.Helper()
	if !order.Async {
		return launched
	}
	scope := provider.Scope{Request: b.requests[order.Token], Resources: []string{launched.Resource}}
	b.await(scope, "up", func(seen []ohfp.Machine) bool {
		launched.Machines = slices.DeleteFunc(slices.Clone(seen), func(m ohfp.Machine) bool {
			return !m.Ready() || m.Resource != launched.Resource
		})
		return units(launched.Machines) >= order.Count
	})
	return launched
}

// start launches n machines for a request of their own.
func (b *bench) start(n int) (ohfp.RequestID, provider.Launched) {
	b.Helper()
	ask := b.ask(b.h.plain(), n)
	return ask.Request, b.launch(b.prepare(ask))
}

// observe looks, and fails unless the look is complete.
func (b *bench) observe(scopes ...provider.Scope) []ohfp.Machine {
	b.Helper()
	seen, err := b.p.Observe(b.Context(), scopes)
	if err != nil || !seen.Complete {
		b.Fatalf("observing: complete %t, error %v", seen.Complete, err)
	}
	if seen.ObservedAt.IsZero() {
		b.Fatalf("observing: ObservedAt is zero; it must say when the read began")
	}
	return seen.Machines
}

// await looks, and lets time pass, until what it sees of the request satisfies.
func (b *bench) await(scope provider.Scope, what string, satisfied func([]ohfp.Machine) bool) []ohfp.Machine {
	b.Helper()
	for waited := time.Duration(0); ; waited += step {
		seen := b.observe(scope)
		if satisfied(seen) {
			return seen
		}
		if waited >= b.patience() {
			b.Fatalf("not %s within %s; seen: %s", what, b.patience(), describe(seen))
		}
		b.h.Advance(step)
	}
}

// up waits until n machines of the request run and have name and address.
func (b *bench) up(request ohfp.RequestID, n int) []ohfp.Machine {
	b.Helper()
	return b.await(b.scope(request), "up", func(seen []ohfp.Machine) bool {
		ready := 0
		for _, m := range seen {
			if m.Ready() {
				ready++
			}
		}
		return ready == n && len(seen) == n
	})
}

// scope is what is known of a request before its launch was answered.
func (b *bench) scope(request ohfp.RequestID) provider.Scope {
	return provider.Scope{Request: request, Open: b.h.plain() != Plain}
}

// end orders the end of machines, all of which must be accepted. What launches by itself is told to have fewer.
func (b *bench) end(machines []ohfp.Machine) {
	b.Helper()
	if len(b.told) > 0 {
		b.shrink(machines, b.lowered(machines))
		return
	}
	accepted, err := b.p.Terminate(b.Context(), machines, nil)
	if err != nil {
		b.Fatalf("terminating %v: %v", ids(machines), err)
	}
	b.accepted(accepted, ids(machines))
}

// lowered are the targets without machines that are to end.
func (b *bench) lowered(machines []ohfp.Machine) []ohfp.ResourceTarget {
	changed := map[string]bool{}
	for _, m := range machines {
		if target, ok := b.told[m.Resource]; ok && !b.ending[m.ID] {
			b.told[m.Resource], b.ending[m.ID], changed[m.Resource] = less(target, m.Units()), true, true
		}
	}
	var targets []ohfp.ResourceTarget
	for resource := range changed {
		targets = append(targets, ohfp.ResourceTarget{Resource: resource, Target: b.told[resource]})
	}
	return targets
}

// less is a target without n units, of whichever lifecycle it has.
func less(t ohfp.Target, n int) ohfp.Target {
	spot := min(n, t.Spot)
	return ohfp.Target{Spot: t.Spot - spot, OnDemand: t.OnDemand - (n - spot)}
}

// accepted checks that just these machines count as ended.
func (b *bench) accepted(accepted []provider.Ended, want []ohfp.MachineID) {
	b.Helper()
	var got []ohfp.MachineID
	for _, e := range accepted {
		got = append(got, e.Machine)
		if e.State != ohfp.MachineShuttingDown && e.State != ohfp.MachineTerminated {
			b.Errorf("machine %s was accepted with state %q; want %s or %s", e.Machine, e.State, ohfp.MachineShuttingDown, ohfp.MachineTerminated)
		}
	}
	b.same("machines accepted to end", got, want)
}

// live lists what exists, without the machines of others.
func (b *bench) live() []ohfp.MachineID {
	b.Helper()
	return slices.DeleteFunc(slices.Clone(b.h.Live(b.TB)), func(id ohfp.MachineID) bool { return b.foreign[id] })
}

// gone lets time pass until nothing but the given machines exists.
func (b *bench) gone(but ...ohfp.MachineID) {
	b.Helper()
	for waited := time.Duration(0); ; waited += step {
		if left := b.live(); len(left) <= len(but) || waited >= b.patience() {
			b.same("machines that exist", left, but)
			return
		}
		b.h.Advance(step)
	}
}

func (b *bench) same(what string, got, want []ohfp.MachineID) {
	b.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if diff := cmp.Diff(want, got); diff != "" {
		b.Fatalf("%s are not the expected ones (-want +got):\n%s", what, diff)
	}
}

// wantKind fails unless err is of the kind.
func (b *bench) wantKind(what string, err, kind error) {
	b.Helper()
	if ohfp.KindOf(err) != kind {
		b.Fatalf("%s: error %v, want one of kind %q", what, err, kind)
	}
}

// calls is how many calls do makes; none are counted when the harness cannot.
func (b *bench) calls(do func()) Calls {
	if b.h.Calls == nil {
		do()
		return Calls{}
	}
	before := b.h.Calls()
	do()
	after := b.h.Calls()
	return Calls{Reading: after.Reading - before.Reading, Mutating: after.Mutating - before.Mutating}
}

// tidy ends everything that the case has launched and checks that nothing is left.
func (b *bench) tidy() {
	b.Helper()
	if b.h.Leaves != "" {
		b.Logf("what was launched is left: %s", b.h.Leaves)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.Context()), time.Minute)
	defer cancel()
	for waited := time.Duration(0); ; waited += step {
		left, err := b.clear(ctx)
		if len(left) == 0 && err == nil {
			break
		}
		if waited >= b.patience() {
			b.Errorf("after everything was ended, machines %v are left; last error: %v", left, err)
			break
		}
		b.h.Advance(step)
	}
	for foreign := range b.foreign {
		if !slices.Contains(b.h.Live(b.TB), foreign) {
			b.Errorf("machine %s, which belongs to somebody else, was ended", foreign)
		}
	}
	if b.h.Resources != nil {
		if left := b.h.Resources(b.TB); len(left) > 0 {
			b.Errorf("after everything was ended and retired, resources %v are left", left)
		}
	}
}

// clear does one round of clearing away and returns the machines that still exist.
func (b *bench) clear(ctx context.Context) ([]ohfp.MachineID, error) {
	p := b.h.New(b.TB)
	defer func() { _ = p.Close() }()
	owned, failed := p.Owned(ctx, provider.OwnedFilter{})
	alive := slices.DeleteFunc(owned.Machines, func(m ohfp.Machine) bool { return b.foreign[m.ID] || !m.Alive() })
	targets := make([]ohfp.ResourceTarget, 0, len(b.told))
	for resource := range b.told {
		targets = append(targets, ohfp.ResourceTarget{Resource: resource})
	}
	if len(alive)+len(targets) > 0 {
		_, err := p.Terminate(ctx, alive, targets)
		failed = errors.Join(failed, err)
	}
	left := b.live()
	if len(left) == 0 {
		for resource := range b.resources {
			failed = errors.Join(failed, p.Retire(ctx, resource))
		}
	}
	return left, failed
}

func (b *bench) patience() time.Duration {
	if b.h.Patience > 0 {
		return b.h.Patience
	}
	return 10 * time.Minute
}

func (b *bench) many() int {
	if b.h.Many > 0 {
		return b.h.Many
	}
	return 50
}

func (b *bench) offerings(order ohfp.Order) []string {
	if b.h.Offerings == nil {
		return []string{order.Offering}
	}
	return b.h.Offerings(order)
}

// room leaves room for n machines in all that the order asks for.
func (b *bench) room(order ohfp.Order, n int) {
	for _, offering := range b.offerings(order) {
		b.h.Exhaust(offering, n)
		n = 0
	}
}

func units(machines []ohfp.Machine) int {
	sum := 0
	for _, m := range machines {
		sum += m.Units()
	}
	return sum
}

func ids(machines []ohfp.Machine) []ohfp.MachineID {
	out := make([]ohfp.MachineID, len(machines))
	for i, m := range machines {
		out[i] = m.ID
	}
	return out
}

func describe(machines []ohfp.Machine) string {
	text := ""
	for _, m := range machines {
		text += "\n  " + string(m.ID) + " " + string(m.State) + " name " + m.Name + " address " + m.PrivateIP
	}
	if text == "" {
		return "nothing"
	}
	return text
}
