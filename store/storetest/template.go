package storetest

import (
	"github.com/openhostfactory/ohfp"
)

func templateTests() []test {
	return []test{{"put, replace, delete", templateLife}}
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

	must(t, s.PutTemplate(t.Context(), ohfp.Template{ID: "b", MaxNumber: 2}))
	if all := ids("B", "a", "b", "c"); all[2].MaxNumber != 2 || len(all[2].Attributes) != 0 {
		t.Errorf("template is %+v, want it replaced as a whole", all[2])
	}
	must(t, s.DeleteTemplate(t.Context(), "b"))
	ids("B", "a", "c")
	want(t, s.DeleteTemplate(t.Context(), "b"), ohfp.ErrNotFound)
}
