package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

func listTests() []test {
	return []test{
		{"requests", listRequests},
		{"pages of requests", listPages},
		{"machines", listMachines},
		{"names", listNames},
		{"noticed", listNoticed},
		{"pages of machines", listMachinePages},
		{"thousands of ids", listManyIDs},
		{"empty store", listNothing},
	}
}

func listRequests(s bench) {
	t := s.t
	put := func(id ohfp.RequestID, template ohfp.TemplateID, status ohfp.Status, age time.Duration) {
		t.Helper()
		r, _ := acquire(t, 1, start().Add(-age))
		r.ID, r.Type, r.Template.ID, r.Status = id, id.Type(), template, status
		if r.Type == ohfp.TypeAcquire {
			r.PolledAt, r.AnsweredAt = start(), start() // somebody knows of it
		}
		must(t, s.CreateRequest(t.Context(), r, store.Limits{}))
	}
	put("req-1", "a", ohfp.StatusComplete, 5*time.Hour)
	put("req-2", "b", ohfp.StatusPending, 4*time.Hour)
	put("ret-3", "", ohfp.StatusPending, 3*time.Hour)
	put("req-4", "a", ohfp.StatusFailed, 2*time.Hour)
	put("req-5", "a", ohfp.StatusStopping, time.Hour)
	put("req-6", "a", ohfp.StatusInProgress, time.Hour) // as old as the one before
	put("ret-7", "", ohfp.StatusComplete, 0)

	for name, c := range map[string]struct {
		filter store.RequestFilter
		want   []ohfp.RequestID
	}{
		"all":            {store.RequestFilter{}, []ohfp.RequestID{"ret-7", "req-6", "req-5", "req-4", "ret-3", "req-2", "req-1"}},
		"ids":            {store.RequestFilter{IDs: []ohfp.RequestID{"req-1", "req-none", "ret-7", "req-1"}}, []ohfp.RequestID{"ret-7", "req-1"}},
		"type":           {store.RequestFilter{Type: ohfp.TypeReturn}, []ohfp.RequestID{"ret-7", "ret-3"}},
		"statuses":       {store.RequestFilter{Statuses: []ohfp.Status{ohfp.StatusPending, ohfp.StatusFailed}}, []ohfp.RequestID{"req-4", "ret-3", "req-2"}},
		"template":       {store.RequestFilter{Template: "a"}, []ohfp.RequestID{"req-6", "req-5", "req-4", "req-1"}},
		"unsettled":      {store.RequestFilter{Unsettled: true}, []ohfp.RequestID{"req-6", "req-5", "ret-3", "req-2"}},
		"all narrow":     {store.RequestFilter{IDs: []ohfp.RequestID{"req-6", "req-5", "req-2", "ret-3"}, Type: ohfp.TypeAcquire, Template: "a", Unsettled: true}, []ohfp.RequestID{"req-6", "req-5"}},
		"nothing":        {store.RequestFilter{Template: "none"}, nil},
		"filtered page":  {store.RequestFilter{Template: "a", Limit: 2, Offset: 1}, []ohfp.RequestID{"req-5", "req-4"}},
		"unsettled page": {store.RequestFilter{Unsettled: true, Limit: 2, Offset: 1}, []ohfp.RequestID{"req-5", "ret-3"}},
		"with machines":  {store.RequestFilter{Template: "a", Machines: true, Limit: 1}, []ohfp.RequestID{"req-6"}},
	} {
		var got []ohfp.RequestID
		for _, r := range requests(t, s, c.filter) {
			got = append(got, r.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func listPages(s bench) {
	t := s.t
	var all []ohfp.RequestID
	for i := range 25 {
		r, _ := acquire(t, 1, start().Add(-time.Duration(i)*time.Nanosecond))
		must(t, s.CreateRequest(t.Context(), r, store.Limits{}))
		all = append(all, r.ID)
	}
	for _, size := range []int{1, 7, 25, 30} {
		var got []ohfp.RequestID
		for offset := 0; ; offset += size {
			page := requests(t, s, store.RequestFilter{Limit: size, Offset: offset})
			if len(page) == 0 {
				break
			}
			if len(page) > size {
				t.Fatalf("page of %d has %d", size, len(page))
			}
			for _, r := range page {
				got = append(got, r.ID)
			}
		}
		same(t, got, all)
	}
	if rest := requests(t, s, store.RequestFilter{Offset: 20}); len(rest) != 5 {
		t.Errorf("%d after the 20th, want 5", len(rest))
	}
}

func listMachines(s bench) {
	t := s.t
	a := created(t, s, 4, 4, func(r *ohfp.Request) {
		r.Template.ID = "a"
		for i := range r.Machines {
			r.Machines[i].Template = "a"
			r.Machines[i].ID = ohfp.MachineID(fmt.Sprintf("i-a%d", i))
		}
		r.Machines[1].State = ohfp.MachineTerminated
		r.Machines[2].State, r.Machines[2].Resource = ohfp.MachineStopped, "fleet-1"
		r.Machines[3].LaunchedAt = r.Machines[0].LaunchedAt // told apart by id
	})
	created(t, s, 1, 1, func(r *ohfp.Request) {
		r.Machines[0].ID, r.Machines[0].LaunchedAt = "i-b0", start().Add(-time.Hour)
	})
	r := returned(t, s, a.Machines[0])
	for name, c := range map[string]struct {
		filter store.MachineFilter
		want   []ohfp.MachineID
	}{
		"all":        {store.MachineFilter{}, []ohfp.MachineID{"i-b0", "i-a0", "i-a3", "i-a1", "i-a2"}},
		"ids":        {store.MachineFilter{IDs: []ohfp.MachineID{"i-a1", "i-b0", "i-none"}}, []ohfp.MachineID{"i-b0", "i-a1"}},
		"request":    {store.MachineFilter{Request: a.ID}, []ohfp.MachineID{"i-a0", "i-a3", "i-a1", "i-a2"}},
		"return":     {store.MachineFilter{Return: r.ID}, []ohfp.MachineID{"i-a0"}},
		"template":   {store.MachineFilter{Template: "tmpl"}, []ohfp.MachineID{"i-b0"}},
		"states":     {store.MachineFilter{States: []ohfp.MachineState{ohfp.MachineStopped, ohfp.MachineTerminated}}, []ohfp.MachineID{"i-a1", "i-a2"}},
		"resource":   {store.MachineFilter{Resource: "fleet-1"}, []ohfp.MachineID{"i-a2"}},
		"all narrow": {store.MachineFilter{Request: a.ID, States: []ohfp.MachineState{ohfp.MachineRunning}, IDs: []ohfp.MachineID{"i-a2", "i-a3", "i-b0"}}, []ohfp.MachineID{"i-a3"}},
		"page":       {store.MachineFilter{States: []ohfp.MachineState{ohfp.MachineRunning}, Limit: 1, Offset: 1}, []ohfp.MachineID{"i-a0"}},
		"nothing":    {store.MachineFilter{Resource: "none"}, nil},
	} {
		var got []ohfp.MachineID
		for _, m := range machines(t, s, c.filter) {
			got = append(got, m.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

// listNames reuses a name, as clouds do.
func listNames(s bench) {
	t := s.t
	a := created(t, s, 3, 3, func(r *ohfp.Request) {
		r.Machines[0].Name, r.Machines[0].State = "ip-10-0-0-1", ohfp.MachineTerminated
		r.Machines[1].Name = "ip-10-0-0-1"
		r.Machines[2].Name = "ip-10-0-0-2"
	})
	for _, c := range []struct {
		filter store.MachineFilter
		want   []ohfp.Machine
	}{
		{store.MachineFilter{Names: []string{"ip-10-0-0-1"}}, a.Machines[:2]},
		{store.MachineFilter{Names: []string{"ip-10-0-0-1"}, States: []ohfp.MachineState{ohfp.MachineRunning}}, a.Machines[1:2]},
		{store.MachineFilter{Names: []string{"ip-10-0-0-2", "none", ""}}, a.Machines[2:]},
		{store.MachineFilter{Names: []string{"IP-10-0-0-1", "ip-10-0-0-%"}}, nil},
	} {
		same(t, machines(t, s, c.filter), c.want)
	}
}

// listNoticed follows notices through the lives of machines, of which only some are being taken back.
func listNoticed(s bench) {
	t := s.t
	notice := ohfp.Notice{Kind: ohfp.NoticeSpot, AnnouncedAt: start(), Due: start().Add(2 * time.Minute)}
	a := created(t, s, 5, 5, func(r *ohfp.Request) {
		for i := range r.Machines {
			r.Machines[i].ID, r.Machines[i].DeliveredAt = ohfp.MachineID(fmt.Sprintf("i-%d", i)), start()
		}
		r.Machines[0].Notice = notice
	})
	noticed := func(want ...ohfp.MachineID) {
		t.Helper()
		var got []ohfp.MachineID
		for _, m := range machines(t, s, store.MachineFilter{Noticed: true}) {
			got = append(got, m.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("noticed are %v, want %v", got, want)
		}
	}
	noticed("i-0")
	a = update(t, s, a.ID, touchless(func(r *ohfp.Request) { r.Machines[3].Notice, r.Machines[4].Notice = notice, notice }))
	noticed("i-0", "i-3", "i-4")
	same(t, machines(t, s, store.MachineFilter{Noticed: true, IDs: []ohfp.MachineID{"i-1", "i-3"}}), a.Machines[3:4])
	same(t, machines(t, s, store.MachineFilter{Noticed: true, Limit: 1, Offset: 1}), a.Machines[3:4])

	a = update(t, s, a.ID, touchless(func(r *ohfp.Request) { r.Machines[0].Notice = ohfp.Notice{} })) // withdrawn
	noticed("i-3", "i-4")
	back := returned(t, s, a.Machines[3])
	noticed("i-3", "i-4") // it is still there
	update(t, s, back.ID, touchless(func(r *ohfp.Request) { r.Machines[0].State = ohfp.MachineTerminated }))
	noticed("i-4")
	// All are gone and the request has ended; its user has not heard of the last one.
	update(t, s, a.ID, touchless(func(r *ohfp.Request) {
		r.Status, r.PolledAt, r.AnsweredAt = ohfp.StatusComplete, start(), start()
		for i := range r.Machines {
			r.Machines[i].State = ohfp.MachineTerminated
		}
	}))
	noticed("i-4")
	last := get(t, s, a.ID).Machines[4]
	returned(t, s, last)
	noticed()
}

func listMachinePages(s bench) {
	t := s.t
	r := created(t, s, 25, 25)
	var got []ohfp.Machine
	for offset := 0; offset < 30; offset += 4 {
		got = append(got, machines(t, s, store.MachineFilter{Limit: 4, Offset: offset})...)
	}
	same(t, got, r.Machines)
}

func listManyIDs(s bench) {
	t := s.t
	r := created(t, s, 1, 3)
	var ids []ohfp.MachineID
	var names []string
	var others []ohfp.RequestID
	for i := range 5000 {
		ids = append(ids, ohfp.MachineID(fmt.Sprintf("i-%d", i)))
		names = append(names, fmt.Sprintf("name-%d", i))
		others = append(others, ohfp.RequestID(fmt.Sprintf("req-%d", i)))
	}
	ids, names, others = append(ids, r.Machines[1].ID), append(names, r.Machines[1].Name), append(others, r.ID)
	same(t, machines(t, s, store.MachineFilter{IDs: ids, Names: names}), r.Machines[1:2])
	if found := requests(t, s, store.RequestFilter{IDs: others, Machines: true}); len(found) != 1 {
		t.Errorf("%d requests, want 1", len(found))
	}
}

func listNothing(s bench) {
	t := s.t
	for _, n := range []int{
		len(requests(t, s, store.RequestFilter{Machines: true})),
		len(machines(t, s, store.MachineFilter{})),
		len(events(t, s, store.EventFilter{})),
	} {
		if n != 0 {
			t.Errorf("%d records in an empty store", n)
		}
	}
	usage, err := s.Usage(t.Context())
	must(t, err)
	same(t, usage, store.Usage{})
}
