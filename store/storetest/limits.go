package storetest

import (
	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

func limitTests() []test {
	return []test{
		{"64 at once", limitAtOnce},
		{"provider", limitProvider},
		{"none", limitNone},
		{"returns are free", limitReturns},
		{"what counts", limitUsage},
		{"room again", limitRoomAgain},
		{"vCPUs at once", limitVCPUsAtOnce},
		{"prices", limitPrices},
		{"what costs", limitCosts},
	}
}

// limitAtOnce asks for ten 64 times at once where there is room for a hundred.
func limitAtOnce(s bench) {
	t := s.t
	errs := make([]error, 64)
	inParallel(len(errs), func(i int) {
		r, told := acquire(t, 10, start())
		errs[i] = s.CreateRequest(t.Context(), r, store.Limits{Template: 100}, told...)
	})
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		want(t, err, ohfp.ErrLimit)
	}
	if stored := len(requests(t, s, store.RequestFilter{})); made != 10 || stored != 10 {
		t.Errorf("%d were told that theirs is stored, %d are; want 10", made, stored)
	}
	if told := len(events(t, s, store.EventFilter{})); told != 10 {
		t.Errorf("%d events, want 10: a refused request left some", told)
	}
	usage, err := s.Usage(t.Context())
	must(t, err)
	same(t, usage, store.Usage{Templates: map[ohfp.TemplateID]int{"tmpl": 100}, Providers: map[string]int{providerName: 100}})
}

func limitProvider(s bench) {
	t := s.t
	limits := store.Limits{Provider: 10}
	for i, template := range []ohfp.TemplateID{"one", "two", "three"} {
		r, _ := acquire(t, 5, start())
		r.Template.ID = template
		if err := s.CreateRequest(t.Context(), r, limits); i < 2 {
			must(t, err)
		} else {
			want(t, err, ohfp.ErrLimit)
		}
	}
	r, _ := acquire(t, 5, start())
	r.Provider = "cloud-b"
	must(t, s.CreateRequest(t.Context(), r, limits))
}

func limitNone(s bench) {
	t := s.t
	for range 2 {
		r, _ := acquire(t, 10_000, start())
		must(t, s.CreateRequest(t.Context(), r, store.Limits{}))
	}
}

func limitReturns(s bench) {
	t := s.t
	a := created(t, s, 5, 5)
	r, told := ohfp.NewReturn("ret-1", a.Machines, nil, origin(), start())
	must(t, s.CreateRequest(t.Context(), r, store.Limits{Template: 1, Provider: 1}, told...))
}

// limitUsage stores one request of each sort and compares with what [store.Limits] says.
func limitUsage(s bench) {
	t := s.t
	type sort struct {
		template ohfp.TemplateID
		status   ohfp.Status
		count    int
		alter    func(m []ohfp.Machine) // of three machines with weight 2
		units    int
	}
	each := func(change func(*ohfp.Machine)) func([]ohfp.Machine) {
		return func(machines []ohfp.Machine) {
			for i := range machines {
				change(&machines[i])
			}
		}
	}
	all := each(func(*ohfp.Machine) {})
	state := func(state ohfp.MachineState) func([]ohfp.Machine) {
		return each(func(m *ohfp.Machine) { m.State = state })
	}
	expected := store.NewUsage()
	for _, c := range []sort{
		{"asks-more", ohfp.StatusPending, 10, all, 10},
		{"holds-more", ohfp.StatusInProgress, 5, all, 6},
		{"stopping", ohfp.StatusStopping, 9, all, 9},
		{"complete", ohfp.StatusComplete, 10, all, 6},
		{"failed", ohfp.StatusFailed, 10, state(ohfp.MachineTerminated), 0},
		{"stopped", ohfp.StatusComplete, 10, state(ohfp.MachineStopped), 6},
		{"going", ohfp.StatusComplete, 10, state(ohfp.MachineShuttingDown), 6},
		{"pending", ohfp.StatusPartial, 10, state(ohfp.MachinePending), 6},
		{"returned", ohfp.StatusComplete, 10, each(func(m *ohfp.Machine) { m.Return, m.Ending = "ret-1", ohfp.ReasonReturned }), 0},
		{"one-returned", ohfp.StatusComplete, 10, func(m []ohfp.Machine) { m[1].Ending = ohfp.ReasonReturned }, 4},
		{"one-lost", ohfp.StatusInProgress, 5, func(m []ohfp.Machine) { m[1].State = ohfp.MachineTerminated }, 5},
		{"late", ohfp.StatusTimeout, 10, each(func(m *ohfp.Machine) { m.Ending = ohfp.ReasonLate }), 0},
		{"weightless", ohfp.StatusComplete, 10, each(func(m *ohfp.Machine) { m.Weight = 0 }), 3},
	} {
		created(t, s, c.count, 3, func(r *ohfp.Request) {
			r.Template.ID, r.Status = c.template, c.status
			for i := range r.Machines {
				r.Machines[i].Weight = 2
			}
			c.alter(r.Machines)
		})
		if c.units > 0 {
			expected.Templates[c.template] = c.units
			expected.Providers[providerName] += c.units
		}
	}
	usage, err := s.Usage(t.Context())
	must(t, err)
	same(t, usage, expected)
}

func limitRoomAgain(s bench) {
	t := s.t
	a := created(t, s, 10, 10, func(r *ohfp.Request) { r.Status = ohfp.StatusComplete })
	limits := store.Limits{Template: 10}
	again, _ := acquire(t, 3, start())
	want(t, s.CreateRequest(t.Context(), again, limits), ohfp.ErrLimit)
	returned(t, s, a.Machines[:2]...)
	want(t, s.CreateRequest(t.Context(), again, limits), ohfp.ErrLimit)
	update(t, s, a.ID, touchless(func(r *ohfp.Request) { r.Machines[9].State = ohfp.MachineTerminated }))
	must(t, s.CreateRequest(t.Context(), again, limits))
}

// limitVCPUsAtOnce asks for 40 vCPUs 64 times at once, of two templates, where there is room for 400.
func limitVCPUsAtOnce(s bench) {
	t := s.t
	errs := make([]error, 64)
	inParallel(len(errs), func(i int) {
		r, told := acquire(t, 10, start())
		r.Template.ID = []ohfp.TemplateID{"one", "two"}[i%2]
		r.Estimate = ohfp.Estimate{VCPUs: 40}
		errs[i] = s.CreateRequest(t.Context(), r, store.Limits{VCPUs: 400}, told...)
	})
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		want(t, err, ohfp.ErrLimit)
	}
	if stored := len(requests(t, s, store.RequestFilter{})); made != 10 || stored != 10 {
		t.Errorf("%d were told that theirs is stored, %d are; want 10", made, stored)
	}
}

// limitPrices: what costs an unknown amount is refused where the amount is limited, and only there.
func limitPrices(s bench) {
	t := s.t
	limits := store.Limits{Price: 1_000_000}
	r, _ := acquire(t, 5, start())
	want(t, s.CreateRequest(t.Context(), r, limits), ohfp.ErrLimit)
	want(t, s.CreateRequest(t.Context(), r, store.Limits{VCPUs: 1000}), ohfp.ErrLimit)
	r.Estimate.Price = 600_000
	must(t, s.CreateRequest(t.Context(), r, limits))
	again, _ := acquire(t, 5, start())
	again.Estimate.Price = 400_001
	want(t, s.CreateRequest(t.Context(), again, limits), ohfp.ErrLimit)
	elsewhere := again
	elsewhere.ID, elsewhere.Provider = ohfp.NewRequestID(ohfp.TypeAcquire, start()), "cloud-b"
	must(t, s.CreateRequest(t.Context(), elsewhere, limits))
	again.Estimate.Price--
	must(t, s.CreateRequest(t.Context(), again, limits))
	back, told := ohfp.NewReturn("ret-1", nil, nil, origin(), start())
	must(t, s.CreateRequest(t.Context(), back, limits, told...))
}

// limitCosts stores requests that cost and compares with what [store.Limits] says.
func limitCosts(s bench) {
	t := s.t
	estimate := ohfp.Estimate{VCPUs: 10, Price: 1000}
	priced := func(status ohfp.Status, ending ohfp.Reason) func(*ohfp.Request) {
		return func(r *ohfp.Request) {
			r.Status, r.Estimate = status, estimate
			for i := range r.Machines {
				r.Machines[i].Cost = ohfp.Cost{VCPUs: 2, Price: 300, Source: "here"}
			}
			r.Machines[0].Ending = ending
		}
	}
	costs := func() ohfp.Cost {
		t.Helper()
		usage, err := s.Usage(t.Context())
		must(t, err)
		return usage.Costs[providerName]
	}
	created(t, s, 4, 4, priced(ohfp.StatusInProgress, "")) // 8 and 1200: the price is above the estimate
	same(t, costs(), ohfp.Cost{VCPUs: 10, Price: 1200})
	a := created(t, s, 4, 4, priced(ohfp.StatusComplete, ohfp.ReasonReturned)) // 6 and 900
	same(t, costs(), ohfp.Cost{VCPUs: 16, Price: 2100})
	created(t, s, 4, 1, func(r *ohfp.Request) { r.Status = ohfp.StatusComplete }) // of unknown cost
	same(t, costs(), ohfp.Cost{VCPUs: 16, Price: 2100})
	update(t, s, a.ID, touchless(func(r *ohfp.Request) {
		r.Machines[3].State = ohfp.MachineTerminated
		r.Machines[2].Cost.VCPUs = 3
	}))
	same(t, costs(), ohfp.Cost{VCPUs: 15, Price: 1800})
	returned(t, s, get(t, s, a.ID).Machines[1:3]...)
	same(t, costs(), ohfp.Cost{VCPUs: 10, Price: 1200})
}
