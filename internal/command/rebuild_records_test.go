package command_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/store/memory"
)

// TestRebuild loses the records of everything, under way or complete, and finds them again.
func TestRebuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	small, fleet, group := w.asked("small", 3, "cli"), w.asked("fleet", 8, "rest"), w.asked("group", 4, "mcp")
	filling := w.request("group", 2) // has no machine yet
	back := w.giveBack(command.Named{ID: small.Machines[0].ID})
	w.settleAll()
	w.follow(back.ID)
	before := w.cloud.Live()
	w.store = memory.New(w.clock.Now)

	rebuild := func(dry bool) command.Rebuild {
		t.Helper()
		done, err := w.process().RebuildRecords(t.Context(), command.RebuildRecords{DryRun: dry})
		if err != nil || len(done.Unread) > 0 || len(done.Nameless) > 0 {
			t.Fatalf("%+v, %v", done, err)
		}
		return done
	}
	if dry := rebuild(true); len(dry.Requests) != 4 || len(w.recorded()) != 0 {
		t.Fatalf("a dry run tells of %+v and leaves %d records", dry.Requests, len(w.recorded()))
	}
	for _, r := range rebuild(false).Requests {
		alive := map[ohfp.RequestID]int{small.ID: 2, fleet.ID: len(fleet.Machines), group.ID: 4, filling.ID: 2}
		if r.Machines != alive[r.Request] || r.Provider != "cloud" || r.Status != ohfp.StatusComplete {
			t.Errorf("rebuilt %+v, want %d machines", r, alive[r.Request])
		}
	}
	if again := rebuild(false); len(again.Requests) != 0 || again.Known != 4 {
		t.Errorf("again: %+v", again)
	}
	w.settleAll()
	if diff := cmp.Diff(before, w.cloud.Live()); diff != "" {
		t.Errorf("machines before and after (-want +got):\n%s", diff)
	}
	// The records serve as before: a group is held to its target, and what is given back is not replaced.
	r := w.read(group.ID)
	_ = w.cloud.Lose(r.Machines[0].ID, "lost")
	w.giveBack(command.Named{ID: r.Machines[1].ID})
	w.settleAll()
	if live := len(w.cloud.Live()); live != len(before)-2 {
		t.Errorf("%d machines live, want %d", live, len(before)-2)
	}
	for _, r := range w.recorded() {
		if r.Type == ohfp.TypeAcquire {
			w.giveBack(hostsOf(r)...)
		}
	}
	w.settleAll()
	if live, fleets := w.cloud.Live(), w.cloud.Fleets(); len(live)+len(fleets) > 0 {
		t.Errorf("all was given back, and %v and %v are left", live, fleets)
	}
}

// TestRebuildWhileAGroupFills: a group that had not launched anything yet keeps its target.
func TestRebuildWhileAGroupFills(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request("group", 3)
	w.store = memory.New(w.clock.Now)
	if _, err := w.process().RebuildRecords(t.Context(), command.RebuildRecords{}); err != nil {
		t.Fatal(err)
	}
	w.settleAll()
	w.want(w.read(r.ID), ohfp.StatusComplete, 3)
}

// TestRebuildReadsAllOrNothing: half of a request would be taken for all of it.
func TestRebuildReadsAllOrNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asked("small", 5, "cli")
	w.store = memory.New(w.clock.Now)
	w.cloud.CutRead(2)
	done, err := w.process().RebuildRecords(t.Context(), command.RebuildRecords{})
	if err != nil || len(done.Unread) != 1 || len(w.recorded()) != 0 {
		t.Errorf("%+v, %v, with %d records", done, err, len(w.recorded()))
	}
}

// TestRebuiltRequestsAreNotAbandoned: whether anybody followed them is lost with the records.
func TestRebuiltRequestsAreNotAbandoned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.asked("small", 2, "cli")
	w.store = memory.New(w.clock.Now)
	c := w.process()
	c.Requests.Abandon.Release = true
	if _, err := c.RebuildRecords(t.Context(), command.RebuildRecords{}); err != nil {
		t.Fatal(err)
	}
	for range 12 {
		w.clock.Advance(10 * time.Minute)
		_ = c.SyncRequests(t.Context(), command.SyncRequests{Others: true, Live: true})
	}
	if live := w.cloud.Live(); len(live) != 2 {
		t.Errorf("%v live, want 2", live)
	}
	if slices.ContainsFunc(w.recorded(), func(r ohfp.Request) bool { return r.Abandoned(w.clock.Now()) }) {
		t.Error("a rebuilt request counts as abandoned")
	}
}
