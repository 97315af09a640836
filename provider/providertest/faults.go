package providertest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

func faultCases() []Case {
	return []Case{
		{Name: "calls return promptly when their context has ended", check: cancelled},
		{Name: "calls that hang return promptly when their context ends", Needs: []Capability{CanHang}, check: hanging},
		{Name: "throttling is told as such and the order can be repeated", Needs: []Capability{CanThrottle}, check: throttled},
		{Name: "denial names the action", Needs: []Capability{CanDeny}, check: denied},
		{Name: "close twice", check: closeTwice},
	}
}

// promptly fails unless do returns with an error soon.
func (b *bench) promptly(what string, do func() error) {
	b.Helper()
	result := make(chan error, 1)
	go func() { result <- do() }()
	select {
	case err := <-result:
		if err == nil {
			b.Errorf("%s: no error although the context has ended", what)
		} else if !ohfp.OutcomeUnknown(err) {
			b.Errorf("%s: the context has ended, and the error pretends to know the outcome: %v", what, err)
		}
	case <-time.After(prompt):
		b.Fatalf("%s: still running %s after its context ended", what, prompt)
	}
}

func cancelled(b *bench) {
	ask := b.ask(b.h.plain(), 1)
	order := b.prepare(ask)
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	unknown := []ohfp.Machine{{Provider: b.h.Name, ID: b.h.UnknownMachine}}
	for what, do := range map[string]func() error{
		"Launch":    func() error { _, err := b.p.Launch(ctx, order); return err },
		"Observe":   func() error { _, err := b.p.Observe(ctx, []provider.Scope{{Request: ask.Request}}); return err },
		"Owned":     func() error { _, err := b.p.Owned(ctx, provider.OwnedFilter{}); return err },
		"Terminate": func() error { _, err := b.p.Terminate(ctx, unknown, nil); return err },
	} {
		b.promptly(what, do)
	}
	if seen, err := b.p.Observe(ctx, []provider.Scope{{Request: ask.Request}}); err != nil && seen.Complete {
		b.Errorf("an observation that failed calls itself complete")
	}
	b.same("machines that exist", b.live(), nil)
}

func hanging(b *bench) {
	order := b.prepare(b.ask(b.h.plain(), 1))
	release := b.h.Hang()
	defer release()
	ctx, cancel := context.WithTimeout(b.Context(), 50*time.Millisecond)
	defer cancel()
	b.promptly("Launch", func() error { _, err := b.p.Launch(ctx, order); return err })
	release()
	launched := b.launch(order)
	b.same("machines that exist", b.live(), ids(launched.Machines))
}

func throttled(b *bench) {
	order := b.prepare(b.ask(b.h.plain(), 1))
	defer b.h.Throttle(0)
	b.h.Throttle(1_000_000)
	_, err := b.try(b.p, order)
	b.wantKind("launching while the cloud throttles", err, ohfp.ErrThrottled)
	b.same("machines that exist", b.live(), nil)
	b.h.Throttle(0)
	launched := b.launch(order)
	b.same("machines that exist", b.live(), ids(launched.Machines))
}

func denied(b *bench) {
	order := b.prepare(b.ask(b.h.plain(), 1))
	defer b.h.Deny(false)
	b.h.Deny(true)
	_, err := b.try(b.p, order)
	b.wantKind("launching without the right to", err, ohfp.ErrDenied)
	var refusal *ohfp.CloudError
	if !errors.As(err, &refusal) || refusal.Operation == "" || !strings.Contains(err.Error(), refusal.Operation) {
		b.Errorf("the error does not name the action that was denied: %v", err)
	}
	b.same("machines that exist", b.live(), nil)
}

func closeTwice(b *bench) {
	p := b.h.New(b.TB)
	for _, when := range []string{"the first time", "the second time"} {
		if err := p.Close(); err != nil {
			b.Errorf("closing %s: %v", when, err)
		}
	}
	if _, err := b.p.Owned(b.Context(), provider.OwnedFilter{}); err != nil {
		b.Errorf("closing one provider broke another: %v", err)
	}
}
