package command_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/orphans"
	"github.com/openhostfactory/ohfp/provider/fake"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
)

// watchful is a policy under which an orphan is ripe after three looks.
func watchful() command.OrphanPolicy {
	return command.OrphanPolicy{
		Watch: true, Collect: true, Quarantine: 20 * time.Minute, MinAge: 15 * time.Minute, Interval: 10 * time.Minute, MaxShare: 100,
	}
}

// tend looks for orphans in a process of its own.
func (w *world) tend(policy command.OrphanPolicy) {
	w.t.Helper()
	c := w.process()
	c.Orphans = policy
	if err := c.TendOrphans(w.t.Context()); err != nil {
		w.t.Logf("orphans: %v", err)
	}
}

// tendFor looks every ten minutes.
func (w *world) tendFor(d time.Duration, policy command.OrphanPolicy) {
	w.t.Helper()
	for end := w.clock.Now().Add(d); w.clock.Now().Before(end); w.clock.Advance(10 * time.Minute) {
		w.tend(policy)
	}
}

func (w *world) orphans(policy command.OrphanPolicy) []orphans.Orphan {
	w.t.Helper()
	c := w.process()
	c.Orphans = policy
	survey, err := c.FindOrphans(w.t.Context())
	if err != nil || len(survey.Unread) > 0 {
		w.t.Fatalf("look for orphans: %v, unread %v", err, survey.Unread)
	}
	return survey.Orphans
}

// elsewhere makes requests that this installation's records do not have, as after a lost store.
func (w *world) elsewhere(do func(lost *world)) {
	w.t.Helper()
	kept := w.store
	w.store = memory.New(w.clock.Now)
	do(w)
	w.store = kept
}

// settleAll lets time go on until all is settled.
func (w *world) settleAll() {
	w.t.Helper()
	for range 60 {
		w.clock.Advance(15 * time.Second)
		if err := w.process().SyncRequests(w.t.Context(), command.SyncRequests{Others: true, All: true, Live: true}); err != nil {
			w.t.Logf("sync: %v", err)
		}
	}
}

// asked asks for machines by a face, and waits until they are there.
func (w *world) asked(id ohfp.TemplateID, count int, face string) ohfp.Request {
	w.t.Helper()
	c := w.process()
	r, err := c.RequestMachines(w.t.Context(), command.RequestMachines{Template: id, Count: count, Origin: ohfp.Origin{Face: face}})
	if err == nil {
		err = c.Answered(w.t.Context(), r.ID)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return w.follow(r.ID)
}

func hostsOf(requests ...ohfp.Request) []command.Named {
	var hosts []command.Named
	for _, r := range requests {
		for _, m := range r.Machines {
			hosts = append(hosts, command.Named{ID: m.ID, Name: m.Name})
		}
	}
	return hosts
}

func reasons(list []orphans.Orphan) map[orphans.Reason]int {
	counts := map[orphans.Reason]int{}
	for _, o := range list {
		counts[o.Reason]++
	}
	return counts
}

func TestOrphansWithoutRecordAreEndedByARecord(t *testing.T) {
	t.Parallel()
	for _, template := range []ohfp.TemplateID{"small", "fleet", "group", "ask"} {
		t.Run(string(template), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			mine := w.asked("small", 2, "cli")
			var lost ohfp.Request
			w.elsewhere(func(w *world) {
				lost = w.asked(template, 3, "cli")
				if template == "group" {
					_ = w.cloud.Lose(lost.Machines[0].ID, "lost") // the group launches another
				}
			})
			w.clock.Advance(time.Hour)
			first := w.orphans(watchful())
			if counts := reasons(first); counts[orphans.NoRecord] < 3 || len(counts) != 1 {
				t.Fatalf("orphans %v, want 3 without a record", first)
			}
			// One look is not enough, however old they are.
			w.tend(watchful())
			if got := len(w.recorded()); got != 1 {
				t.Fatalf("%d requests after one look, want 1", got)
			}
			w.tendFor(40*time.Minute, watchful())
			w.settleAll()
			r := w.read(lost.ID)
			w.want(w.read(mine.ID), ohfp.StatusComplete, 2)
			if r.Status != ohfp.StatusCancelled || r.Origin.Face != "orphans" || !r.Settled() {
				t.Errorf("the request of the orphans is %s by %s: %s", r.Status, r.Origin, r.Message)
			}
			for _, m := range r.Machines {
				if m.Ending != ohfp.ReasonOrphaned && !m.Gone() {
					t.Errorf("machine %s is %s, ending %q", m.ID, m.State, m.Ending)
				}
			}
			if left := w.cloud.Fleets(); len(left) > 0 {
				t.Errorf("fleets %v are left", left)
			}
			if found := w.orphans(watchful()); len(found) > 0 {
				t.Errorf("orphans %v are left", found)
			}
		})
	}
}

func (w *world) recorded() []ohfp.Request {
	w.t.Helper()
	all, err := w.store.Requests(w.t.Context(), store.RequestFilter{Machines: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func TestReportingEndsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asked("small", 1, "cli")
	w.elsewhere(func(w *world) { w.asked("small", 2, "cli") })
	w.clock.Advance(time.Hour)
	policy := watchful()
	policy.Collect = false
	w.tendFor(5*time.Hour, policy)
	found := w.orphans(policy)
	if len(found) != 2 || !found[0].Ripe || len(w.cloud.Live()) != 3 || len(w.recorded()) != 1 {
		t.Errorf("orphans %+v, %d machines live, %d requests; want 2 that are ripe, 3, 1", found, len(w.cloud.Live()), len(w.recorded()))
	}
}

func TestMachinesThatHostFactoryNoLongerNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	forgotten, kept := w.asked("small", 2, orphans.HostFactory), w.asked("group", 1, orphans.HostFactory)
	others := []ohfp.Request{w.asked("small", 1, "cli"), w.asked("small", 1, "rest"), w.asked("small", 1, "mcp")}
	w.clock.Advance(time.Hour)
	c := w.process()
	c.Orphans = watchful()
	tell := func(hosts []command.Named) {
		c.HostsNamed(t.Context(), hosts)
		if err := c.TendOrphans(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(10 * time.Minute)
	}
	for range 20 { // no list, or an empty one, is no evidence
		tell(nil)
	}
	for range 20 {
		tell(hostsOf(forgotten, kept))
	}
	if live := len(w.cloud.Live()); live != 6 {
		t.Fatalf("%d machines live, want 6", live)
	}
	tell(hostsOf(kept))
	tell(hostsOf(forgotten, kept)) // named again: it starts again
	tell(hostsOf(kept))
	if live := len(w.cloud.Live()); live != 6 {
		t.Fatalf("%d machines live after one list without two of them, want 6", live)
	}
	for range 4 {
		tell(hostsOf(kept))
	}
	w.settleAll()
	if live := len(w.cloud.Live()); live != 4 {
		t.Errorf("%d machines live, want the 4 that somebody answers for", live)
	}
	r := w.read(forgotten.ID)
	for _, m := range r.Machines {
		if back := w.read(m.Return); back.Origin.Face != "orphans" || back.Status != ohfp.StatusComplete {
			t.Errorf("machine %s was given back by %s, which is %s", m.ID, back.Origin, back.Status)
		}
	}
	for _, r := range append(others, kept) {
		w.allAlive(r)
	}
}

// allAlive checks that every machine of a request is.
func (w *world) allAlive(r ohfp.Request) {
	w.t.Helper()
	for _, m := range r.Machines {
		if seen, ok := w.cloud.Machine(m.ID); !ok || !seen.Alive() {
			w.t.Errorf("machine %s of %s is not alive", m.ID, r.Origin)
		}
	}
}

func TestListThatCameOnceIsNoTwoLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	forgotten, kept := w.asked("small", 1, orphans.HostFactory), w.asked("small", 1, orphans.HostFactory)
	w.clock.Advance(time.Hour)
	policy := watchful()
	policy.Quarantine = time.Hour
	c := w.process()
	c.Orphans = policy
	c.HostsNamed(t.Context(), hostsOf(kept))
	w.tendFor(5*time.Hour, policy)
	w.allAlive(forgotten)
	// Looks at the cloud that go on while Host Factory is silent count for nothing when it comes back.
	c.HostsNamed(t.Context(), hostsOf(kept))
	w.tend(policy)
	w.allAlive(forgotten)
}

func TestLateAndUndead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.asked("small", 2, "cli")
	// One record is lost, of the other it is written that the machine is gone.
	late, undead := r.Machines[0].ID, r.Machines[1].ID
	w.elsewhere(func(*world) {})
	without := memory.New(w.clock.Now)
	r.Machines = r.Machines[1:]
	r.Machines[0].State, r.Machines[0].TerminatedAt, r.Machines[0].Version = ohfp.MachineTerminated, w.clock.Now(), 0
	if err := without.CreateRequest(t.Context(), r, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	w.store = without
	w.clock.Advance(time.Hour)
	found := w.orphans(watchful())
	if counts := reasons(found); counts[orphans.Late] != 1 || counts[orphans.Undead] != 1 || len(found) != 2 {
		t.Fatalf("orphans %+v, want %s late and %s undead", found, late, undead)
	}
	w.tendFor(40*time.Minute, watchful())
	w.settleAll()
	got := w.read(r.ID)
	if live := w.cloud.Live(); len(live) > 0 || len(got.Machines) != 2 || !got.Settled() {
		t.Errorf("machines %v live, the record has %d: %+v", live, len(got.Machines), got.Machines)
	}
	events, err := w.store.Events(t.Context(), store.EventFilter{Request: r.ID})
	if err != nil || !slices.ContainsFunc(events, func(e ohfp.Event) bool { return e.Kind == ohfp.MachineRecovered && e.Machine == undead }) {
		t.Errorf("no event tells that %s was taken for gone: %v, %v", undead, events, err)
	}
}

func TestTooManyOrphansAreHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asked("small", 20, "cli")
	for range 6 {
		w.elsewhere(func(w *world) { w.asked("small", 2, "cli") })
	}
	w.clock.Advance(time.Hour)
	policy := watchful()
	policy.MaxShare = 20 // 12 of 32 are 37 %
	w.tendFor(2*time.Hour, policy)
	if live := len(w.cloud.Live()); live != 32 {
		t.Fatalf("%d machines live, want all 32", live)
	}
	held := func() (n int) {
		events, err := w.store.Events(t.Context(), store.EventFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Kind == ohfp.OrphansHeld {
				n++
			}
		}
		return n
	}
	if held() != 1 {
		t.Errorf("%d events tell of it, want 1", held())
	}
	// More machines make the share small again, which is no reason to go on.
	w.template("small", 100, `{"type":"small"}`, fake.APIInstances)
	w.asked("small", 60, "cli")
	w.clock.Advance(time.Hour)
	w.tendFor(2*time.Hour, policy)
	if live := len(w.cloud.Live()); live != 92 {
		t.Fatalf("%d machines live, want all 92", live)
	}
	c := w.process()
	c.Orphans = policy
	done, err := c.CollectOrphans(t.Context(), command.CollectOrphans{DryRun: true, Force: true})
	if err != nil || len(done.Orphans) != 12 || done.Orphans[0].Fate != command.FateWould || len(w.cloud.Live()) != 92 {
		t.Fatalf("a dry run: %+v, %v", done, err)
	}
	done, err = c.CollectOrphans(t.Context(), command.CollectOrphans{})
	if err != nil || done.Held == "" || len(w.cloud.Live()) != 92 {
		t.Fatalf("without force: %+v, %v", done, err)
	}
	if _, err = c.CollectOrphans(t.Context(), command.CollectOrphans{Force: true}); err != nil {
		t.Fatal(err)
	}
	w.settleAll()
	if live := len(w.cloud.Live()); live != 80 {
		t.Errorf("%d machines live, want 80", live)
	}
	w.elsewhere(func(w *world) { w.asked("small", 1, "cli") })
	w.clock.Advance(time.Hour)
	w.tendFor(time.Hour, policy) // from now on the policy works again
	w.settleAll()
	if live := len(w.cloud.Live()); live != 80 {
		t.Errorf("%d machines live, want 80", live)
	}
}

func TestEmptyRecordsCollectNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.elsewhere(func(w *world) { w.asked("small", 2, "cli") })
	w.clock.Advance(time.Hour)
	w.tendFor(5*time.Hour, watchful())
	if live := len(w.cloud.Live()); live != 2 {
		t.Errorf("%d machines live, want 2: the store may have been lost", live)
	}
}

func TestOneRequestEndsTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asked("small", 1, "cli")
	var lost ohfp.Request
	w.elsewhere(func(w *world) { lost = w.asked("small", 2, "cli") })
	w.clock.Advance(time.Hour)
	policy := watchful()
	policy.Collect = false
	w.tendFor(time.Hour, policy)
	c := w.process()
	c.Orphans = policy
	one, both := string(lost.Machines[0].ID), string(lost.Machines[1].ID)
	done, err := c.CollectOrphans(t.Context(), command.CollectOrphans{IDs: []string{one}})
	if err != nil || len(done.Orphans) != 1 || done.Orphans[0].Fate != command.FateWaits || done.Orphans[0].Message == "" {
		t.Errorf("one of two: %+v, %v", done, err)
	}
	if _, err := c.CollectOrphans(t.Context(), command.CollectOrphans{IDs: []string{"m-nothing"}}); !errors.Is(err, ohfp.ErrNotFound) {
		t.Errorf("something else: %v", err)
	}
	done, err = c.CollectOrphans(t.Context(), command.CollectOrphans{IDs: []string{one, both}})
	if err != nil || len(done.Orphans) != 2 || done.Orphans[0].Fate != command.FateEnds || done.Orphans[0].By != lost.ID {
		t.Errorf("both: %+v, %v", done, err)
	}
}

// TestJumpingClocks: a clock that jumps between two looks is not time that has passed.
func TestJumpingClocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asked("small", 1, "cli")
	w.elsewhere(func(w *world) { w.asked("small", 1, "cli") })
	w.clock.Advance(time.Hour)
	policy := watchful()
	policy.Quarantine = time.Hour
	w.tend(policy)
	w.clock.Advance(24 * time.Hour)
	w.tend(policy) // remembered for a day after the quarantine, and counted as two intervals
	w.clock.Advance(-24 * time.Hour)
	w.tend(policy)
	if found := w.orphans(policy); len(found) != 1 || found[0].Ripe || found[0].Waited > 20*time.Minute {
		t.Errorf("orphans %+v, want one that waits", found)
	}
	w.clock.Advance(-2 * time.Hour) // now it was launched in the future
	if found := w.orphans(policy); len(found) != 0 {
		t.Errorf("orphans %+v, though launched in the future", found)
	}
}

func TestHalfReadsCountForNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asked("small", 1, "cli")
	w.elsewhere(func(w *world) { w.asked("small", 3, "cli") })
	w.clock.Advance(time.Hour)
	for i := range 30 {
		w.cloud.CutRead(i % 4)
		w.tend(watchful())
		w.clock.Advance(10 * time.Minute)
	}
	if live := len(w.cloud.Live()); live != 4 {
		t.Errorf("%d machines live, want 4", live)
	}
	w.tendFor(40*time.Minute, watchful())
	w.settleAll()
	if live := len(w.cloud.Live()); live != 1 {
		t.Errorf("%d machines live, want 1", live)
	}
}

// TestThousandOrphans finds and collects a thousand orphans of every kind, and touches nothing else.
func TestThousandOrphans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.template("small", 2000, `{"type":"small"}`, fake.APIInstances)
	w.template("fleet", 2000, `{"types":{"small":1,"medium":1}}`, fake.APIFleet)
	w.template("group", 2000, `{"type":"small"}`, fake.APIGroup)
	w.template("ask", 2000, `{"type":"small"}`, fake.APIRequest)
	keep := map[ohfp.MachineID]bool{}
	var kept, forgotten []ohfp.Request
	for i, face := range []string{"cli", "rest", "mcp", orphans.HostFactory} {
		r := w.asked([]ohfp.TemplateID{"small", "fleet", "group", "ask"}[i], 50, face)
		kept = append(kept, r)
		for _, m := range r.Machines {
			keep[m.ID] = true
		}
	}
	foreign := w.cloud.AddForeign()
	keep[foreign] = true
	seeded := 0
	w.elsewhere(func(w *world) {
		for i := range 40 {
			r := w.asked([]ohfp.TemplateID{"small", "fleet", "group", "ask"}[i%4], 20, "cli")
			seeded += len(r.Machines)
		}
	})
	for range 2 {
		r := w.asked("small", 150, orphans.HostFactory)
		forgotten = append(forgotten, r)
		seeded += len(r.Machines)
	}
	if seeded < 1000 {
		t.Fatalf("only %d orphans were seeded", seeded)
	}
	w.clock.Advance(time.Hour)
	for range 5 {
		c := w.process()
		c.Orphans = watchful()
		c.HostsNamed(t.Context(), hostsOf(kept[3]))
		if err := c.TendOrphans(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(10 * time.Minute)
	}
	w.settleAll()
	for _, id := range w.cloud.Live() {
		if !keep[id] {
			t.Errorf("orphan %s is alive", id)
		}
		delete(keep, id)
	}
	if len(keep) > 0 {
		t.Errorf("%d machines were ended that somebody answers for: %v", len(keep), keep)
	}
	if fleets := w.cloud.Fleets(); len(fleets) != 3 {
		t.Errorf("fleets %v are left, want the 3 of requests", fleets)
	}
	for _, r := range forgotten {
		if got := w.read(r.ID); !got.Settled() {
			t.Errorf("request %s is not settled", fmt.Sprint(got.ID))
		}
	}
}
