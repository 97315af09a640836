package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

func eventTests() []test {
	return []test{
		{"order and filters", eventFilters},
		{"beside templates", eventTemplates},
		{"positions", eventPositions},
		{"positions at once", eventPositionsAtOnce},
	}
}

func eventFilters(s bench) {
	t := s.t
	a, b := created(t, s, 1, 1), created(t, s, 1, 1)
	for i := range 5 {
		update(t, s, a.ID, func(*ohfp.Request) ([]ohfp.Event, error) {
			return []ohfp.Event{
				{Kind: ohfp.MachineChanged, Request: a.ID, Machine: a.Machines[0].ID, Message: fmt.Sprint(2 * i), Sequence: 1},
				{Kind: ohfp.RequestChanged, Request: a.ID, Message: fmt.Sprint(2*i + 1)},
			}, nil
		})
	}
	all := events(t, s, store.EventFilter{})
	if len(all) != 12 {
		t.Fatalf("%d events, want 12", len(all))
	}
	for i := 1; i < len(all); i++ {
		if all[i].Sequence <= all[i-1].Sequence {
			t.Fatalf("event %d has sequence %d after %d", i, all[i].Sequence, all[i-1].Sequence)
		}
	}
	for i, e := range all[2:] {
		if e.Message != fmt.Sprint(i) {
			t.Fatalf("event %d says %q: not in the order of what happened", i, e.Message)
		}
	}
	same(t, events(t, s, store.EventFilter{Request: b.ID}), all[1:2])
	if n := len(events(t, s, store.EventFilter{Machine: a.Machines[0].ID})); n != 5 {
		t.Errorf("%d events of the machine, want 5", n)
	}
	same(t, events(t, s, store.EventFilter{After: all[8].Sequence}), all[9:])
	same(t, events(t, s, store.EventFilter{After: all[3].Sequence, Limit: 2}), all[4:6])
	same(t, events(t, s, store.EventFilter{Request: a.ID, After: all[10].Sequence}), all[11:])
	if rest := events(t, s, store.EventFilter{After: all[11].Sequence}); len(rest) != 0 {
		t.Errorf("%d events after the last", len(rest))
	}
}

func eventTemplates(s bench) {
	t := s.t
	must(t, s.PutTemplate(t.Context(), ohfp.Template{ID: "a"}, ohfp.Event{Template: "a", Message: "put"}))
	must(t, s.DeleteTemplate(t.Context(), "a", ohfp.Event{Template: "a", Message: "deleted"}))
	want(t, s.DeleteTemplate(t.Context(), "a", ohfp.Event{Template: "a", Message: "again"}), ohfp.ErrNotFound)
	var told []string
	for _, e := range events(t, s, store.EventFilter{}) {
		told = append(told, e.Message)
	}
	same(t, told, []string{"put", "deleted"})
}

func eventPositions(s bench) {
	t := s.t
	positions := func(want map[string]int64) {
		t.Helper()
		got, err := s.Positions(t.Context())
		must(t, err)
		same(t, got, want)
	}
	advance := func(follower string, from, to int64, want bool) {
		t.Helper()
		moved, err := s.Advance(t.Context(), follower, from, to)
		must(t, err)
		if moved != want {
			t.Errorf("%q from %d to %d: moved is %t, want %t", follower, from, to, moved, want)
		}
	}
	positions(map[string]int64{})
	advance("a", 5, 6, false)
	advance("a", 0, 5, true)
	advance("b \"'é", 0, 1<<40, true)
	advance("a", 0, 7, false)
	advance("a", 5, 7, true)
	advance("a", 7, 7, true)
	s.clock.pass(10 * 365 * 24 * time.Hour) // they do not expire
	positions(map[string]int64{"a": 7, "b \"'é": 1 << 40})
	advance("a", 7, 0, true)
	positions(map[string]int64{"b \"'é": 1 << 40})
	advance("a", 0, 3, true)
}

// eventPositionsAtOnce: of many who want to go on from one place, one does.
func eventPositionsAtOnce(s bench) {
	t := s.t
	moved := make([]bool, 16)
	inParallel(len(moved), func(i int) {
		var err error
		if moved[i], err = s.Advance(t.Context(), "a", 0, int64(i+1)); err != nil {
			t.Error(err)
		}
	})
	winner := slices.Index(moved, true)
	if winner < 0 || slices.Index(moved[winner+1:], true) >= 0 {
		t.Fatalf("moved %v, want one", moved)
	}
	got, err := s.Positions(t.Context())
	must(t, err)
	same(t, got, map[string]int64{"a": int64(winner + 1)})
}
