package query_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
)

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// held makes a machine that its user has.
func held(id string, alter func(m *ohfp.Machine)) ohfp.Machine {
	m := ohfp.Machine{
		Provider: "aws", ID: ohfp.MachineID(id), Request: "req-1", State: ohfp.MachineRunning, Name: "host-" + id,
		LaunchedAt: noon().Add(-time.Hour), DeliveredAt: noon().Add(-time.Hour),
	}
	alter(&m)
	return m
}

func stored(tb testing.TB, machines ...ohfp.Machine) *query.Queries {
	tb.Helper()
	s := memory.New(noon)
	r := ohfp.Request{ID: "req-1", Type: ohfp.TypeAcquire, Provider: "aws", Count: len(machines), Status: ohfp.StatusComplete, Machines: machines}
	if err := s.CreateRequest(tb.Context(), r, store.Limits{}); err != nil {
		tb.Fatal(err)
	}
	return &query.Queries{Store: s, Now: noon}
}

func notice(kind ohfp.NoticeKind, ago, left time.Duration) ohfp.Notice {
	return ohfp.Notice{Kind: kind, AnnouncedAt: noon().Add(-ago), Due: noon().Add(left)}
}

func TestReclaimed(t *testing.T) {
	t.Parallel()
	gone := func(m *ohfp.Machine) {
		m.State, m.Notice = ohfp.MachineTerminated, notice(ohfp.NoticeStateChange, time.Minute, -time.Minute)
	}
	machines := []ohfp.Machine{
		held("in-use", func(*ohfp.Machine) {}),
		held("spot", func(m *ohfp.Machine) { m.Notice = notice(ohfp.NoticeSpot, 20*time.Second, 100*time.Second) }),
		held("late", func(m *ohfp.Machine) { m.Notice = notice(ohfp.NoticeSpot, time.Hour, -58*time.Minute) }),
		held("repair", func(m *ohfp.Machine) { m.Notice = notice(ohfp.NoticeMaintenance, time.Hour, 48*time.Hour) }),
		held("rebalance", func(m *ohfp.Machine) {
			m.Notice = ohfp.Notice{Kind: ohfp.NoticeRebalance, AnnouncedAt: noon().Add(-30 * time.Second)}
		}),
		held("drain", func(m *ohfp.Machine) { m.Notice = notice(ohfp.NoticeDrain, time.Minute, 9*time.Minute) }),
		held("waits", func(m *ohfp.Machine) {
			m.Notice = ohfp.Notice{Kind: ohfp.NoticeDrain, AnnouncedAt: noon(), Grace: time.Minute, Parallel: 1}
		}),
		held("gone", gone),
		held("gone-borne", func(m *ohfp.Machine) { gone(m); m.Name = "host-in-use" }),
		held("returned", func(m *ohfp.Machine) {
			m.Notice, m.Return, m.Ending = notice(ohfp.NoticeSpot, 0, time.Minute), "ret-1", ohfp.ReasonReturned
		}),
		held("spare", func(m *ohfp.Machine) {
			m.Notice, m.Ending = notice(ohfp.NoticeSpot, 0, time.Minute), ohfp.ReasonSpare
		}),
		held("not-yet", func(m *ohfp.Machine) {
			m.Notice, m.DeliveredAt = notice(ohfp.NoticeSpot, 0, time.Minute), time.Time{}
		}),
	}
	for name, c := range map[string]struct {
		known     []query.Named
		rebalance bool
		want      map[string]time.Duration
	}{
		"all": {nil, false, map[string]time.Duration{
			"host-spot": 100 * time.Second, "host-late": 0, "host-repair": 48 * time.Hour, "host-drain": 9 * time.Minute, "host-gone": 0,
		}},
		"with rebalance":  {[]query.Named{{ID: "rebalance"}}, true, map[string]time.Duration{"host-rebalance": 90 * time.Second}},
		"by id":           {[]query.Named{{ID: "spot", Name: "other"}, {ID: "in-use"}}, false, map[string]time.Duration{"host-spot": 100 * time.Second}},
		"by name":         {[]query.Named{{Name: "host-gone"}, {Name: "host-waits"}}, false, map[string]time.Duration{"host-gone": 0}},
		"the id wins":     {[]query.Named{{ID: "in-use", Name: "host-spot"}}, false, map[string]time.Duration{}},
		"dead but borne":  {[]query.Named{{ID: "gone-borne", Name: "host-in-use"}, {Name: "host-in-use"}}, false, map[string]time.Duration{}},
		"ours":            {[]query.Named{{ID: "returned"}, {ID: "spare"}, {ID: "not-yet"}}, true, map[string]time.Duration{}},
		"nobody knows it": {[]query.Named{{ID: "i-0"}, {Name: ""}}, false, map[string]time.Duration{}},
	} {
		q := stored(t, machines...)
		q.Rebalance = c.rebalance
		found, err := q.Reclaimed(t.Context(), c.known)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]time.Duration{}
		for _, r := range found {
			got[r.Name] = r.Grace
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

// BenchmarkReclaimed answers about 10,000 live machines of which 10 are taken back.
func BenchmarkReclaimed(b *testing.B) {
	var machines []ohfp.Machine
	var known []query.Named
	for i := range 10_000 {
		machines = append(machines, held(fmt.Sprint(i), func(m *ohfp.Machine) {
			if i%1000 == 0 {
				m.Notice = notice(ohfp.NoticeSpot, 0, time.Minute)
			}
		}))
		known = append(known, query.Named{ID: machines[i].ID, Name: machines[i].Name})
	}
	q := stored(b, machines...)
	for b.Loop() {
		if found, err := q.Reclaimed(b.Context(), known); err != nil || len(found) != 10 {
			b.Fatalf("%d machines, error %v", len(found), err)
		}
	}
}
