package orphans_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/orphans"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

const (
	known   = ohfp.RequestID("req-00000000-0000-7000-8000-000000000001")
	open    = ohfp.RequestID("req-00000000-0000-7000-8000-000000000002")
	other   = ohfp.RequestID("req-00000000-0000-7000-8000-000000000003")
	unknown = ohfp.RequestID("req-00000000-0000-7000-8000-000000000009")
)

func machine(id ohfp.MachineID, request ohfp.RequestID) ohfp.Machine {
	return ohfp.Machine{
		Provider: "a", ID: id, Request: request, State: ohfp.MachineRunning, LaunchedAt: noon.Add(-time.Hour), DeliveredAt: noon.Add(-time.Hour),
	}
}

func with(m ohfp.Machine, change func(*ohfp.Machine)) ohfp.Machine {
	change(&m)
	return m
}

func TestJudgement(t *testing.T) {
	t.Parallel()
	records := orphans.Known{
		Machines: map[ohfp.MachineID]ohfp.Machine{
			"held":    machine("held", known),
			"opened":  machine("opened", open),
			"dead":    with(machine("dead", known), func(m *ohfp.Machine) { m.State, m.TerminatedAt = ohfp.MachineTerminated, noon.Add(-time.Hour) }),
			"dying":   with(machine("dying", known), func(m *ohfp.Machine) { m.State, m.TerminatedAt = ohfp.MachineTerminated, noon.Add(-time.Minute) }),
			"theirs":  with(machine("theirs", known), func(m *ohfp.Machine) { m.Provider = "b" }),
			"waited":  with(machine("waited", open), func(m *ohfp.Machine) { m.State, m.TerminatedAt = ohfp.MachineTerminated, noon.Add(-time.Hour) }),
			"ours":    machine("ours", other),
			"ending":  with(machine("ending", known), func(m *ohfp.Machine) { m.Ending = ohfp.ReasonReturned }),
			"new":     with(machine("new", known), func(m *ohfp.Machine) { m.DeliveredAt = noon.Add(-time.Minute) }),
			"pending": with(machine("pending", known), func(m *ohfp.Machine) { m.DeliveredAt = time.Time{} }),
		},
		Requests: map[ohfp.RequestID]ohfp.Request{
			known: {ID: known, Provider: "a", Origin: ohfp.Origin{Face: orphans.HostFactory}, Status: ohfp.StatusComplete, PolledAt: noon},
			open:  {ID: open, Provider: "a"},
			other: {ID: other, Provider: "b", Origin: ohfp.Origin{Face: "cli"}, Status: ohfp.StatusComplete, PolledAt: noon},
		},
		Open:      map[ohfp.RequestID]bool{open: true},
		Resources: map[string]ohfp.RequestID{"fleet-known": known, "fleet-open": open},
	}
	tests := map[string]struct {
		seen ohfp.Machine
		want orphans.Reason
	}{
		"held and named":             {machine("held", known), ""},
		"no record":                  {machine("x", unknown), orphans.NoRecord},
		"bears nothing":              {machine("x", ""), orphans.NoRecord},
		"of a fleet that is known":   {with(machine("x", ""), func(m *ohfp.Machine) { m.Resource = "fleet-known" }), orphans.Late},
		"of a fleet that is filling": {with(machine("x", ""), func(m *ohfp.Machine) { m.Resource = "fleet-open" }), ""},
		"late":                       {machine("x", known), orphans.Late},
		"its request is under way":   {machine("x", open), ""},
		"recorded under way":         {machine("opened", open), ""},
		"another instance's request": {machine("x", other), ""},
		"another instance's machine": {machine("theirs", known), ""},
		"seen elsewhere before":      {machine("met", unknown), ""},
		"shutting down":              {with(machine("x", unknown), func(m *ohfp.Machine) { m.State = ohfp.MachineShuttingDown }), ""},
		"stopped":                    {with(machine("x", unknown), func(m *ohfp.Machine) { m.State = ohfp.MachineStopped }), orphans.NoRecord},
		"young":                      {with(machine("x", unknown), func(m *ohfp.Machine) { m.LaunchedAt = noon.Add(-14 * time.Minute) }), ""},
		"from the future":            {with(machine("x", unknown), func(m *ohfp.Machine) { m.LaunchedAt = noon.Add(time.Hour) }), ""},
		"of unknown age":             {with(machine("x", unknown), func(m *ohfp.Machine) { m.LaunchedAt = time.Time{} }), ""},
		"gone on record":             {machine("dead", known), orphans.Undead},
		"just gone on record":        {machine("dying", known), ""},
		"gone, its request is not":   {machine("waited", open), orphans.Undead},
		"not named any more":         {machine("unnamed", known), orphans.Unnamed},
		"being ended":                {machine("ending", known), ""},
		"just delivered":             {machine("new", known), ""},
		"never delivered":            {machine("pending", known), ""},
		"of another face, unnamed":   {machine("ours", other), ""},
	}
	records.Machines["unnamed"] = machine("unnamed", known)
	memory := fake.NewMemory(func() time.Time { return noon })
	if err := orphans.NoteHosts(t.Context(), memory, []orphans.Host{{ID: "held"}}, time.Minute, noon); err != nil {
		t.Fatal(err)
	}
	hosts, err := orphans.RecallHosts(t.Context(), memory, time.Minute, noon)
	if err != nil || hosts == nil {
		t.Fatal(hosts, err)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			look := orphans.Look{
				Provider: "a", Known: records, Hosts: hosts, Met: map[ohfp.MachineID]bool{"met": true}, MinAge: 15 * time.Minute, Now: noon,
				Seen: provider.Observation{Machines: []ohfp.Machine{test.seen}, Complete: true, ObservedAt: noon},
			}
			var got orphans.Reason
			for _, o := range look.Find() {
				got = o.Reason
			}
			if got != test.want {
				t.Errorf("judged %q, want %q", got, test.want)
			}
		})
	}
}

func TestResources(t *testing.T) {
	t.Parallel()
	records := orphans.Known{
		Requests:  map[ohfp.RequestID]ohfp.Request{known: {ID: known, Provider: "a"}, other: {ID: other, Provider: "b"}},
		Open:      map[ohfp.RequestID]bool{open: true},
		Resources: map[string]ohfp.RequestID{"recorded": known},
	}
	look := orphans.Look{Provider: "a", Known: records, Now: noon, Seen: provider.Observation{ObservedAt: noon, Resources: []ohfp.ResourceFacts{
		{Resource: "recorded", Request: known, Active: true},
		{Resource: "late", Request: known, Active: true},
		{Resource: "lost", Request: unknown, Active: true},
		{Resource: "quiet", Request: unknown},
		{Resource: "gone", Request: unknown, Active: true, Gone: true},
		{Resource: "filling", Request: open, Active: true},
		{Resource: "theirs", Request: other, Active: true},
	}}}
	want := []orphans.Orphan{
		{Provider: "a", Resource: "late", Request: known, Reason: orphans.Late},
		{Provider: "a", Resource: "lost", Request: unknown, Reason: orphans.NoRecord},
		{Provider: "a", Resource: "quiet", Request: unknown, Reason: orphans.NoRecord},
	}
	if diff := cmp.Diff(want, look.Find()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestRipening: an orphan ripens by looks and by the time between them, as far as that counts.
func TestRipening(t *testing.T) {
	t.Parallel()
	wait := orphans.Wait{Quarantine: time.Hour, MinAge: 2 * time.Hour, Most: 20 * time.Minute}
	tests := map[string]struct {
		minutes []int // when the looks were
		ripe    bool
	}{
		"one look":              {[]int{0}, false},
		"in time":               {[]int{0, 10, 20, 30, 40, 50, 60}, true},
		"too early":             {[]int{0, 10, 20, 30, 40, 50}, false},
		"the same look again":   {[]int{0, 0, 0, 0}, false},
		"seldom":                {[]int{0, 100, 200, 300}, true},
		"a jump":                {[]int{0, 100_000}, false},
		"a jump and back":       {[]int{0, 100_000, 10, 20, 30}, false},
		"a jump, then patience": {[]int{0, 100_000, 10, 30, 50}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m, r orphans.Orphan
			for _, at := range test.minutes {
				m = orphans.Orphan{Machine: "m", Reason: orphans.Late}.Again(m, noon.Add(time.Duration(at)*time.Minute), wait)
				r = orphans.Orphan{Resource: "r", Reason: orphans.Late}.Again(r, noon.Add(time.Duration(at)*time.Minute), wait)
			}
			if m.Ripe != test.ripe {
				t.Errorf("ripe %t after %s in %d looks, want %t", m.Ripe, m.Waited, m.Reads, test.ripe)
			}
			if r.Ripe {
				t.Errorf("a fleet, whose age is not known, is ripe after %s", r.Waited)
			}
			if changed := (orphans.Orphan{Machine: "m", Reason: orphans.NoRecord}).Again(m, noon.Add(time.Hour), wait); changed.Reads != 1 || changed.Ripe {
				t.Errorf("for another reason it was seen %d times", changed.Reads)
			}
		})
	}
}

func hosts(n int) []orphans.Host {
	list := make([]orphans.Host, n)
	for i := range list {
		list[i] = orphans.Host{ID: ohfp.MachineID(fmt.Sprintf("i-%017x", i)), Name: fmt.Sprintf("ip-10-0-%d-%d.ec2.internal", i/256, i%256)}
	}
	return list
}

func TestHostLists(t *testing.T) {
	t.Parallel()
	now := noon
	memory := fake.NewMemory(func() time.Time { return now })
	note := func(list []orphans.Host) {
		t.Helper()
		if err := orphans.NoteHosts(t.Context(), memory, list, 5*time.Minute, now); err != nil {
			t.Fatal(err)
		}
	}
	recall := func() *orphans.Hosts {
		t.Helper()
		h, err := orphans.RecallHosts(t.Context(), memory, 11*time.Minute, now)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if recall() != nil {
		t.Error("there is a list before one came")
	}
	all := hosts(10_000)
	note(all)
	note(nil)
	h := recall()
	if h == nil || !h.At.Equal(noon) {
		t.Fatalf("the list is %v", h)
	}
	for _, host := range all {
		if !h.Name(ohfp.Machine{ID: host.ID, Name: "other"}) {
			t.Fatalf("%v is not named", host)
		}
	}
	if h.Name(ohfp.Machine{ID: "i-other", Name: "other"}) || h.Name(ohfp.Machine{ID: "i-other"}) {
		t.Error("a machine that was not named is")
	}
	now = now.Add(4 * time.Minute)
	slices.Reverse(all)
	note(all)
	if h := recall(); !h.At.Equal(noon) {
		t.Error("the same list was written again too early")
	}
	now = now.Add(time.Minute)
	note(all[:9_999])
	if h := recall(); h.Name(ohfp.Machine{ID: all[9_999].ID}) || !h.At.Equal(now) {
		t.Error("a list that lacks one is not taken")
	}
	now = now.Add(5 * time.Minute)
	note(all[:9_999])
	if h := recall(); !h.At.Equal(now) {
		t.Error("the same list is not shown to be current")
	}
	note([]orphans.Host{{Name: "by-name"}, {}})
	if h := recall(); !h.Name(ohfp.Machine{ID: "i-1", Name: "by-name"}) || h.Name(ohfp.Machine{ID: "by-name"}) {
		t.Error("a host that is only named is not found by its name")
	}
	now = now.Add(12 * time.Minute)
	if recall() != nil {
		t.Error("an old list is evidence")
	}
	now = now.Add(-time.Hour)
	if recall() != nil {
		t.Error("a list from the future is evidence")
	}
}

func BenchmarkHostsUnchanged(b *testing.B) {
	memory := fake.NewMemory(time.Now)
	list := hosts(10_000)
	for b.Loop() {
		if err := orphans.NoteHosts(b.Context(), memory, list, time.Hour, noon); err != nil {
			b.Fatal(err)
		}
	}
}
