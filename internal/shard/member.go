package shard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/store"
)

// Member is one daemon of those that share a store. All fields but Took are required.
type Member struct {
	Store  store.Store
	Holder string        // of its leases: unique to this life of the process
	TTL    time.Duration // of its leases: a daemon that dies is missed after this long
	Now    func() time.Time
	Log    *slog.Logger
	Took   func() // called after it took shards

	mu      sync.Mutex
	self    store.Lease
	shares  map[int]*share
	members []string  // holders that were alive at the last look, sorted
	sure    time.Time // nobody can have taken over before this time, by our own clock
}

// share is a shard that the member holds.
type share struct {
	lease   store.Lease
	under   store.Store
	since   time.Time
	users   int
	leaving bool // to be given up as soon as nobody uses it
}

var _ reconcile.Shares = (*Member)(nil)

// renewals is how often leases are renewed within their time: two in a row may fail.
const renewals = 3

// Run keeps the leases until ctx ends. Leave must follow.
func (m *Member) Run(ctx context.Context) {
	ticker := time.NewTicker(m.TTL / renewals)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		within, cancel := context.WithTimeout(ctx, m.TTL)
		err := m.Step(within)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			m.Log.WarnContext(ctx, "leases cannot be kept", "error", err)
		case err == nil && failing:
			m.Log.InfoContext(ctx, "leases can be kept again")
		}
		failing = err != nil
	}
}

// Step renews what is held, gives up what is more than a fair share, and takes what nobody has.
func (m *Member) Step(ctx context.Context) error {
	if err := m.renew(ctx); err != nil {
		return err
	}
	self, err := m.Store.Lease(ctx, memberPrefix+m.Holder, m.Holder, m.TTL)
	if err != nil {
		return fmt.Errorf("tell the other daemons of this one: %w", err)
	}
	all, err := m.Store.Leases(ctx, "")
	if err != nil {
		return fmt.Errorf("see which daemons there are: %w", err)
	}
	members := []string{m.Holder}
	taken := map[string]bool{}
	for _, l := range all {
		if strings.HasPrefix(l.Name, memberPrefix) && l.Holder != m.Holder {
			members = append(members, l.Holder)
		}
		taken[l.Name] = true
	}
	slices.Sort(members)
	m.mu.Lock()
	m.self, m.members = self, members
	m.mu.Unlock()
	fair := fairShare(members, m.Holder)
	if err := m.giveUp(ctx, fair); err != nil {
		return err
	}
	return m.take(ctx, fair, taken)
}

// fairShare is how many shards a member should have. All of them together have them all.
func fairShare(members []string, holder string) int {
	rank, _ := slices.BinarySearch(members, holder)
	fair := Count / len(members)
	if rank < Count%len(members) {
		fair++
	}
	return fair
}

// renew renews the leases of all shards at once, and forgets those that were lost.
func (m *Member) renew(ctx context.Context) error {
	m.mu.Lock()
	held := make([]store.Lease, 0, len(m.shares))
	for _, s := range m.shares {
		held = append(held, s.lease)
	}
	m.mu.Unlock()
	began := m.Now()
	renewed, err := m.Store.Renew(ctx, m.TTL, held...)
	if err != nil {
		return fmt.Errorf("renew the leases of %s: %w", ohfp.Count(len(held), "shard"), err)
	}
	still := make(map[string]store.Lease, len(renewed))
	for _, l := range renewed {
		still[l.Name] = l
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sure = began.Add(m.TTL)
	lost := 0
	for number, s := range m.shares {
		if _, ok := still[s.lease.Name]; !ok {
			delete(m.shares, number)
			lost++
		}
	}
	if lost > 0 {
		m.Log.WarnContext(ctx, "other daemons have taken over shards: this one was not heard of in time", "shards", lost)
	}
	return nil
}

// giveUp gives back what is more than a fair share. What is in use now follows when it no longer is.
func (m *Member) giveUp(ctx context.Context, fair int) error {
	m.mu.Lock()
	numbers := slices.SortedFunc(maps.Keys(m.shares), func(a, b int) int { return m.shares[a].users - m.shares[b].users })
	var back []store.Lease
	for i, number := range numbers {
		s := m.shares[number]
		if s.leaving = i < len(numbers)-fair; s.leaving && s.users == 0 {
			back = append(back, s.lease)
			delete(m.shares, number)
		}
	}
	m.mu.Unlock()
	if len(back) == 0 {
		return nil
	}
	m.Log.InfoContext(ctx, "shards are given to other daemons", "shards", len(back))
	if err := m.Store.Release(ctx, back...); err != nil {
		return fmt.Errorf("give up %s: %w", ohfp.Count(len(back), "shard"), err)
	}
	return nil
}

// take takes shards that nobody has, up to a fair share. Each member begins at another place.
func (m *Member) take(ctx context.Context, fair int, taken map[string]bool) error {
	missing := fair - len(m.Held())
	first := Of(ohfp.RequestID(m.Holder))
	took := 0
	defer func() {
		if took > 0 {
			m.Log.InfoContext(ctx, "shards taken", "shards", took)
			if m.Took != nil {
				m.Took()
			}
		}
	}()
	for i := 0; i < Count && took < missing; i++ {
		number := (first + i) % Count
		if taken[leaseName(number)] {
			continue
		}
		since := m.Now()
		l, err := m.Store.Lease(ctx, leaseName(number), m.Holder, m.TTL)
		if errors.Is(err, ohfp.ErrConflict) {
			continue // another was faster
		}
		if err != nil {
			return fmt.Errorf("take shard %d: %w", number, err)
		}
		took++
		m.mu.Lock()
		if m.shares == nil {
			m.shares = map[int]*share{}
		}
		m.shares[number] = &share{lease: l, under: m.Store.Under(l), since: since}
		m.mu.Unlock()
	}
	return nil
}

// Leave gives everything back, so that the others need not wait.
func (m *Member) Leave(ctx context.Context) error {
	m.mu.Lock()
	var held []store.Lease
	if m.self.Token > 0 {
		held = append(held, m.self)
	}
	for _, s := range m.shares {
		held = append(held, s.lease)
	}
	m.self, m.shares = store.Lease{}, nil
	m.mu.Unlock()
	if err := m.Store.Release(ctx, held...); err != nil {
		return fmt.Errorf("give back %s: %w", ohfp.Count(len(held), "lease"), err)
	}
	return nil
}

// Borrow implements [reconcile.Shares].
func (m *Member) Borrow(id ohfp.RequestID) (reconcile.Share, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.shares[Of(id)]
	if s == nil || s.leaving || !m.Now().Before(m.sure) {
		return reconcile.Share{}, false
	}
	s.users++
	return reconcile.Share{
		Store: s.under, Since: s.since,
		Sure: func() bool {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.shares[Of(id)] == s && m.Now().Before(m.sure)
		},
		Done: sync.OnceFunc(func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			s.users--
		}),
	}, true
}

// Choose returns an id, as next makes them, of a request that this member drives, so that who asks it for machines need not
// wait for another. When it holds no shard, any id does.
func (m *Member) Choose(next func() ohfp.RequestID) ohfp.RequestID {
	const tries = 16 * Count // for the smallest share, one in a million misses
	id := next()
	for range tries {
		share, mine := m.Borrow(id)
		if mine {
			share.Done()
			break
		}
		id = next()
	}
	return id
}

// Held lists the shards that this member holds.
func (m *Member) Held() []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.shares))
}

// Members lists the daemons that were there at the last look, this one among them.
func (m *Member) Members() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.members)
}

// Serving lists the daemons that share a store now.
func Serving(ctx context.Context, records store.Reader) ([]string, error) {
	leases, err := records.Leases(ctx, memberPrefix)
	if err != nil {
		return nil, fmt.Errorf("see which daemons there are: %w", err)
	}
	holders := make([]string, len(leases))
	for i, l := range leases {
		holders[i] = l.Holder
	}
	return holders, nil
}
