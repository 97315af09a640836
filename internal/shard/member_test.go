package shard_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/shard"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
)

const ttl = 6 * time.Second

type group struct {
	t     *testing.T
	now   time.Time
	store store.Store
}

func newGroup(t *testing.T) *group {
	t.Helper()
	g := &group{t: t, now: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)}
	g.store = memory.New(func() time.Time { return g.now })
	return g
}

func (g *group) member(holder string) *shard.Member {
	return &shard.Member{
		Store: g.store, Holder: holder, TTL: ttl, Now: func() time.Time { return g.now }, Log: slog.New(slog.DiscardHandler),
	}
}

// step lets time pass and each of the members look, in their order.
func (g *group) step(members ...*shard.Member) {
	g.t.Helper()
	g.now = g.now.Add(ttl / 3)
	for _, m := range members {
		if err := m.Step(g.t.Context()); err != nil {
			g.t.Fatal(err)
		}
	}
}

// holds checks how many shards each has, and that none is held twice.
func (g *group) holds(counts map[*shard.Member]int) {
	g.t.Helper()
	all := map[int]string{}
	for m, want := range counts {
		held := m.Held()
		if len(held) != want {
			g.t.Errorf("%s holds %d shards, want %d", m.Holder, len(held), want)
		}
		for _, number := range held {
			if other, twice := all[number]; twice {
				g.t.Errorf("shard %d is held by %s and %s", number, other, m.Holder)
			}
			all[number] = m.Holder
		}
	}
	if len(all) != shard.Count {
		g.t.Errorf("%d shards are held, want all %d", len(all), shard.Count)
	}
}

func in(number int) ohfp.RequestID {
	for i := 0; ; i++ {
		if id := ohfp.RequestID(fmt.Sprintf("req-%d", i)); shard.Of(id) == number {
			return id
		}
	}
}

// TestFairShares: members come, stay, leave and die.
func TestFairShares(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	a, b, c := g.member("a"), g.member("b"), g.member("c")
	g.step(a)
	g.holds(map[*shard.Member]int{a: 32})
	g.step(a, b) // a does not know of b yet
	g.step(a, b)
	g.holds(map[*shard.Member]int{a: 16, b: 16})
	before := [2][]int{a.Held(), b.Held()}
	for range 20 {
		g.step(b, a)
	}
	if after := [2][]int{a.Held(), b.Held()}; !slices.Equal(before[0], after[0]) || !slices.Equal(before[1], after[1]) {
		t.Errorf("shards wander: %v, then %v", before, after)
	}
	g.step(a, b, c)
	g.step(a, b, c)
	g.holds(map[*shard.Member]int{a: 11, b: 11, c: 10})
	if got := b.Members(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("members are %v", got)
	}
	if err := c.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.step(a, b) // at once
	g.holds(map[*shard.Member]int{a: 16, b: 16, c: 0})
	died := g.now
	for len(b.Held()) < shard.Count {
		g.step(b)
	}
	if took := g.now.Sub(died); took > ttl+ttl/3 {
		t.Errorf("b has all after %s", took)
	}
	if _, mine := a.Borrow(in(3)); mine {
		t.Error("a believes that it holds a shard, long after its lease")
	}
	g.step(a, b)
	g.step(b, a)
	g.holds(map[*shard.Member]int{a: 16, b: 16})
}

// TestManyMembers: more than there are shards.
func TestManyMembers(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	var all []*shard.Member
	for i := range shard.Count + 3 {
		all = append(all, g.member(fmt.Sprintf("member-%02d", i)))
	}
	g.step(all...)
	g.step(all...)
	g.step(all...)
	counts := map[*shard.Member]int{}
	for i, m := range all {
		if i < shard.Count {
			counts[m] = 1
		} else {
			counts[m] = 0
		}
	}
	g.holds(counts)
}

// TestSurplusInUse: what is under way is finished before its shard is given up, and nothing new is begun in it.
func TestSurplusInUse(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	a, b := g.member("a"), g.member("b")
	g.step(a)
	var done []func()
	for number := range shard.Count {
		share, mine := a.Borrow(in(number))
		if !mine {
			t.Fatalf("shard %d is not lent", number)
		}
		done = append(done, share.Done)
	}
	g.step(a, b)
	g.step(a, b)
	if len(a.Held()) != shard.Count || len(b.Held()) != 0 {
		t.Fatalf("a holds %d and b %d while a uses all", len(a.Held()), len(b.Held()))
	}
	lent := 0
	for number := range shard.Count {
		if share, mine := a.Borrow(in(number)); mine {
			lent++
			share.Done()
		}
	}
	if lent != 16 {
		t.Errorf("%d shards are lent, want the 16 that stay", lent)
	}
	for _, end := range done {
		end()
		end() // once is enough
	}
	g.step(a, b)
	g.holds(map[*shard.Member]int{a: 16, b: 16})
}

// TestStopped: a member that was stopped and goes on cannot write, and knows before it has asked.
func TestStopped(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	a, b := g.member("a"), g.member("b")
	g.step(a)
	id := in(7)
	share, mine := a.Borrow(id)
	if !mine || !share.Sure() {
		t.Fatalf("mine %t, sure", mine)
	}
	if err := g.store.CreateRequest(t.Context(), ohfp.Request{ID: id, Type: ohfp.TypeAcquire, Status: ohfp.StatusPending}, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	write := func(s store.Store) error {
		_, err := s.UpdateRequest(t.Context(), id, func(r *ohfp.Request) ([]ohfp.Event, error) {
			r.Count++
			return nil, nil
		})
		return err
	}
	if err := write(share.Store); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		g.step(b)
	}
	if share.Sure() {
		t.Error("a is sure, though b has taken over")
	}
	if err := write(share.Store); !errors.Is(err, store.ErrFenced) || !errors.Is(err, ohfp.ErrConflict) {
		t.Errorf("a writes: %v", err)
	}
	taken, mine := b.Borrow(id)
	if !mine || !taken.Sure() || !taken.Since.After(share.Since) {
		t.Fatalf("b has not taken over: %t", mine)
	}
	if err := write(taken.Store); err != nil {
		t.Error(err)
	}
	share.Done()
	g.step(a)
	if share.Sure() {
		t.Error("a is sure of what it had before")
	}
}

// TestChoose: ids are of shards that the member holds, and any when it holds none.
func TestChoose(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	var all []*shard.Member
	for i := range shard.Count {
		all = append(all, g.member(fmt.Sprintf("member-%02d", i)))
	}
	next := func() ohfp.RequestID { return ohfp.NewRequestID(ohfp.TypeAcquire, g.now) }
	if id := all[0].Choose(next); !id.WellFormed() {
		t.Errorf("id is %q", id)
	}
	g.step(all...)
	g.step(all...)
	g.step(all...)
	m := all[5]
	for range 50 {
		if id := m.Choose(next); !slices.Contains(m.Held(), shard.Of(id)) {
			t.Fatalf("request %s is in shard %d, held are %v", id, shard.Of(id), m.Held())
		}
	}
}

// TestStoreAway: a member whose store cannot be reached stops in time, and goes on with what nobody has taken.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	a := g.member("a")
	g.step(a)
	ended, end := context.WithCancel(t.Context())
	end()
	if err := a.Step(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("step: %v", err)
	}
	if _, mine := a.Borrow(in(0)); !mine {
		t.Error("a stopped at the first failure")
	}
	g.now = g.now.Add(ttl)
	if _, mine := a.Borrow(in(0)); mine {
		t.Error("a goes on without leases")
	}
	g.step(a)
	if _, mine := a.Borrow(in(0)); !mine || len(a.Held()) != shard.Count {
		t.Error("a does not go on with its shards")
	}
}

// TestSpread: shards get about the same share of the ids.
func TestSpread(t *testing.T) {
	t.Parallel()
	var counts [shard.Count]int
	for range 32_000 {
		counts[shard.Of(ohfp.NewRequestID(ohfp.TypeAcquire, time.Unix(1, 0)))]++
	}
	if lowest, highest := slices.Min(counts[:]), slices.Max(counts[:]); lowest < 800 || highest > 1200 {
		t.Errorf("shards have between %d and %d of 32,000 requests", lowest, highest)
	}
}
