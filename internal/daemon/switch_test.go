//go:build linux || darwin

package daemon

import (
	"context"
	"errors"
	"fmt"
	random "math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/shard"
	"github.com/openhostfactory/ohfp/store"
)

// stopping is a store in whose writes a process can be stopped, as SIGSTOP does, before the write or after it.
type stopping struct {
	store.Store
	at *point
}

// point is where the next process is stopped that comes by.
type point struct {
	mu      sync.Mutex
	left    int           // writes and steps until then; 0: never
	stopped chan struct{} // closed when it is
	resume  chan struct{}
	refused atomic.Int64 // writes of somebody who was no longer the holder
}

func (p *point) arm(after int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left, p.stopped, p.resume = after, make(chan struct{}), make(chan struct{})
}

// disarm says whether somebody was stopped.
func (p *point) disarm() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	armed := p.left > 0
	p.left = 0
	return !armed
}

func (p *point) pass() {
	p.mu.Lock()
	if p.left == 0 {
		p.mu.Unlock()
		return
	}
	p.left--
	here, stopped, resume := p.left == 0, p.stopped, p.resume
	p.mu.Unlock()
	if here {
		close(stopped)
		<-resume
	}
}

func (s stopping) count(err error) error {
	if errors.Is(err, store.ErrFenced) {
		s.at.refused.Add(1)
	}
	return err
}

func (s stopping) Under(held store.Lease) store.Store { return stopping{s.Store.Under(held), s.at} }

func (s stopping) CreateRequest(ctx context.Context, r ohfp.Request, limits store.Limits, events ...ohfp.Event) error {
	s.at.pass()
	err := s.count(s.Store.CreateRequest(ctx, r, limits, events...))
	s.at.pass()
	return err
}

func (s stopping) UpdateRequest(
	ctx context.Context, id ohfp.RequestID, change func(*ohfp.Request) ([]ohfp.Event, error),
) (ohfp.Request, error) {
	s.at.pass()
	r, err := s.Store.UpdateRequest(ctx, id, change)
	s.at.pass()
	return r, s.count(err)
}

// sharing is two daemons on one store, of which the test moves the clock and decides who works.
type sharing struct {
	*world
	points  [2]*point
	daemons [2]*Daemon
}

func newSharing(t *testing.T, w *world) *sharing {
	t.Helper()
	w.config.Daemon.Lease = 6 * time.Second
	s := &sharing{world: w}
	for i := range s.daemons {
		s.points[i] = &point{}
		d := w.process()
		d.Config, d.Now = w.config, w.clock.Now
		records := stopping{w.store, s.points[i]}
		d.Commands.Store, d.Commands.Executor.Store = records, records
		d.Commands.Requests.Abandon = ohfp.AbandonPolicy{} // nobody polls here
		d.Commands.Executor.Step = func(string) { s.points[i].pass() }
		d.prepare(t.Context())
		s.daemons[i] = d
	}
	return s
}

func (s *sharing) step(d *Daemon) {
	s.tb.Helper()
	if err := d.member.Step(s.tb.Context()); err != nil {
		s.tb.Fatal(err)
	}
}

// round is one look of a daemon's loop.
func (s *sharing) round(d *Daemon) {
	s.tb.Helper()
	if err := d.Commands.SyncRequests(s.tb.Context(), command.SyncRequests{Others: true, All: true}); err != nil {
		s.tb.Logf("round: %v", err)
	}
}

// settle lets a daemon work until nothing is left that it has to drive.
func (s *sharing) settle(d *Daemon) {
	s.tb.Helper()
	for range 400 {
		s.clock.Advance(time.Second)
		s.step(d)
		s.round(d)
		if left, err := d.underWay(s.tb.Context()); err != nil {
			s.tb.Fatal(err)
		} else if !left {
			return
		}
	}
	s.tb.Fatalf("something stays under way: %+v", s.all())
}

// ledger compares the cloud with the records: every machine that lives is in a request's record, and no request has more
// than it asked for.
func (s *sharing) ledger(when string) {
	s.tb.Helper()
	recorded := map[ohfp.MachineID]bool{}
	for _, r := range s.all() {
		if r.Type != ohfp.TypeAcquire {
			continue
		}
		wanted := 0
		for _, m := range r.Machines {
			if !m.Gone() {
				recorded[m.ID] = true
				wanted++
			}
		}
		if wanted > r.Count || r.Status == ohfp.StatusComplete && len(r.Machines) != r.Count {
			s.tb.Errorf("%s: request %s asked for %d and has %d, %d of them alive", when, r.ID, r.Count, len(r.Machines), wanted)
		}
	}
	live := s.cloud.Live()
	for _, id := range live {
		if !recorded[id] {
			s.tb.Errorf("%s: machine %s lives in the cloud and in no record", when, id)
		}
	}
	if len(live) != len(recorded) {
		s.tb.Errorf("%s: %d machines live, %d are recorded", when, len(live), len(recorded))
	}
}

// switches stops the daemon that holds the shards, again and again, in the middle of a request or of a return, for longer than
// its lease; the other takes over and ends the work; then the first goes on.
func (s *sharing) switches(n int) {
	t := s.tb
	t.Helper()
	seed := uint64(n)
	chance := random.New(random.NewPCG(seed, 7)) // the same points each time
	interrupted := 0
	for i := range n {
		holder, other, at := s.daemons[i%2], s.daemons[(i+1)%2], s.points[i%2]
		s.step(holder)
		if held := len(holder.member.Held()); held != shard.Count {
			t.Fatalf("switch %d: the holder has %d shards", i, held)
		}
		at.arm(1 + chance.IntN(14))
		ended := make(chan error, 1)
		giveBack := chance.IntN(2) == 0
		go func() { ended <- s.work(holder, i, giveBack) }()
		select {
		case <-at.stopped:
			interrupted++
		case err := <-ended:
			ended <- err
			at.disarm()
		case <-time.After(patience):
			t.Fatalf("switch %d: nothing happens", i)
		}
		began := s.clock.Now()
		for len(other.member.Held()) < shard.Count {
			s.clock.Advance(s.config.Daemon.Lease / 3)
			s.step(other)
		}
		if took := s.clock.Now().Sub(began); took >= 10*time.Second {
			t.Errorf("switch %d: taken over after %s", i, took)
		}
		s.settle(other)
		s.ledger(fmt.Sprintf("switch %d, taken over", i))
		close(at.resume)
		if err := <-ended; err != nil {
			t.Logf("switch %d: the old holder is told: %v", i, err)
		}
		s.settle(other)
		s.ledger(fmt.Sprintf("switch %d, the old holder goes on", i))
		if _, mine := holder.member.Borrow("req-x"); mine {
			t.Errorf("switch %d: the old holder believes in its lease", i)
		}
		if err := holder.member.Leave(t.Context()); err != nil {
			t.Error(err)
		}
	}
	refused := s.points[0].refused.Load() + s.points[1].refused.Load()
	t.Logf("%d switches, %d in the middle of something, %d writes of old holders refused", n, interrupted, refused)
	if interrupted < n/2 || refused < int64(n/20) {
		t.Errorf("only %d of %d switches were in the middle of something, with %d writes refused; the test sees too little", interrupted, n, refused)
	}
	last := s.daemons[n%2]
	for _, r := range s.all() {
		if r.Type == ohfp.TypeAcquire {
			if _, err := last.Commands.ReturnMachines(t.Context(), command.ReturnMachines{Request: r.ID}); err != nil {
				t.Errorf("give back %s: %v", r.ID, err)
			}
		}
	}
	s.step(last)
	s.settle(last)
	s.ledger("all given back")
	if live := s.cloud.Live(); len(live) > 0 {
		t.Errorf("%d machines are left", len(live))
	}
}

// work is what a daemon is in the middle of when it is stopped.
func (s *sharing) work(d *Daemon, i int, giveBack bool) error {
	ctx := s.tb.Context()
	var held []ohfp.RequestID
	for _, r := range s.all() {
		if r.Status == ohfp.StatusComplete && r.Type == ohfp.TypeAcquire && !r.Machines[0].Gone() {
			held = append(held, r.ID)
		}
	}
	var err error
	if giveBack && len(held) > 0 {
		_, err = d.Commands.ReturnMachines(ctx, command.ReturnMachines{Request: held[0]})
	} else {
		_, err = d.Commands.RequestMachines(ctx, command.RequestMachines{Template: "small", Count: 1 + i%3})
	}
	return errors.Join(err, d.Commands.SyncRequests(ctx, command.SyncRequests{Others: true, All: true}))
}

// manySwitches is how many are tried: fewer while others wait for the tests.
func manySwitches(tb testing.TB, short int) int {
	tb.Helper()
	text := os.Getenv("OHFP_SWITCHES")
	if text == "" {
		return short
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		tb.Fatalf("OHFP_SWITCHES is %q, want a number", text)
	}
	return n
}

func TestLeaderSwitches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.Storage = config.Storage{Strategy: config.StrategySQL, SQL: config.SQL{Type: config.PostgreSQL}} // which daemons share
	newSharing(t, w).switches(manySwitches(t, 60))
}
