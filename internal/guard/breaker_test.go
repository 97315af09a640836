package guard_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/guard"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
)

// cloud answers every call with err, after took.
type cloud struct {
	provider.Provider // nil: what a test does not expect is a panic
	err               error
	took              time.Duration
	calls             atomic.Int32
}

func (c *cloud) answer() error {
	c.calls.Add(1)
	time.Sleep(c.took)
	return c.err
}

func (c *cloud) Prepare(context.Context, provider.Ask) (ohfp.Order, error) {
	return ohfp.Order{}, c.answer()
}

func (c *cloud) Launch(context.Context, ohfp.Order) (provider.Launched, error) {
	return provider.Launched{}, c.answer()
}

func (c *cloud) Observe(context.Context, []provider.Scope) (provider.Observation, error) {
	return provider.Observation{Complete: c.err == nil}, c.answer()
}

func (c *cloud) Retire(context.Context, string) error { return c.answer() }

func (c *cloud) Owned(context.Context, provider.OwnedFilter) (provider.Observation, error) {
	return provider.Observation{}, c.answer()
}

func (c *cloud) Terminate(context.Context, []ohfp.Machine, []ohfp.ResourceTarget) ([]provider.Ended, error) {
	return nil, c.answer()
}

func (c *cloud) Health(context.Context) (string, error) { return "somebody", c.answer() }

// written counts what is written to a memory.
type written struct {
	*fake.Memory
	writes atomic.Int32
}

func (w *written) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) (bool, error) {
	w.writes.Add(1)
	return w.Memory.Swap(ctx, key, old, value, ttl)
}

func (w *written) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	w.writes.Add(1)
	return w.Memory.Remember(ctx, key, value, ttl)
}

func (w *written) Forget(ctx context.Context, prefix string) error {
	w.writes.Add(1)
	return w.Memory.Forget(ctx, prefix)
}

// process is a breaker as one process has it.
func process(c *cloud, memory provider.Memory) *guard.Breaker {
	return &guard.Breaker{
		Provider: c, Name: "aws-1", Memory: memory, Now: time.Now, Log: slog.New(slog.DiscardHandler), Failures: 3, OpenFor: 30 * time.Second,
	}
}

func launch(t *testing.T, b *guard.Breaker) error {
	t.Helper()
	_, err := b.Launch(t.Context(), ohfp.Order{})
	return err
}

func unavailable() error {
	return ohfp.Errorf(ohfp.ErrUnavailable, "RunInstances: AWS cannot be reached")
}

// TestOneShotProcesses: every call comes from a process of its own, as scripts' do.
func TestOneShotProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory, c := fake.NewMemory(time.Now), &cloud{err: unavailable()}
		for range 3 {
			if err := launch(t, process(c, memory)); !errors.Is(err, c.err) {
				t.Fatalf("the cloud's own error is %v", err)
			}
			time.Sleep(5 * time.Second)
		}
		err := launch(t, process(c, memory))
		if !errors.Is(err, ohfp.ErrUnavailable) || c.calls.Load() != 3 {
			t.Fatalf("after 3 failures: %v, the cloud was called %d times", err, c.calls.Load())
		}
		for _, part := range []string{"aws-1", "launch fails since 00:00:00", "AWS cannot be reached", "tried again at 00:00:40"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not tell %q", err, part)
			}
		}
		if _, err := process(c, memory).Prepare(t.Context(), provider.Ask{}); !errors.Is(err, ohfp.ErrUnavailable) || c.calls.Load() != 3 {
			t.Errorf("an order is prepared that cannot be launched: %v, %d calls", err, c.calls.Load())
		}
		if _, err := process(c, memory).Observe(t.Context(), nil); !errors.Is(err, c.err) || c.calls.Load() != 4 {
			t.Errorf("another operation is held back too: %v", err)
		}

		time.Sleep(31 * time.Second) // one call finds out that nothing is better, others do not
		c.took = 5 * time.Second
		first := make(chan error)
		go func() { first <- launch(t, process(c, memory)) }()
		synctest.Wait()
		if err := launch(t, process(c, memory)); err == nil || !strings.Contains(err.Error(), "another call is finding out") || c.calls.Load() != 5 {
			t.Errorf("beside the call that finds out: %v, %d calls", err, c.calls.Load())
		}
		if err := <-first; !errors.Is(err, c.err) {
			t.Errorf("the call that finds out was not made: %v", err)
		}
		if err := launch(t, process(c, memory)); err == nil || c.calls.Load() != 5 {
			t.Errorf("after it: %v, %d calls", err, c.calls.Load())
		}

		time.Sleep(31 * time.Second)
		c.err = nil
		for range 5 {
			if err := launch(t, process(c, memory)); err != nil {
				t.Errorf("the cloud works again, but: %v", err)
			}
		}
		left, err := memory.RecallPrefix(t.Context(), "breaker/aws-1/launch")
		if err != nil || len(left) > 0 {
			t.Errorf("what is left of the trouble: %v, error %v", left, err)
		}
	})
}

func TestTerminateIsNeverHeldBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &cloud{err: unavailable()}
		b := process(c, fake.NewMemory(time.Now))
		for range 10 {
			if err := launch(t, b); err == nil {
				t.Fatal("the cloud works")
			}
			time.Sleep(5 * time.Second)
		}
		before := c.calls.Load()
		if before == 10 {
			t.Fatal("nothing is held back: the test proves nothing")
		}
		for range 10 {
			if _, err := b.Terminate(t.Context(), nil, nil); !errors.Is(err, c.err) {
				t.Fatalf("ending machines: %v", err)
			}
		}
		if c.calls.Load() != before+10 {
			t.Errorf("of 10 orders to end machines %d reached the cloud", c.calls.Load()-before)
		}
	})
}

func TestOnlyUnavailabilityCounts(t *testing.T) {
	t.Parallel()
	for _, kind := range []error{ohfp.ErrInvalid, ohfp.ErrThrottled, ohfp.ErrCapacity, ohfp.ErrDenied, ohfp.ErrNotFound, ohfp.ErrConflict} {
		synctest.Test(t, func(t *testing.T) {
			c := &cloud{err: ohfp.Errorf(kind, "no")}
			b := process(c, fake.NewMemory(time.Now))
			for range 10 {
				if err := launch(t, b); !errors.Is(err, c.err) {
					t.Fatalf("%v: %v", kind, err)
				}
				time.Sleep(5 * time.Second)
			}
			// An answer, whatever it is, ends a row of failures.
			for _, err := range []error{unavailable(), unavailable(), c.err, unavailable(), unavailable(), nil} {
				if c.err = err; !errors.Is(launch(t, b), err) {
					t.Errorf("%v between failures: held back", kind)
				}
				time.Sleep(5 * time.Second)
			}
		})
	}
}

// TestImpatientCallersDoNotCount: a budget that something else has spent says nothing about the cloud.
func TestImpatientCallersDoNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &cloud{err: ohfp.Errorf(ohfp.ErrTimeout, "AWS did not answer in time"), took: time.Second + time.Millisecond}
		b := process(c, fake.NewMemory(time.Now))
		call := func(budget time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), budget)
			defer cancel()
			_, _ = b.Launch(ctx, ohfp.Order{})
		}
		for range 10 {
			call(time.Second)
		}
		if c.calls.Load() != 10 {
			t.Errorf("%d of 10 hurried calls were made", c.calls.Load())
		}
		c.took = 20*time.Second + time.Millisecond
		for range 10 {
			call(20 * time.Second)
		}
		if c.calls.Load() != 13 {
			t.Errorf("%d calls to a cloud that does not answer, want 3", c.calls.Load()-10)
		}
	})
}

// TestABlipHoldsNothingBack: many processes fail at once while a line is down for a moment.
func TestABlipHoldsNothingBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory, c := fake.NewMemory(time.Now), &cloud{err: unavailable(), took: time.Second}
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() { _ = launch(t, process(c, memory)) })
		}
		group.Wait()
		c.err = nil
		if err := launch(t, process(c, memory)); err != nil {
			t.Error(err)
		}
	})
}

func TestNothingIsWrittenWhileNothingFails(t *testing.T) {
	t.Parallel()
	memory := &written{Memory: fake.NewMemory(time.Now)}
	b := process(&cloud{}, memory)
	for range 100 {
		if err := launch(t, b); err != nil {
			t.Fatal(err)
		}
	}
	if n := memory.writes.Load(); n != 0 {
		t.Errorf("%d writes for 100 calls that worked", n)
	}
}

func TestLostMemoryHoldsNothingBack(t *testing.T) {
	t.Parallel()
	c := &cloud{err: unavailable()}
	b := process(c, lost{})
	for range 10 {
		if err := launch(t, b); !errors.Is(err, c.err) {
			t.Fatal(err)
		}
	}
}

type lost struct{ provider.Memory }

var errLost = errors.New("disk full")

func (lost) Recall(context.Context, string) ([]byte, bool, error) { return nil, false, errLost }

func (lost) RecallPrefix(context.Context, string) (map[string][]byte, error) { return nil, errLost }

func TestCapabilitiesStayReachable(t *testing.T) {
	t.Parallel()
	var p provider.Provider = process(&cloud{}, fake.NewMemory(time.Now))
	if _, hidden := p.(provider.HealthChecker); hidden {
		t.Fatal("the breaker has the capability itself: the test proves nothing")
	}
	checker, ok := provider.As[provider.HealthChecker](p)
	if !ok {
		t.Fatal("the breaker hides a capability")
	}
	if who, err := checker.Health(t.Context()); err != nil || who != "somebody" {
		t.Errorf("health is %q, error %v", who, err)
	}
	if _, ok := provider.As[provider.Pricer](p); ok {
		t.Error("a capability that the provider lacks was found")
	}
}

func BenchmarkClosed(b *testing.B) {
	breaker := process(&cloud{}, fake.NewMemory(time.Now))
	for b.Loop() {
		_, _ = breaker.Launch(b.Context(), ohfp.Order{})
	}
}
