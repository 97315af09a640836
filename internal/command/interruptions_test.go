package command_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
	"github.com/openhostfactory/ohfp/store"
)

// teller is a provider whose cloud tells what it takes back.
type teller struct {
	*fake.Provider
	spot    bool // its machines are spot machines
	notices []provider.Notice
	err     error
	asked   []ohfp.NoticeKind
}

func (p *teller) Observe(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
	seen, err := p.Provider.Observe(ctx, scopes)
	for i := range seen.Machines {
		if p.spot {
			seen.Machines[i].Lifecycle = ohfp.Spot
		}
	}
	return seen, err
}

func (p *teller) Interruptions(_ context.Context, kind ohfp.NoticeKind) ([]provider.Notice, error) {
	p.asked = append(p.asked, kind)
	return p.notices, p.err
}

func (*teller) Receive(context.Context, func(context.Context, []provider.Notice) error) error {
	return nil
}

// delivered launches machines and follows them until their user has them.
func (w *world) delivered(count int) ohfp.Request {
	w.t.Helper()
	r := w.follow(w.request("small", count).ID)
	w.want(r, ohfp.StatusComplete, count)
	return r
}

// reclaimed is what users are told now, by machine.
func (w *world) reclaimed() map[ohfp.MachineID]time.Duration {
	w.t.Helper()
	q := query.Queries{Store: w.store, Now: w.clock.Now, Rebalance: true}
	found, err := q.Reclaimed(w.t.Context(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	told := map[ohfp.MachineID]time.Duration{}
	for _, r := range found {
		told[r.Machine] = r.Grace
	}
	return told
}

func (w *world) spotNotice(id ohfp.MachineID) provider.Notice {
	now := w.clock.Now()
	return provider.Notice{Machine: id, Notice: ohfp.Notice{Kind: ohfp.NoticeSpot, AnnouncedAt: now, Due: now.Add(2 * time.Minute)}}
}

// events counts what was told of a kind.
func (w *world) events(kind ohfp.EventKind) int {
	w.t.Helper()
	all, err := w.store.Events(w.t.Context(), store.EventFilter{})
	if err != nil {
		w.t.Fatal(err)
	}
	n := 0
	for _, e := range all {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func TestNoticeMachines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.delivered(3), w.follow(w.request("small", 2).ID)
	c := w.process()
	note := func(from string, want int, notices ...provider.Notice) {
		t.Helper()
		changed, err := c.NoticeMachines(t.Context(), command.NoticeMachines{Provider: from, Notices: notices})
		if err != nil || changed != want {
			t.Errorf("%d machines changed, want %d, error %v", changed, want, err)
		}
	}
	first, second, third := a.Machines[0].ID, b.Machines[0].ID, a.Machines[1].ID
	rebalance := provider.Notice{Machine: third, Notice: ohfp.Notice{Kind: ohfp.NoticeRebalance, AnnouncedAt: w.clock.Now()}}
	warning := w.spotNotice(third)
	note("cloud", 3, w.spotNotice(first), w.spotNotice(first), w.spotNotice("i-of-others"), w.spotNotice(second), rebalance, warning)
	version := w.read(a.ID).Version
	note("cloud", 0, w.spotNotice(first), rebalance, warning, w.spotNotice("i-of-others"))
	note("another", 0, w.spotNotice(a.Machines[2].ID))
	note("cloud", 0)
	if now := w.read(a.ID).Version; now != version {
		t.Errorf("what was known was written again: version %d, then %d", version, now)
	}
	if told := w.reclaimed(); len(told) != 3 || told[first] != 2*time.Minute || told[third] != 2*time.Minute {
		t.Errorf("users are told %v", told)
	}
	// What is given back is no news any more, and what the cloud calls off neither.
	w.giveBack(command.Named{ID: first})
	date := provider.Notice{Machine: a.Machines[2].ID, Notice: ohfp.Notice{Kind: ohfp.NoticeMaintenance, AnnouncedAt: w.clock.Now(), Due: w.clock.Now().Add(time.Hour)}}
	off := date
	off.Withdrawn = true
	note("cloud", 1, date, w.spotNotice(first))
	note("cloud", 1, off)
	if told := w.reclaimed(); len(told) != 2 || told[second] == 0 || told[third] == 0 {
		t.Errorf("users are told %v", told)
	}
	if n := w.events(ohfp.MachineUnnoticed); n != 1 {
		t.Errorf("%d withdrawals were told", n)
	}
}

func TestPollInterruptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cloud := &teller{Provider: w.open()}
	c := w.process()
	c.Executor.Providers = opened{cloud}
	poll := func(kind ohfp.NoticeKind, calls int) error {
		t.Helper()
		cloud.asked = nil
		err := c.PollInterruptions(t.Context(), kind)
		if len(cloud.asked) != calls {
			t.Errorf("asked %v, want %d calls", cloud.asked, calls)
		}
		return err
	}
	if err := errors.Join(poll(ohfp.NoticeSpot, 0), poll(ohfp.NoticeMaintenance, 0)); err != nil {
		t.Errorf("without machines: %v", err)
	}
	r := w.delivered(2)
	if err := errors.Join(poll(ohfp.NoticeSpot, 0), poll(ohfp.NoticeMaintenance, 1)); err != nil {
		t.Errorf("without spot machines: %v", err)
	}
	cloud.spot = true
	if err := c.SyncRequests(t.Context(), command.SyncRequests{Live: true}); err != nil {
		t.Fatal(err)
	}
	// What arrived before the read failed is stored.
	cloud.notices, cloud.err = []provider.Notice{w.spotNotice(r.Machines[1].ID), w.spotNotice("i-of-others")}, fake.Throttled("Interruptions")
	if err := poll(ohfp.NoticeSpot, 1); !errors.Is(err, ohfp.ErrThrottled) {
		t.Errorf("got %v, want it throttled", err)
	}
	if told := w.reclaimed(); len(told) != 1 || told[r.Machines[1].ID] != 2*time.Minute {
		t.Errorf("users are told %v", told)
	}
	// That a poll shows nothing takes nothing back.
	cloud.notices, cloud.err = nil, nil
	if err := poll(ohfp.NoticeSpot, 1); err != nil || len(w.reclaimed()) != 1 {
		t.Errorf("users are told %v, error %v", w.reclaimed(), err)
	}
}

func TestDrainMachines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.delivered(5)
	c := w.process()
	order := command.DrainMachines{Template: "small", Grace: 10 * time.Minute, Parallel: 2, Origin: ohfp.Origin{Face: "cli", Caller: "ann"}}
	done, err := c.DrainMachines(t.Context(), order)
	if err != nil || len(done.Machines) != 5 || len(done.Unknown) != 0 {
		t.Fatalf("drained %+v, error %v", done, err)
	}
	turns := func(want ...ohfp.MachineID) {
		t.Helper()
		if err := w.process().AdvanceDrains(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []ohfp.MachineID
		for id := range w.reclaimed() {
			got = append(got, id)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("users are asked for %v, want %v", got, want)
		}
	}
	id := func(i int) ohfp.MachineID { return r.Machines[i].ID }
	turns(id(0), id(1))
	if left := w.reclaimed()[id(0)]; left != 10*time.Minute {
		t.Errorf("%s are left, want the grace", left)
	}
	// One that is on its way still counts; the next has its turn when it is gone.
	back := w.giveBack(command.Named{ID: id(0)})
	turns(id(1))
	w.follow(back.ID)
	turns(id(1), id(2))
	if left := w.reclaimed()[id(2)]; left != 10*time.Minute {
		t.Errorf("%s are left of a grace that begins with the turn", left)
	}
	// A second order about the same machines changes nothing.
	again := order
	again.Parallel, again.Force = 0, true
	if done, err := c.DrainMachines(t.Context(), again); err != nil || len(done.Machines) != 0 {
		t.Errorf("drained %+v, error %v", done, err)
	}
	// Without force nothing happens when the grace is over but that no time is left.
	w.clock.Advance(20 * time.Minute)
	turns(id(1), id(2))
	if left := w.reclaimed()[id(2)]; left != 0 {
		t.Errorf("%s are left after the grace", left)
	}
	cancel := command.DrainMachines{IDs: []ohfp.MachineID{id(2), id(4), "i-none"}, Cancel: true, Origin: order.Origin}
	done, err = c.DrainMachines(t.Context(), cancel)
	if err != nil || len(done.Machines) != 2 || !slices.Equal(done.Unknown, []ohfp.MachineID{"i-none"}) {
		t.Errorf("withdrawn %+v, error %v", done, err)
	}
	turns(id(1), id(3))
	if all := w.read(r.ID).Machines; all[4].Notice != (ohfp.Notice{}) || all[3].Notice.Actor != "cli:ann" {
		t.Errorf("notices %+v and %+v", all[4].Notice, all[3].Notice)
	}
}

// TestDrainByForce gives back what its user still has when the grace is over.
func TestDrainByForce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.delivered(3)
	w.clock.Advance(time.Hour)
	young := w.follow(w.request("small", 1).ID)
	c := w.process()
	done, err := c.DrainMachines(t.Context(), command.DrainMachines{
		OlderThan: 30 * time.Minute, Zone: r.Machines[0].Zone, Grace: time.Minute, Force: true, Origin: ohfp.Origin{Face: "cli", Caller: "ann"},
	})
	if err != nil || len(done.Machines) != 3 {
		t.Fatalf("drained %+v, error %v", done, err)
	}
	early := w.giveBack(command.Named{ID: r.Machines[0].ID})
	w.follow(early.ID)
	for range 2 {
		if err := c.AdvanceDrains(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Minute)
	}
	if err := c.AdvanceDrains(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	if live := w.cloud.Live(); !slices.Equal(live, []ohfp.MachineID{young.Machines[0].ID}) {
		t.Errorf("alive are %v, want only the young machine", live)
	}
	returns, err := w.store.Requests(t.Context(), store.RequestFilter{Type: ohfp.TypeReturn})
	if err != nil || len(returns) != 2 || returns[0].Origin.String() != "cli:ann" {
		t.Errorf("returns %+v, error %v", returns, err)
	}
}

func TestDrainRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, in := range []command.DrainMachines{
		{}, {Grace: time.Minute}, {Zone: "z", Grace: -1}, {Zone: "z", Grace: 1000 * time.Hour}, {Zone: "z", Parallel: -1}, {OlderThan: -time.Hour},
	} {
		if _, err := w.process().DrainMachines(t.Context(), in); !errors.Is(err, ohfp.ErrInvalid) {
			t.Errorf("%+v: got %v, want it refused", in, err)
		}
	}
}

// TestNothingIsReclaimedUnread: reads that fail, hang half way or come back empty never name a machine.
func TestNothingIsReclaimedUnread(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cloud.Set(fake.Settings{PageSize: 5})
	w.delivered(50)
	w.clock.Advance(3 * time.Hour) // old enough for absence to mean something
	for name, fail := range map[string]func(){
		"page 7 of 10 fails": func() { w.cloud.CutRead(30) },
		"the first page":     func() { w.cloud.CutRead(0) },
		"no answer":          func() { w.cloud.FailNext(fake.OpObserve, fake.Unavailable(fake.OpObserve), 1) },
		"throttled":          func() { w.cloud.FailNext(fake.OpObserve, fake.Throttled(fake.OpObserve), 1) },
	} {
		fail()
		if err := w.process().SyncRequests(t.Context(), command.SyncRequests{Others: true, Live: true}); err == nil {
			t.Errorf("%s: nobody noticed", name)
		}
		if told := w.reclaimed(); len(told) != 0 {
			t.Errorf("%s: %d machines are named", name, len(told))
		}
	}
	if err := w.process().SyncRequests(t.Context(), command.SyncRequests{Others: true, Live: true}); err != nil || len(w.reclaimed()) != 0 {
		t.Errorf("the next look: %v, %d machines are named", err, len(w.reclaimed()))
	}
}
