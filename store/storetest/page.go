package storetest

import (
	"fmt"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

func pageTests() []test {
	return []test{
		{"requests while others write", pageRequests},
		{"machines while others write", pageMachines},
		{"cursors of something else", pageWrong},
	}
}

// pageRequests makes newer and older requests between the pages, and changes those on them.
func pageRequests(s bench) {
	t := s.t
	put := func(age time.Duration, template ohfp.TemplateID) ohfp.Request {
		t.Helper()
		r, _ := acquire(t, 1, start().Add(-age))
		r.Template.ID = template
		must(t, s.CreateRequest(t.Context(), r, store.Limits{}))
		return r
	}
	var all []ohfp.RequestID // the newest first
	for i := range 23 {
		all = append(all, put(time.Duration(i/2)*time.Minute, "a").ID) // two of each age
		put(time.Duration(i)*time.Minute, "b")
	}
	there := map[ohfp.RequestID]bool{}
	for _, id := range all {
		there[id] = true
	}
	met := map[ohfp.RequestID]bool{}
	var last ohfp.Request
	filter := store.RequestFilter{Template: "a", Limit: 4}
	pages := 0
	for ; ; pages++ {
		page := requests(t, s, filter)
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			if met[r.ID] {
				t.Fatalf("request %s is shown twice", r.ID)
			}
			if last.ID != "" && store.ByNewest(last, r) >= 0 {
				t.Fatalf("request %s follows %s", r.ID, last.ID)
			}
			met[r.ID], last = true, r
			update(t, s, r.ID, touchless(func(r *ohfp.Request) { r.Message = "seen" }))
		}
		if len(page) > filter.Limit || len(page) < filter.Limit && pages < 5 {
			t.Fatalf("page %d of %d has %d", pages, filter.Limit, len(page))
		}
		filter.After = store.RequestCursor(last)
		put(-time.Duration(pages+1)*time.Second, "a") // newer than all
		put(5*time.Second, "a")                       // on the first page
		if pages < 4 {
			put(time.Hour, "a") // older than all
		}
	}
	for id := range there {
		if !met[id] {
			t.Errorf("request %s was never shown", id)
		}
	}
	rest := requests(t, s, store.RequestFilter{After: store.RequestCursor(last), Offset: 1})
	want := requests(t, s, store.RequestFilter{After: store.RequestCursor(last)})
	same(t, rest, want[min(1, len(want)):])
}

func pageMachines(s bench) {
	t := s.t
	a := created(t, s, 30, 30, func(r *ohfp.Request) {
		for i := range r.Machines {
			r.Machines[i].LaunchedAt = start().Add(time.Duration(i/3) * time.Second) // three at once
			if i == 7 {
				r.Machines[i].LaunchedAt = time.Time{}
			}
		}
	})
	more := 0
	met := map[ohfp.MachineID]bool{}
	filter := store.MachineFilter{States: []ohfp.MachineState{ohfp.MachineRunning, ohfp.MachineTerminated}, Limit: 7}
	for {
		page := machines(t, s, filter)
		if len(page) == 0 {
			break
		}
		for _, m := range page {
			if met[m.ID] {
				t.Fatalf("machine %s is shown twice", m.ID)
			}
			met[m.ID] = true
		}
		filter.After = store.MachineCursor(page[len(page)-1])
		if more < 3 {
			created(t, s, 1, 1, func(r *ohfp.Request) {
				r.Machines[0].LaunchedAt = start().Add(-time.Duration(more) * time.Hour)
			})
		}
		more++
		update(t, s, a.ID, touchless(func(r *ohfp.Request) { r.Machines[more].State = ohfp.MachineTerminated }))
	}
	for _, m := range a.Machines {
		if !met[m.ID] {
			t.Errorf("machine %s was never shown", m.ID)
		}
	}
	same(t, machines(t, s, store.MachineFilter{Request: a.ID, After: store.MachineCursor(a.Machines[27])}), get(t, s, a.ID).Machines[28:])
}

func pageWrong(s bench) {
	t := s.t
	r := created(t, s, 1, 1)
	for i, wrong := range []string{"x", "!", "W10", "e30", store.MachineCursor(r.Machines[0])} {
		_, err := s.Requests(t.Context(), store.RequestFilter{After: wrong})
		want(t, err, ohfp.ErrInvalid)
		if i < 4 {
			_, err = s.Machines(t.Context(), store.MachineFilter{After: wrong})
			want(t, err, ohfp.ErrInvalid)
		}
	}
	_, err := s.Machines(t.Context(), store.MachineFilter{After: store.RequestCursor(r)})
	want(t, err, ohfp.ErrInvalid)
	if fmt.Sprint(machines(t, s, store.MachineFilter{After: store.MachineCursor(r.Machines[0])})) != "[]" {
		t.Error("something follows the only machine")
	}
}
