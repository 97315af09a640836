package store

import "github.com/openhostfactory/ohfp"

// Limits are checked when a request for machines is stored. What counts is, of every request for machines that has not
// ended, the greater of what it asks for and what it holds; of every other, what it still holds. A machine counts with
// its units and its cost until it is gone or a return or the engine has decided its end. Zero means no limit.
type Limits struct {
	Template int        // units of the request's template
	Provider int        // units of all templates of the request's provider
	VCPUs    int        // of all templates of the request's provider
	Price    ohfp.Price // of all templates of the request's provider, together
}

// Usage is what counts against limits now.
type Usage struct {
	Templates map[ohfp.TemplateID]int
	Providers map[string]int
	Costs     map[string]ohfp.Cost // by provider; what is not known adds nothing
}

// NewUsage is the usage of nothing.
func NewUsage() Usage {
	return Usage{Templates: map[ohfp.TemplateID]int{}, Providers: map[string]int{}, Costs: map[string]ohfp.Cost{}}
}

// Add counts something of a template at a provider.
func (u Usage) Add(template ohfp.TemplateID, provider string, units int, cost ohfp.Cost) {
	if units != 0 {
		u.Templates[template] += units
		u.Providers[provider] += units
	}
	if cost != (ohfp.Cost{}) {
		u.Costs[provider] = u.Costs[provider].Plus(cost)
	}
}

// Counted says whether a machine counts against limits.
func Counted(m ohfp.Machine) bool { return !m.Gone() && m.Ending == "" }

// Units is what a request counts against limits.
func Units(r ohfp.Request) int {
	if r.Type != ohfp.TypeAcquire {
		return 0
	}
	units := 0
	for _, m := range r.Machines {
		if Counted(m) {
			units += m.Units()
		}
	}
	if r.Status.Terminal() {
		return units
	}
	return max(units, r.Count)
}

// CostOf is what a request counts against the limits of vCPUs and prices.
func CostOf(r ohfp.Request) ohfp.Cost {
	if r.Type != ohfp.TypeAcquire {
		return ohfp.Cost{}
	}
	var held ohfp.Cost
	for _, m := range r.Machines {
		if Counted(m) {
			held = held.Plus(m.Cost)
		}
	}
	if r.Status.Terminal() {
		return held
	}
	return held.Or(r.Estimate.Cost())
}

// Check refuses with [ohfp.ErrLimit] a new request that does not fit beside what is used, or of which that is not known.
func (l Limits) Check(r ohfp.Request, used Usage) error {
	units := Units(r)
	if alive := used.Templates[r.Template.ID]; l.Template > 0 && alive+units > l.Template {
		return ohfp.Errorf(ohfp.ErrLimit,
			"template %s has %d of %d alive or in flight and cannot launch %d more; ask for at most %d, return some, or raise its maxNumber",
			r.Template.ID, alive, l.Template, units, max(l.Template-alive, 0))
	}
	if alive := used.Providers[r.Provider]; l.Provider > 0 && alive+units > l.Provider {
		return ohfp.Errorf(ohfp.ErrLimit,
			"provider %s has %d of %d alive or in flight and cannot launch %d more; ask for at most %d, return some, or raise its limit",
			r.Provider, alive, l.Provider, units, max(l.Provider-alive, 0))
	}
	if r.Type != ohfp.TypeAcquire {
		return nil
	}
	return l.checkCost(r, used.Costs[r.Provider])
}

func (l Limits) checkCost(r ohfp.Request, used ohfp.Cost) error {
	asked := CostOf(r)
	switch {
	case l.VCPUs > 0 && asked.VCPUs == 0:
		return ohfp.Errorf(ohfp.ErrLimit,
			"template %s cannot be held to limits.max_vcpus: %s; name its machine types, or remove the limit", r.Template.ID, unknown(r.Estimate.NoVCPUs))
	case l.VCPUs > 0 && used.VCPUs+asked.VCPUs > l.VCPUs:
		return ohfp.Errorf(ohfp.ErrLimit,
			"provider %s has %d of %d vCPUs alive or in flight and cannot launch %d more for %d of template %s; ask for less, return some, or raise limits.max_vcpus",
			r.Provider, used.VCPUs, l.VCPUs, asked.VCPUs, r.Count, r.Template.ID)
	case l.Price > 0 && asked.Price == 0:
		return ohfp.Errorf(ohfp.ErrLimit,
			"template %s cannot be held to limits.max_hourly_cost: %s; tell its prices (see docs/limits.md), or remove the limit",
			r.Template.ID, unknown(r.Estimate.NoPrice))
	case l.Price > 0 && used.Price+asked.Price > l.Price:
		return ohfp.Errorf(ohfp.ErrLimit,
			"provider %s spends %s of %s dollars an hour and cannot spend %s more for %d of template %s; ask for less, return some, or raise limits.max_hourly_cost",
			r.Provider, used.Price, l.Price, asked.Price, r.Count, r.Template.ID)
	}
	return nil
}

func unknown(reason string) string {
	if reason == "" {
		return "its provider does not tell"
	}
	return reason
}
