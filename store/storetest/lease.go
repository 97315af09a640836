package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

func leaseTests() []test {
	return []test{
		{"life", leaseLife},
		{"tokens", leaseTokens},
		{"renewal of many", leaseRenewal},
		{"list", leaseList},
		{"taken at once", leaseAtOnce},
		{"bounds", leaseBounds},
		{"writes under a lease", leaseFence},
		{"writes under a lease that is lost meanwhile", leaseLostInside},
		{"writes under two leases", leaseNested},
	}
}

const ttl = 6 * time.Second

func take(t *testing.T, s store.Store, name, holder string) store.Lease {
	t.Helper()
	l, err := s.Lease(t.Context(), name, holder, ttl)
	must(t, err)
	return l
}

func leaseLife(s bench) {
	t := s.t
	a := take(t, s, "shard", "a")
	same(t, a, store.Lease{Name: "shard", Holder: "a", Token: a.Token, Until: start().Add(ttl).UTC()})
	if a.Token < 1 {
		t.Errorf("token is %d, want one", a.Token)
	}
	s.clock.pass(ttl - 1)
	_, err := s.Lease(t.Context(), "shard", "b", ttl)
	want(t, err, ohfp.ErrConflict)
	for _, part := range []string{"shard", "held by a", a.Until.Format(time.RFC3339Nano)} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
	again := take(t, s, "shard", "a")
	if again.Token != a.Token || !again.Until.Equal(s.clock.Now().Add(ttl)) {
		t.Errorf("renewed is %+v, was %+v", again, a)
	}
	s.clock.pass(ttl) // nobody wanted it
	if again = take(t, s, "shard", "a"); again.Token != a.Token {
		t.Errorf("token is %d, was %d, without another holder", again.Token, a.Token)
	}
	s.clock.pass(ttl)
	b := take(t, s, "shard", "b")
	if b.Token <= a.Token || b.Holder != "b" {
		t.Errorf("taken over is %+v, was %+v", b, a)
	}
	must(t, s.Release(t.Context(), again)) // it is b's by now
	_, err = s.Lease(t.Context(), "shard", "a", ttl)
	want(t, err, ohfp.ErrConflict)
	must(t, s.Release(t.Context(), b))
	must(t, s.Release(t.Context(), b))
	must(t, s.Release(t.Context()))
	if back := take(t, s, "shard", "a"); back.Token <= b.Token {
		t.Errorf("token is %d, was %d", back.Token, b.Token)
	}
	take(t, s, "another", "b")
}

// leaseTokens: they rise for ever, also when nothing is left of the lease before.
func leaseTokens(s bench) {
	t := s.t
	last := int64(0)
	for i := range 6 {
		l := take(t, s, "shard", fmt.Sprint("holder ", i%2))
		if l.Token <= last {
			t.Fatalf("token %d follows %d", l.Token, last)
		}
		last = l.Token
		switch i % 3 {
		case 0:
			must(t, s.Release(t.Context(), l))
		case 1:
			s.clock.pass(time.Hour)
		default:
			s.clock.pass(time.Hour)
			done, err := s.Compact(t.Context(), s.clock.Now())
			must(t, err)
			same(t, done, store.Compacted{Leases: 1})
		}
	}
}

func leaseRenewal(s bench) {
	t := s.t
	a, b, c := take(t, s, "a", "one"), take(t, s, "b", "one"), take(t, s, "c", "one")
	s.clock.pass(ttl + time.Second)
	taken := take(t, s, "b", "two")
	got, err := s.Renew(t.Context(), ttl, a, b, c, store.Lease{Name: "d", Holder: "one", Token: 99})
	must(t, err)
	a.Until, c.Until = s.clock.Now().Add(ttl).UTC(), s.clock.Now().Add(ttl).UTC()
	same(t, got, []store.Lease{a, c})
	all, err := s.Leases(t.Context(), "")
	must(t, err)
	same(t, all, []store.Lease{a, taken, c})
	got, err = s.Renew(t.Context(), ttl)
	must(t, err)
	same(t, got, []store.Lease(nil))
}

func leaseList(s bench) {
	t := s.t
	list := func(prefix string, want ...store.Lease) {
		t.Helper()
		got, err := s.Leases(t.Context(), prefix)
		must(t, err)
		same(t, got, want)
	}
	list("")
	lapsed := take(t, s, "shard/3", "a")
	list("", lapsed)
	s.clock.pass(ttl)
	list("")
	b, a, odd := take(t, s, "shard/2", "b"), take(t, s, "shard/1", "a"), take(t, s, "Shard/1", "é \"'%_")
	list("shard/", a, b)
	list("", odd, a, b)
	list("shard/2", b)
	list("shard_")
	list("x")
}

func leaseAtOnce(s bench) {
	t := s.t
	var won, lost atomic.Int32
	inParallel(12, func(i int) {
		_, err := s.Lease(t.Context(), "shard", fmt.Sprint("holder ", i), ttl)
		switch {
		case err == nil:
			won.Add(1)
		case ohfp.KindOf(err) == ohfp.ErrConflict:
			lost.Add(1)
		default:
			t.Errorf("take: %v", err)
		}
	})
	if won.Load() != 1 || lost.Load() != 11 {
		t.Errorf("%d have it and %d do not, want 1 and 11", won.Load(), lost.Load())
	}
}

func leaseBounds(s bench) {
	t := s.t
	long := strings.Repeat("x", 255)
	take(t, s, long, long)
	for _, c := range []struct {
		name, holder string
		ttl          time.Duration
	}{
		{"", "a", ttl},
		{"a", "", ttl},
		{long + "x", "a", ttl},
		{"a", long + "x", ttl},
		{"a", "a", 0},
		{"a", "a", -time.Second},
	} {
		_, err := s.Lease(t.Context(), c.name, c.holder, c.ttl)
		want(t, err, ohfp.ErrInvalid)
	}
}

// writes are all methods that write, each of which changes something when it is called for the nth time.
func writes(t *testing.T, id ohfp.RequestID, n int) map[string]func(ctx context.Context, s store.Store) error {
	t.Helper()
	fresh, _ := acquire(t, 1, start())
	key := fmt.Sprint("key ", n)
	event := ohfp.Event{Kind: ohfp.RequestChanged, Message: key}
	return map[string]func(ctx context.Context, s store.Store) error{
		"Remember": func(ctx context.Context, s store.Store) error { return s.Remember(ctx, key, nil, time.Hour) },
		"Swap": func(ctx context.Context, s store.Store) error {
			_, err := s.Swap(ctx, key+" swapped", nil, []byte("x"), time.Hour)
			return err
		},
		"Forget": func(ctx context.Context, s store.Store) error { return s.Forget(ctx, "kept") },
		"CreateRequest": func(ctx context.Context, s store.Store) error {
			return s.CreateRequest(ctx, fresh, store.Limits{}, event)
		},
		"UpdateRequest": func(ctx context.Context, s store.Store) error {
			_, err := s.UpdateRequest(ctx, id, touchless(func(r *ohfp.Request) { r.Count++ }))
			return err
		},
		"PutTemplate": func(ctx context.Context, s store.Store) error {
			return s.PutTemplate(ctx, ohfp.Template{ID: "t", MaxNumber: n + 2}, event)
		},
		"DeleteTemplate": func(ctx context.Context, s store.Store) error { return s.DeleteTemplate(ctx, "kept", event) },
		"Advance": func(ctx context.Context, s store.Store) error {
			_, err := s.Advance(ctx, key, 0, 1)
			return err
		},
		"Lease": func(ctx context.Context, s store.Store) error {
			_, err := s.Lease(ctx, key, "x", time.Hour)
			return err
		},
		"Compact": func(ctx context.Context, s store.Store) error { _, err := s.Compact(ctx, start()); return err },
	}
}

// leaseFence: who has lost a lease writes nothing more under it, and reads.
func leaseFence(s bench) {
	t := s.t
	ctx := t.Context()
	r := created(t, s, 1, 1)
	must(t, s.PutTemplate(ctx, ohfp.Template{ID: "t", MaxNumber: 1}))
	must(t, s.PutTemplate(ctx, ohfp.Template{ID: "kept"}))
	refused := func(when string, held store.Lease, n int, parts ...string) {
		t.Helper()
		before := [3]any{requests(t, s, store.RequestFilter{Machines: true}), events(t, s, store.EventFilter{}), recalled(s)}
		old := s.Under(held)
		for name, write := range writes(t, r.ID, n) {
			err := write(ctx, old)
			if ohfp.KindOf(err) != ohfp.ErrConflict || !errors.Is(err, store.ErrFenced) {
				t.Errorf("%s: %s under a lost lease: %v", when, name, err)
				continue
			}
			for _, part := range append(parts, held.Name) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s: error %q lacks %q", when, err, part)
				}
			}
		}
		if got := get(t, old, r.ID); got.ID != r.ID {
			t.Errorf("%s: read under a lost lease", when)
		}
		_, err := old.UpdateRequest(ctx, r.ID, touchless(func(*ohfp.Request) {}))
		must(t, err) // nothing is written
		same(t, [3]any{requests(t, s, store.RequestFilter{Machines: true}), events(t, s, store.EventFilter{}), recalled(s)}, before)
	}
	allowed := func(when string, held store.Lease, n int) {
		t.Helper()
		must(t, s.PutTemplate(ctx, ohfp.Template{ID: "kept"}))
		for name, write := range writes(t, r.ID, n) {
			if err := write(ctx, s.Under(held)); err != nil {
				t.Errorf("%s: %s: %v", when, name, err)
			}
		}
		must(t, s.PutTemplate(ctx, ohfp.Template{ID: "kept"}))
	}
	refused("never held", store.Lease{Name: "shard", Holder: "a", Token: 1}, 0)
	refused("no lease", store.Lease{}, 0)
	a := take(t, s, "shard", "a")
	allowed("held", a, 1)
	s.clock.pass(ttl)
	allowed("lapsed, and nobody took it", a, 2)
	b := take(t, s, "shard", "b")
	refused("taken over", a, 3, "held by b now")
	allowed("the new holder", b, 4)
	s.clock.pass(ttl)
	c := take(t, s, "shard", "a")
	refused("the same holder, but another was between", a, 5)
	must(t, s.Release(ctx, c))
	refused("given back", c, 6)
	d := take(t, s, "shard", "d")
	if err := s.Under(d).Close(); err != nil {
		t.Errorf("close a view: %v", err)
	}
	allowed("after a view was closed", d, 7)
}

func recalled(s bench) map[string][]byte {
	all, err := s.RecallPrefix(s.t.Context(), "")
	must(s.t, err)
	return all
}

// leaseLostInside: what counts is who holds the lease when the write happens.
func leaseLostInside(s bench) {
	t := s.t
	r := created(t, s, 1, 1)
	a := take(t, s, "shard", "a")
	calls := 0
	_, err := s.Under(a).UpdateRequest(t.Context(), r.ID, touchless(func(r *ohfp.Request) {
		r.Count = 99
		if calls++; calls == 1 { // a is stopped here for longer than its lease
			s.clock.pass(ttl)
			take(t, s, "shard", "b")
		}
	}))
	want(t, err, ohfp.ErrConflict)
	same(t, get(t, s, r.ID), r)
}

func leaseNested(s bench) {
	t := s.t
	one, two := take(t, s, "one", "a"), take(t, s, "two", "a")
	both := s.Under(one).Under(two)
	must(t, both.Remember(t.Context(), "k", nil, time.Hour))
	must(t, s.Release(t.Context(), one))
	want(t, both.Remember(t.Context(), "k", nil, time.Hour), ohfp.ErrConflict)
	must(t, s.Under(two).Remember(t.Context(), "k", nil, time.Hour))
}
