package command_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/guard"
	"github.com/openhostfactory/ohfp/internal/shard"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
	"github.com/openhostfactory/ohfp/store"
)

// TestNoHistoryOfAnInstallationLeaksDoublesOrLoses plays the same histories with all that goes on beside requests: drains
// and their withdrawals, notices of the cloud, outages that a circuit breaker sits out, daemons that are stopped amid their
// work while another takes over, the collection of orphans, the compaction of the store.
func TestNoHistoryOfAnInstallationLeaksDoublesOrLoses(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := newInstallation(t, rt)
		rt.Repeat(map[string]func(*rapid.T){
			"ask":     h.ask,
			"poll":    h.pollOne,
			"return":  h.returnSome,
			"cancel":  h.cancelOne,
			"time":    h.time,
			"trouble": h.trouble,
			"lose":    h.lose,
			"drain":   h.drain,
			"drains":  h.advanceDrains,
			"notice":  h.notice,
			"outage":  h.outage,
			"daemon":  h.daemon,
			"tend":    h.tend,
			"compact": h.compact,
			"":        h.check,
		})
		h.settle()
	})
}

const leaseTTL = 10 * time.Second

// installation is a history in which two daemons share the store.
type installation struct {
	*history

	daemons []*shard.Member
	orders  int // drains so far
}

func newInstallation(t *testing.T, rt *rapid.T) *installation {
	t.Helper()
	h := &installation{history: &history{
		world: newWorld(t), rt: rt, asked: map[ohfp.RequestID]int{}, handed: map[ohfp.MachineID]bool{}, lost: map[ohfp.MachineID]bool{},
	}}
	h.cloud.Set(fake.Settings{LaunchDelay: launchDelay, TerminateDelay: terminateDelay, AddressDelay: 30 * time.Second, PageSize: 3})
	h.template("zones", 40, `{"type":"small","zones":["zone-a","zone-b","zone-c"]}`, fake.APIInstances)
	h.template("late", 40, `{"type":"small","zones":["zone-b"],"fallback":"large"}`, fake.APIRequest)
	log := slog.New(slog.DiscardHandler)
	h.tune = func(c *command.Commands) {
		c.Executor.Providers = opened{&guard.Breaker{
			Provider: h.open(), Name: "cloud", Memory: h.store, Now: h.clock.Now, Log: log, Failures: 3, OpenFor: 30 * time.Second,
		}}
		c.Orphans = command.OrphanPolicy{Watch: true, Collect: true, MinAge: 15 * time.Minute, Interval: 10 * time.Minute, MaxShare: 100}
	}
	for _, name := range []string{"one", "two"} {
		h.daemons = append(h.daemons, &shard.Member{Store: h.store, Holder: name, TTL: leaseTTL, Now: h.clock.Now, Log: log})
	}
	return h
}

// due says whether a machine is one that an order to drain has given back.
func (h *installation) due(m ohfp.Machine) bool {
	n := m.Notice
	return n.Kind == ohfp.NoticeDrain && n.Force && !n.Due.IsZero() && !h.clock.Now().Before(n.Due)
}

// check is the history's. Nothing but an order with force takes a machine from its user, and none takes more at a time than
// it may; notices take none.
func (h *installation) check(rt *rapid.T) {
	underWay, most := map[string]int{}, map[string]int{}
	for _, r := range h.requests(ohfp.TypeAcquire) {
		for _, m := range r.Machines {
			if n := m.Notice; n.Kind == ohfp.NoticeDrain && n.Parallel > 0 && !n.Due.IsZero() && !m.Gone() {
				order := fmt.Sprint(n.AnnouncedAt, n.Actor)
				underWay[order]++
				most[order] = n.Parallel
			}
			if h.due(m) && m.Ending != "" {
				delete(h.handed, m.ID)
			}
		}
	}
	for order, n := range underWay {
		if n > most[order] {
			rt.Fatalf("%d machines of the order %s are drained at once, %d may be", n, order, most[order])
		}
	}
	h.history.check(rt)
}

// drain orders machines back, or withdraws orders. A machine whose order was withdrawn stays its user's.
func (h *installation) drain(rt *rapid.T) {
	h.orders++
	in := command.DrainMachines{
		Grace:    time.Duration(rapid.IntRange(0, 60).Draw(rt, "grace")) * time.Second,
		Parallel: rapid.IntRange(0, 2).Draw(rt, "parallel"), Force: rapid.Bool().Draw(rt, "force"),
		Cancel: rapid.IntRange(0, 3).Draw(rt, "withdraw") == 0,
		Origin: ohfp.Origin{Face: "cli", Caller: fmt.Sprint(h.orders)}, // a clock that stands tells no orders apart
	}
	switch rapid.IntRange(0, 2).Draw(rt, "by") {
	case 0:
		in.Template = "small"
	case 1:
		in.OlderThan = time.Minute
	default:
		in.Zone = "zone-a"
	}
	h.in(rt, func(c *command.Commands) {
		if _, err := c.DrainMachines(h.t.Context(), in); err != nil && ohfp.KindOf(err) == nil {
			rt.Fatalf("drain: %v", err)
		}
		if !in.Cancel {
			return
		}
		for _, r := range h.requests(ohfp.TypeAcquire) {
			for _, m := range r.Machines {
				chosen := in.Template == "" || m.Template == in.Template
				chosen = chosen && (in.Zone == "" || m.Zone == in.Zone) && h.clock.Now().Sub(m.LaunchedAt) > in.OlderThan
				if chosen && m.Kept() && m.Alive() && m.Notice.Kind == ohfp.NoticeDrain {
					rt.Fatalf("machine %s is drained although that was withdrawn", m.ID)
				}
			}
		}
	})
}

func (h *installation) advanceDrains(rt *rapid.T) {
	h.in(rt, func(c *command.Commands) { _ = c.AdvanceDrains(h.t.Context()) })
}

// notice tells of a machine, true or not, and of one that nobody knows. To be told the same again changes nothing.
func (h *installation) notice(rt *rapid.T) {
	live := h.cloud.Live()
	if len(live) == 0 {
		return
	}
	id := live[rapid.IntRange(0, len(live)-1).Draw(rt, "machine")]
	kind := rapid.SampledFrom([]ohfp.NoticeKind{ohfp.NoticeSpot, ohfp.NoticeMaintenance, ohfp.NoticeRebalance}).Draw(rt, "kind")
	n := provider.Notice{
		Machine: id, Withdrawn: rapid.Bool().Draw(rt, "withdrawn"),
		Notice: ohfp.Notice{Kind: kind, AnnouncedAt: h.clock.Now(), Due: h.clock.Now().Add(2 * time.Minute)},
	}
	stranger := n
	stranger.Machine = "nobody's"
	in := command.NoticeMachines{Provider: "cloud", Notices: []provider.Notice{stranger, n}}
	c := h.process()
	for again := range 2 {
		changed, err := c.NoticeMachines(h.t.Context(), in)
		if err != nil {
			rt.Fatalf("notice: %v", err)
		}
		if again > 0 && changed > 0 {
			rt.Fatalf("the same notice changed %d machines again", changed)
		}
	}
}

// outage makes an operation fail for longer than the breaker stands, while requests are followed.
func (h *installation) outage(rt *rapid.T) {
	op := rapid.SampledFrom([]fake.Op{fake.OpLaunch, fake.OpObserve, fake.OpRetire}).Draw(rt, "operation")
	h.cloud.FailNext(op, fake.Unavailable(op), rapid.IntRange(3, 8).Draw(rt, "times"))
	for range rapid.IntRange(3, 6).Draw(rt, "calls") {
		h.clock.Advance(6 * time.Second)
		_ = h.process().SyncRequests(h.t.Context(), command.SyncRequests{Others: true, Live: true})
	}
}

// daemon lets one of the daemons work, which may be stopped at a step for so long that the other takes its place, and
// then goes on.
func (h *installation) daemon(rt *rapid.T) {
	first := rapid.IntRange(0, len(h.daemons)-1).Draw(rt, "daemon")
	stop := rapid.SampledFrom(steps).Draw(rt, "stopped at")
	long := time.Duration(rapid.IntRange(1, 60).Draw(rt, "seconds")) * time.Second
	one, other := h.daemons[first], h.daemons[1-first]
	h.work(rt, one, func(reached string) {
		if reached != stop {
			return
		}
		stop = "" // once
		h.clock.Advance(long)
		h.work(rt, other, nil)
	})
}

// work is one round of a daemon.
func (h *installation) work(rt *rapid.T, member *shard.Member, step func(string)) {
	for range 2 { // what the first look gives up, the second may take
		if err := member.Step(h.t.Context()); err != nil {
			rt.Fatalf("leases of %s: %v", member.Holder, err)
		}
	}
	c := h.process()
	c.Executor.Shares, c.Executor.Step = member, step
	_ = c.SyncRequests(h.t.Context(), command.SyncRequests{Others: true, All: true, Live: true})
}

// tend collects orphans. No record is ever lost here, so there is nothing to collect that anybody answers for.
func (h *installation) tend(rt *rapid.T) {
	h.in(rt, func(c *command.Commands) { _ = c.TendOrphans(h.t.Context()) })
}

// compact removes what is over. Records that somebody needs stay: of machines that are alive and were, and of requests that
// go on.
func (h *installation) compact(rt *rapid.T) {
	needed := map[ohfp.RequestID]bool{}
	for _, r := range slices.Concat(h.requests(ohfp.TypeAcquire), h.requests(ohfp.TypeReturn)) {
		needed[r.ID] = !r.Settled() || slices.ContainsFunc(r.Machines, func(m ohfp.Machine) bool { return !m.Gone() })
	}
	before := h.clock.Now().Add(-time.Duration(rapid.IntRange(0, 20).Draw(rt, "minutes")) * time.Minute)
	if _, err := h.store.Compact(h.t.Context(), before); err != nil {
		rt.Fatalf("compact: %v", err)
	}
	for id, need := range needed {
		found, err := h.store.Requests(h.t.Context(), store.RequestFilter{IDs: []ohfp.RequestID{id}})
		if err != nil || need && len(found) == 0 {
			rt.Fatalf("request %s is compacted although it is needed, error %v", id, err)
		}
	}
}

// settle lets all be well until drains with force are through, too.
func (h *installation) settle() {
	h.cloud.Heal()
	for range 60 {
		h.clock.Advance(15 * time.Second)
		for _, member := range h.daemons {
			h.work(h.rt, member, nil)
		}
		_ = h.process().AdvanceDrains(h.t.Context())
		h.check(h.rt)
	}
	for _, r := range h.requests(ohfp.TypeAcquire) {
		for _, m := range r.Machines {
			if h.due(m) && m.Alive() && m.Kept() && h.clock.Now().Sub(m.Notice.Due) > time.Minute {
				h.rt.Errorf("machine %s is due since %s and still its user's", m.ID, m.Notice.Due)
			}
		}
	}
	h.history.settle()
}
