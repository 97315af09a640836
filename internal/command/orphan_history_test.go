package command_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/orphans"
	"github.com/openhostfactory/ohfp/provider/fake"
)

// maxJump is how far clocks jump.
const maxJump = 10 * time.Hour

// orphanParts is how many times the histories are played side by side.
const orphanParts = 4

// TestNoHistoryTouchesWhatSomebodyAnswersFor plays random histories in which orphans are collected: machines asked for by
// every face and given back, records lost and rebuilt, machines that Host Factory forgets, lists of hosts that are empty,
// reads that are cut, clocks that jump, processes that die. Nothing that somebody answers for is ever ended, and in the end
// no orphan is left.
func TestNoHistoryTouchesWhatSomebodyAnswersFor(t *testing.T) {
	t.Parallel()
	for part := range orphanParts {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				h := newOrphanHistory(t, rt)
				rt.Repeat(map[string]func(*rapid.T){
					"ask":     h.askBy,
					"poll":    h.pollOne,
					"return":  h.returnSome,
					"cancel":  h.cancelOne,
					"time":    h.time,
					"jump":    h.jump,
					"trouble": h.readTrouble,
					"lose":    h.lose,
					"leak":    h.leak,
					"forget":  h.forget,
					"rebuild": h.rebuild,
					"hosts":   h.tellHosts,
					"tend":    h.tendOnce,
					"tend on": h.tendOn,
					"":        h.check,
				})
				h.end()
			})
		})
	}
}

type orphanHistory struct {
	*history

	policy    command.OrphanPolicy
	skew      time.Duration           // how wrong the clock of the processes is
	forgotten map[ohfp.MachineID]bool // machines that Host Factory had and names no more
}

func newOrphanHistory(t *testing.T, rt *rapid.T) *orphanHistory {
	t.Helper()
	h := &orphanHistory{
		history: &history{
			world: newWorld(t), rt: rt, asked: map[ohfp.RequestID]int{}, handed: map[ohfp.MachineID]bool{}, lost: map[ohfp.MachineID]bool{},
		},
		forgotten: map[ohfp.MachineID]bool{},
		policy: command.OrphanPolicy{
			Watch: true, Collect: true, MinAge: 15 * time.Minute, Interval: 10 * time.Minute, MaxShare: 100,
			Quarantine: time.Duration(rapid.IntRange(0, 40).Draw(rt, "quarantine")) * time.Minute,
		},
	}
	h.cloud.Set(fake.Settings{
		LaunchDelay: launchDelay, TerminateDelay: terminateDelay, AddressDelay: 30 * time.Second, PageSize: 3,
		ForgetAfter: 24 * time.Hour,
	})
	h.template("zones", 40, `{"type":"small","zones":["zone-a","zone-b","zone-c"]}`, fake.APIInstances)
	h.template("late", 40, `{"type":"small","zones":["zone-b"],"fallback":"large"}`, fake.APIRequest)
	h.tune = func(c *command.Commands) {
		c.Orphans = h.policy
		c.Requests.Abandon.Unpolled = 0
		c.Now = func() time.Time { return h.clock.Now().Add(h.skew) }
		c.Executor.Now = c.Now
	}
	h.asked[h.asking(rt, "cli")] = 1 // records that hold nothing are taken for lost
	return h
}

func (h *orphanHistory) asking(rt *rapid.T, face string) ohfp.RequestID {
	in := command.RequestMachines{
		Template: rapid.SampledFrom([]ohfp.TemplateID{"small", "fleet", "zones", "group", "ask", "late"}).Draw(rt, "template"),
		Count:    rapid.IntRange(1, 4).Draw(rt, "count"), Origin: ohfp.Origin{Face: face},
	}
	c := h.process()
	r, err := c.RequestMachines(h.t.Context(), in)
	if err == nil {
		_ = c.Answered(h.t.Context(), r.ID)
	}
	return r.ID
}

func (h *orphanHistory) askBy(rt *rapid.T) {
	h.asking(rt, rapid.SampledFrom([]string{"cli", "rest", "mcp", orphans.HostFactory, orphans.HostFactory}).Draw(rt, "face"))
}

// leak makes a request whose record is lost.
func (h *orphanHistory) leak(rt *rapid.T) {
	h.elsewhere(func(*world) { h.asking(rt, "cli") })
}

// rebuild makes whoever runs lost machines answer for them again.
func (h *orphanHistory) rebuild(rt *rapid.T) {
	if rapid.IntRange(0, 3).Draw(rt, "seldom") == 0 {
		_, _ = h.process().RebuildRecords(h.t.Context(), command.RebuildRecords{})
	}
}

// forget makes Host Factory forget a request.
func (h *orphanHistory) forget(rt *rapid.T) {
	r, ok := h.pick(rt, ohfp.TypeAcquire)
	if !ok || r.Origin.Face != orphans.HostFactory || r.PolledAt.IsZero() {
		return
	}
	for _, m := range r.Machines {
		if h.handed[m.ID] {
			delete(h.handed, m.ID)
			h.forgotten[m.ID] = true
		}
	}
}

// hosts is what Host Factory has. It always has a host of another provider, too.
func (h *orphanHistory) hosts() []command.Named {
	list := []command.Named{{Name: "other"}}
	for _, r := range h.requests(ohfp.TypeAcquire) {
		for _, m := range r.Machines {
			switch {
			case r.Origin.Face != orphans.HostFactory || !h.handed[m.ID]:
			case len(list)%2 == 0:
				list = append(list, command.Named{Name: m.Name})
			default:
				list = append(list, command.Named{ID: m.ID, Name: m.Name})
			}
		}
	}
	return list
}

func (h *orphanHistory) tellHosts(rt *rapid.T) {
	list := h.hosts()
	if rapid.IntRange(0, 2).Draw(rt, "empty") == 0 {
		list = nil
	}
	h.process().HostsNamed(h.t.Context(), list)
}

// jump moves a clock: that of the processes, which then is wrong, or all of them.
func (h *orphanHistory) jump(rt *rapid.T) {
	by := time.Duration(rapid.Int64Range(-int64(maxJump/time.Minute), int64(maxJump/time.Minute)).Draw(rt, "minutes")) * time.Minute
	if rapid.Bool().Draw(rt, "all") {
		h.clock.Advance(max(by, -by))
		return
	}
	h.skew = by
	if rapid.Bool().Draw(rt, "right") {
		h.skew = 0
	}
}

func (h *orphanHistory) readTrouble(rt *rapid.T) {
	switch rapid.IntRange(0, 3).Draw(rt, "trouble") {
	case 0:
		h.cloud.CutRead(rapid.IntRange(0, 6).Draw(rt, "keep"))
	case 1:
		h.cloud.FailNext(fake.OpOwned, fake.Unavailable(fake.OpOwned), rapid.IntRange(1, 3).Draw(rt, "times"))
	case 2:
		h.cloud.FailNext(fake.OpTerminate, fake.Throttled(fake.OpTerminate), 1)
	case 3:
		h.cloud.DropReply(rapid.SampledFrom([]fake.Op{fake.OpTerminate, fake.OpOwned, fake.OpTarget}).Draw(rt, "operation"))
	}
}

func (h *orphanHistory) tendOnce(rt *rapid.T) {
	h.in(rt, func(c *command.Commands) { _ = c.TendOrphans(h.t.Context()) })
}

// tendOn looks in time, with or without lists, as long as orphans need to ripen.
func (h *orphanHistory) tendOn(rt *rapid.T) {
	lists := rapid.Bool().Draw(rt, "lists")
	for range rapid.IntRange(2, 6).Draw(rt, "looks") {
		if lists {
			h.process().HostsNamed(h.t.Context(), h.hosts())
		}
		h.in(rt, func(c *command.Commands) { _ = c.TendOrphans(h.t.Context()) })
		_ = h.process().SyncRequests(h.t.Context(), command.SyncRequests{Others: true, Live: true})
		h.check(rt)
		h.clock.Advance(10 * time.Minute)
	}
}

// check is the history's, and that nothing which somebody answers for was ended in the cloud.
func (h *orphanHistory) check(rt *rapid.T) {
	h.history.check(rt)
	for id := range h.handed {
		if m, ok := h.cloud.Machine(id); !ok || !m.Alive() {
			rt.Fatalf("machine %s was taken from its user", id)
		}
	}
}

// end lets all be well until every orphan must be gone.
func (h *orphanHistory) end() {
	h.cloud.Heal()
	h.skew = 0
	h.clock.Advance(maxJump) // what was recorded by a clock that was ahead lies in the past by now
	ctx := context.WithoutCancel(h.t.Context())
	for range 12 {
		h.process().HostsNamed(ctx, h.hosts())
		_ = h.process().TendOrphans(ctx)
		for range 3 {
			h.clock.Advance(200 * time.Second)
			_ = h.process().SyncRequests(ctx, command.SyncRequests{Others: true, All: true, Live: true})
		}
		h.check(h.rt)
	}
	h.compare()
	for _, resource := range h.cloud.Fleets() {
		// What launched once is gone with its last machine, as far as it costs anything.
		if instant := strings.HasPrefix(resource, "fleet-"); !instant && h.held(resource) == 0 {
			h.rt.Errorf("%s is left without machines", resource)
		}
		if wants := h.cloud.Wants(resource); wants > 0 {
			h.rt.Errorf("%s would launch %d more", resource, wants)
		}
	}
	for id := range h.forgotten {
		if slices.Contains(h.cloud.Live(), id) {
			h.rt.Errorf("machine %s, which Host Factory has forgotten, is alive", id)
		}
	}
	if left := h.orphans(h.policy); len(left) > 0 {
		h.rt.Errorf("orphans %+v are left", left)
	}
}

// held is how many machines of a resource are on record.
func (h *orphanHistory) held(resource string) (n int) {
	for _, r := range h.requests(ohfp.TypeAcquire) {
		for _, m := range r.Machines {
			if m.Resource == resource && !m.Gone() {
				n++
			}
		}
	}
	return n
}
