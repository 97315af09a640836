package ohfp_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/openhostfactory/ohfp"
)

// noticeTime is when the machines of these tests are looked at.
func noticeTime() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func inUse() ohfp.Machine {
	return ohfp.Machine{ID: "i-1", Provider: "aws", Request: "req-1", State: ohfp.MachineRunning, DeliveredAt: noticeTime().Add(-time.Hour)}
}

func spotNotice(at time.Time) ohfp.Notice {
	return ohfp.Notice{Kind: ohfp.NoticeSpot, AnnouncedAt: at, Due: at.Add(2 * time.Minute)}
}

func TestNotify(t *testing.T) {
	t.Parallel()
	now := noticeTime()
	spot := spotNotice(now.Add(-time.Second))
	drain := ohfp.Notice{Kind: ohfp.NoticeDrain, AnnouncedAt: now, Grace: time.Minute, Actor: "cli:ann"}
	repair := ohfp.Notice{Kind: ohfp.NoticeMaintenance, AnnouncedAt: now.Add(-time.Hour), Due: now.Add(48 * time.Hour)}
	sooner := ohfp.Notice{Kind: ohfp.NoticeMaintenance, AnnouncedAt: now, Due: now.Add(time.Hour)}
	rebalance := ohfp.Notice{Kind: ohfp.NoticeRebalance, AnnouncedAt: now}
	for name, c := range map[string]struct {
		alter   func(m *ohfp.Machine)
		notices []ohfp.Notice
		want    ohfp.Notice
		events  int
	}{
		"one":                       {nil, []ohfp.Notice{spot}, spot, 1},
		"twice":                     {nil, []ohfp.Notice{spot, spot}, spot, 1},
		"rebalance, then spot":      {nil, []ohfp.Notice{rebalance, spot}, spot, 2},
		"spot, then rebalance":      {nil, []ohfp.Notice{spot, rebalance}, spot, 1},
		"maintenance moves":         {nil, []ohfp.Notice{repair, sooner}, sooner, 2},
		"maintenance out of order":  {nil, []ohfp.Notice{sooner, repair}, sooner, 1},
		"drain outranks repairs":    {nil, []ohfp.Notice{repair, drain}, drain, 2},
		"the first drain stands":    {nil, []ohfp.Notice{drain, {Kind: ohfp.NoticeDrain, AnnouncedAt: now.Add(time.Hour), Grace: time.Hour}}, drain, 1},
		"no kind that exists":       {nil, []ohfp.Notice{{Kind: "gossip", AnnouncedAt: now}}, ohfp.Notice{}, 0},
		"already given back":        {func(m *ohfp.Machine) { m.Return = "ret-1" }, []ohfp.Notice{spot}, ohfp.Notice{}, 0},
		"we end it":                 {func(m *ohfp.Machine) { m.Ending = ohfp.ReasonSpare }, []ohfp.Notice{spot}, ohfp.Notice{}, 0},
		"already gone":              {func(m *ohfp.Machine) { m.State = ohfp.MachineTerminated }, []ohfp.Notice{spot}, ohfp.Notice{}, 0},
		"their clock is ahead":      {nil, []ohfp.Notice{spotNotice(now.Add(5 * time.Minute))}, spotNotice(now), 1},
		"maintenance is far ahead":  {nil, []ohfp.Notice{repair}, repair, 1},
		"no time of announcement":   {nil, []ohfp.Notice{{Kind: ohfp.NoticeMaintenance, Due: sooner.Due}, {Kind: ohfp.NoticeMaintenance, Due: sooner.Due}}, sooner, 1},
		"one that is not yet there": {func(m *ohfp.Machine) { m.State, m.DeliveredAt = ohfp.MachinePending, time.Time{} }, []ohfp.Notice{spot}, spot, 1},
	} {
		m := inUse()
		if c.alter != nil {
			c.alter(&m)
		}
		var events []ohfp.Event
		for _, n := range c.notices {
			events = append(events, m.Notify(n, now)...)
		}
		if diff := cmp.Diff(c.want, m.Notice); diff != "" || len(events) != c.events {
			t.Errorf("%s: %d events, want %d; -want +got:\n%s", name, len(events), c.events, diff)
		}
		for _, e := range events {
			if e.Kind != ohfp.MachineNoticed || e.Machine != m.ID || e.Request != m.Request {
				t.Errorf("%s: event %+v", name, e)
			}
		}
	}
}

// TestNoticesInAnyOrder: what stands in the end does not depend on the order of arrival or on repetition, which the
// cloud does not promise.
func TestNoticesInAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var notices []ohfp.Notice
		for i := range rapid.IntRange(1, 6).Draw(t, "notices") {
			n := ohfp.Notice{
				Kind:        rapid.SampledFrom([]ohfp.NoticeKind{ohfp.NoticeSpot, ohfp.NoticeMaintenance, ohfp.NoticeRebalance}).Draw(t, "kind"),
				AnnouncedAt: noticeTime().Add(-time.Duration(i+1) * time.Second),
			}
			if n.Kind != ohfp.NoticeRebalance {
				n.Due = noticeTime().Add(time.Duration(rapid.IntRange(1, 3).Draw(t, "due")) * time.Minute)
			}
			notices = append(notices, n)
		}
		told := func(notices []ohfp.Notice) ohfp.Notice {
			m := inUse()
			for _, n := range notices {
				m.Notify(n, noticeTime())
			}
			return m.Notice
		}
		shuffled := rapid.Permutation(append(slices.Clone(notices), notices...)).Draw(t, "arrival")
		a, b := told(notices), told(shuffled)
		if a.Kind != b.Kind || !a.Due.Equal(b.Due) || a.Kind != ohfp.NoticeSpot && !a.AnnouncedAt.Equal(b.AnnouncedAt) {
			t.Fatalf("%v in one order and %v in another", a, b)
		}
	})
}

func TestDrainTurns(t *testing.T) {
	t.Parallel()
	now := noticeTime()
	m := inUse()
	if events := m.Admit(now); events != nil {
		t.Errorf("a machine without notice was given its turn: %v", events)
	}
	m.Notify(ohfp.Notice{Kind: ohfp.NoticeDrain, AnnouncedAt: now, Grace: time.Minute, Actor: "cli:ann"}, now)
	if events := m.Admit(now.Add(time.Hour)); len(events) != 1 || events[0].Actor != "cli:ann" || !m.Notice.Due.Equal(now.Add(time.Hour+time.Minute)) {
		t.Errorf("due %s, events %+v", m.Notice.Due, events)
	}
	if events := m.Admit(now.Add(2 * time.Hour)); events != nil {
		t.Errorf("it got a second turn: %v", events)
	}
	if events := m.Withdraw(ohfp.NoticeSpot, "cli:bob", now); events != nil {
		t.Errorf("withdrew a notice of another kind: %v", events)
	}
	if events := m.Withdraw(ohfp.NoticeDrain, "cli:bob", now); len(events) != 1 || events[0].Kind != ohfp.MachineUnnoticed || m.Noticed() {
		t.Errorf("notice %v, events %+v", m.Notice, events)
	}
	m.Notify(ohfp.Notice{Kind: ohfp.NoticeDrain, AnnouncedAt: now}, now)
	m.Return = "ret-1"
	if events := m.Withdraw(ohfp.NoticeDrain, "cli:bob", now); events != nil || !m.Noticed() {
		t.Errorf("the drain of a machine that was given back was withdrawn: %v", events)
	}
}

// TestLostMachinesAreNoticed: a machine that goes without a word is noticed by its absence, but only one that its user
// had and that nobody here has ended.
func TestLostMachinesAreNoticed(t *testing.T) {
	t.Parallel()
	now := noticeTime()
	for name, c := range map[string]struct {
		alter func(m *ohfp.Machine)
		want  ohfp.NoticeKind
	}{
		"in use":      {func(*ohfp.Machine) {}, ohfp.NoticeStateChange},
		"drained":     {func(m *ohfp.Machine) { m.Notice = ohfp.Notice{Kind: ohfp.NoticeDrain} }, ohfp.NoticeStateChange},
		"interrupted": {func(m *ohfp.Machine) { m.Notice = spotNotice(now) }, ohfp.NoticeSpot},
		"never ready": {func(m *ohfp.Machine) { m.DeliveredAt = time.Time{} }, ""},
		"given back":  {func(m *ohfp.Machine) { m.Return, m.Ending = "ret-1", ohfp.ReasonReturned }, ""},
		"ended by us": {func(m *ohfp.Machine) { m.Ending = ohfp.ReasonSpare }, ""},
	} {
		for _, way := range []string{"seen", "absent"} {
			m := inUse()
			m.KnownAt = now.Add(-time.Hour)
			c.alter(&m)
			r := ohfp.Request{ID: "req-1", Type: ohfp.TypeAcquire, Provider: "aws", Count: 1, Status: ohfp.StatusComplete, Machines: []ohfp.Machine{m}}
			facts := ohfp.Facts{Complete: true, ObservedAt: now}
			if way == "seen" {
				m.State, m.StateReason = ohfp.MachineTerminated, "Server.SpotInstanceTermination"
				facts.Machines = []ohfp.Machine{m}
			}
			r.Fold(facts, now)
			got := r.Machines[0]
			if !got.Gone() || got.Notice.Kind != c.want || got.Noticed() != (c.want != "") {
				t.Errorf("%s, %s: %s with notice %q, noticed %t; want %q", name, way, got.State, got.Notice.Kind, got.Noticed(), c.want)
			}
		}
	}
}

// TestUnreadIsNotLost: nothing is noticed because a read did not arrive.
func TestUnreadIsNotLost(t *testing.T) {
	t.Parallel()
	now := noticeTime()
	m := inUse()
	m.KnownAt = now.Add(-time.Hour)
	r := ohfp.Request{ID: "req-1", Type: ohfp.TypeAcquire, Provider: "aws", Count: 1, Status: ohfp.StatusComplete, Machines: []ohfp.Machine{m}}
	r.Fold(ohfp.Facts{ObservedAt: now, Problem: "page 7 of 10 did not arrive"}, now)
	if got := r.Machines[0]; got.Gone() || got.Noticed() {
		t.Errorf("the machine is %s, noticed %t", got.State, got.Noticed())
	}
}
