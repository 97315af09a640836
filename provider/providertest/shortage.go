package providertest

import (
	"slices"

	"github.com/openhostfactory/ohfp"
)

func shortageCases() []Case {
	return []Case{
		{Name: "fewer than asked for are machines and failures", Needs: []Capability{CanPlain, CanExhaust}, check: fewer},
		{Name: "none at all is a capacity error and leaves nothing", Needs: []Capability{CanPlain, CanExhaust}, check: none},
		{Name: "after a shortage another offering is chosen", Needs: []Capability{CanPlain, CanSeveral, CanExhaust}, check: nextOffering},
	}
}

func fewer(b *bench) {
	order := b.prepare(b.ask(Plain, 5))
	b.room(order, 2)
	launched, err := b.try(b.p, order)
	if err != nil {
		b.Fatalf("launching 5 with room for 2: %v; fewer than asked for is no error", err)
	}
	if len(launched.Machines) != 2 || len(launched.Failures) == 0 {
		b.Fatalf("launching 5 with room for 2 brought %d machines and %d failures; want 2 and at least one", len(launched.Machines), len(launched.Failures))
	}
	for _, f := range launched.Failures {
		if f.Code == "" || f.Offering == "" {
			b.Errorf("failure %+v names no code or no offering", f)
		}
	}
	b.same("machines that exist", b.live(), ids(launched.Machines))
}

func none(b *bench) {
	order := b.prepare(b.ask(Plain, 2))
	b.room(order, 0)
	launched, err := b.try(b.p, order)
	b.wantKind("launching without room", err, ohfp.ErrCapacity)
	if len(launched.Machines) != 0 || len(launched.Failures) == 0 {
		b.Errorf("launching without room brought %d machines and %d failures; want none and at least one", len(launched.Machines), len(launched.Failures))
	}
	b.same("machines that exist", b.live(), nil)
	if b.h.Resources != nil {
		if left := b.h.Resources(b.TB); len(left) > 0 {
			b.Errorf("launching without room left the resources %v", left)
		}
	}
}

func nextOffering(b *bench) {
	ask := b.ask(Several, 2)
	order := b.prepare(ask)
	full := b.offerings(order)[0]
	b.h.Exhaust(full, 0)
	launched, err := b.try(b.p, order)
	if len(b.offerings(order)) > 1 {
		// One call asks for several offerings, so it finds the next one itself.
		if err != nil || len(launched.Machines) != 2 {
			b.Fatalf("with one of several offerings full, launching 2 brought %d: %v", len(launched.Machines), err)
		}
		return
	}
	b.wantKind("launching without room", err, ohfp.ErrCapacity)
	if launched.Exhausted {
		b.Errorf("one of several offerings is full, and the launch says that no other is left")
	}
	ask.Attempt = 2
	b.p = b.open() // what is full must be remembered between processes
	next := b.prepare(ask)
	if slices.Contains(b.offerings(next), full) {
		b.Fatalf("%s is full, and the next order asks for it again", full)
	}
	launched = b.launch(next)
	b.same("machines that exist", b.live(), ids(launched.Machines))
}
