package storetest

import (
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

func inspectTests() []test {
	return []test{{"counts", inspectCounts}}
}

func inspectCounts(s bench) {
	t := s.t
	look := func() store.Inspection {
		t.Helper()
		must(t, s.Check(t.Context()))
		found, err := s.Inspect(t.Context())
		must(t, err)
		if found.Strategy == "" || found.Place == "" || found.Schema < 1 || found.Bytes < 0 {
			t.Errorf("inspection is %+v", found)
		}
		found.Strategy, found.Engine, found.Place, found.Schema, found.Bytes = "", "", "", 0, 0
		return found
	}
	same(t, look(), store.Inspection{})
	created(t, s, 4, 4, func(r *ohfp.Request) { r.Machines[2].State = ohfp.MachineTerminated })
	used := ended(t, s, time.Hour, 3, 2)
	ended(t, s, time.Hour, 2, 0)
	returned(t, s, used.Machines[0])
	must(t, s.PutTemplate(t.Context(), ohfp.Template{ID: "one"}))
	all := events(t, s, store.EventFilter{})
	same(t, look(), store.Inspection{
		Requests: 4, Unsettled: 2, Machines: 9, Live: 5, Templates: 1, Events: len(all), Sequence: all[len(all)-1].Sequence,
	})
}
