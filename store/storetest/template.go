package storetest

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

func templateTests() []test {
	return []test{{"put, replace, delete", templateLife}, {"race", templateRace}}
}

func templateLife(s bench) {
	t := s.t
	ids := func(want ...ohfp.TemplateID) []ohfp.Template {
		t.Helper()
		all, err := s.Templates(t.Context())
		must(t, err)
		var got []ohfp.TemplateID
		for _, t := range all {
			got = append(got, t.ID)
		}
		same(t, got, want)
		return all
	}
	ids()
	for _, id := range []ohfp.TemplateID{"b", "a", "B", "c"} {
		must(t, s.PutTemplate(t.Context(), ohfp.Template{ID: id, MaxNumber: 1, Attributes: map[string]ohfp.Attribute{"x": ohfp.Numeric(1)}}))
	}
	ids("B", "a", "b", "c")

	put := func(template ohfp.Template) error { return s.PutTemplate(t.Context(), template) }
	must(t, put(ohfp.Template{ID: "b", MaxNumber: 2}))
	if all := ids("B", "a", "b", "c"); all[2].MaxNumber != 2 || len(all[2].Attributes) != 0 || all[2].Version != 2 {
		t.Errorf("template is %+v, want it replaced as a whole in version 2", all[2])
	}
	want(t, put(ohfp.Template{ID: "b", Version: store.UnknownTemplate}), ohfp.ErrConflict) // it exists
	want(t, put(ohfp.Template{ID: "b", MaxNumber: 3, Version: 1}), ohfp.ErrConflict)       // that version was replaced
	want(t, put(ohfp.Template{ID: "d", MaxNumber: 3, Version: 1}), ohfp.ErrConflict)       // that is not there
	must(t, put(ohfp.Template{ID: "b", MaxNumber: 3, Version: 2}))
	must(t, put(ohfp.Template{ID: "d", Version: store.UnknownTemplate}))
	if all := ids("B", "a", "b", "c", "d"); all[2].Version != 3 || all[4].Version != 1 {
		t.Errorf("versions are %d and %d, want 3 and 1", all[2].Version, all[4].Version)
	}
	must(t, s.DeleteTemplate(t.Context(), "b"))
	ids("B", "a", "c", "d")
	want(t, s.DeleteTemplate(t.Context(), "b"), ohfp.ErrNotFound)
}

// templateRace lets many put the next version of one template: one of them does.
func templateRace(s bench) {
	t := s.t
	must(t, s.PutTemplate(t.Context(), ohfp.Template{ID: "a", MaxNumber: 1}))
	var put atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			err := s.PutTemplate(t.Context(), ohfp.Template{ID: "a", MaxNumber: 10 + i, Version: 1})
			if err == nil {
				put.Add(1)
			} else if !errors.Is(err, ohfp.ErrConflict) {
				t.Errorf("the loser of a race gets %v", err)
			}
		})
	}
	all.Wait()
	same(t, put.Load(), int32(1))
}
