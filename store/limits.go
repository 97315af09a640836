package store

import "github.com/openhostfactory/ohfp"

// Limits are checked when a request for machines is stored. What counts is, of every request for machines that has not
// ended, the greater of what it asks for and what it holds; of every other, what it still holds. A machine counts with
// its units until it is gone or a return or the engine has decided its end. Zero means no limit.
type Limits struct {
	Template int // units of the request's template
	Provider int // units of all templates of the request's provider
}

// Usage is what counts against limits now.
type Usage struct {
	Templates map[ohfp.TemplateID]int
	Providers map[string]int
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

// Check refuses with [ohfp.ErrLimit] a new request that does not fit beside what is used.
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
	return nil
}
