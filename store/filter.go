package store

import (
	"slices"

	"github.com/openhostfactory/ohfp"
)

// RequestFilter narrows Requests. Empty fields do not narrow.
type RequestFilter struct {
	IDs       []ohfp.RequestID
	Type      ohfp.RequestType
	Statuses  []ohfp.Status
	Template  ohfp.TemplateID
	Unsettled bool // only those with [ohfp.Request.Settled] false when they or a machine of theirs were last written
	Machines  bool // load the machines too
	// After is made by [RequestCursor] from the last request of the page before; only what comes after that is listed. Pages
	// joined in this way show each request once and miss none that was there all the time, whatever is written meanwhile.
	After  string
	Limit  int // 0: no limit
	Offset int
}

// Matcher is what the filter says of one request, for stores that look at requests one by one. Unsettled, Limit and Offset
// are left to the store. A cursor that is not one is [ohfp.ErrInvalid].
func (f RequestFilter) Matcher() (func(r ohfp.Request) bool, error) {
	var mark ohfp.Request
	if f.After != "" {
		var err error
		if mark, err = RequestAt(f.After); err != nil {
			return nil, err
		}
	}
	ids := setOf(f.IDs)
	return func(r ohfp.Request) bool {
		return (len(ids) == 0 || ids[r.ID]) &&
			(f.Type == "" || r.Type == f.Type) &&
			(len(f.Statuses) == 0 || slices.Contains(f.Statuses, r.Status)) &&
			(f.Template == "" || r.Template.ID == f.Template) &&
			(f.After == "" || ByNewest(mark, r) < 0)
	}, nil
}

// MachineFilter narrows Machines. Empty fields do not narrow.
type MachineFilter struct {
	IDs      []ohfp.MachineID
	Names    []string // host names; a cloud gives the name of a machine that is gone to a new one
	Request  ohfp.RequestID
	Return   ohfp.RequestID
	Template ohfp.TemplateID
	States   []ohfp.MachineState
	Resource string
	Noticed  bool   // only those with [ohfp.Machine.Noticed], which a store finds without looking at the others
	After    string // made by [MachineCursor], as in [RequestFilter]
	Limit    int    // 0: no limit
	Offset   int
}

// Matcher is what the filter says of one machine, for stores that look at machines one by one. Limit and Offset are left to
// the store. A cursor that is not one is [ohfp.ErrInvalid].
func (f MachineFilter) Matcher() (func(m ohfp.Machine) bool, error) {
	var mark ohfp.Machine
	if f.After != "" {
		var err error
		if mark, err = MachineAt(f.After); err != nil {
			return nil, err
		}
	}
	ids, names := setOf(f.IDs), setOf(f.Names)
	return func(m ohfp.Machine) bool {
		return (len(ids) == 0 || ids[m.ID]) &&
			(len(names) == 0 || names[m.Name]) &&
			(f.Request == "" || m.Request == f.Request) &&
			(f.Return == "" || m.Return == f.Return) &&
			(f.Template == "" || m.Template == f.Template) &&
			(len(f.States) == 0 || slices.Contains(f.States, m.State)) &&
			(f.Resource == "" || m.Resource == f.Resource) &&
			(!f.Noticed || m.Noticed()) &&
			(f.After == "" || ByLaunch(mark, m) < 0)
	}, nil
}

func setOf[T comparable](values []T) map[T]bool {
	set := make(map[T]bool, len(values))
	for _, value := range values {
		set[value] = true
	}
	return set
}

// EventFilter narrows Events. Empty fields do not narrow.
type EventFilter struct {
	Request ohfp.RequestID
	Machine ohfp.MachineID
	After   int64 // only events with a greater sequence
	Limit   int   // 0: no limit
}

// Page is what a limit and an offset leave of a list, nil when that is nothing. A limit of 0 is none.
func Page[T any](all []T, limit, offset int) []T {
	all = all[min(max(offset, 0), len(all)):]
	if limit > 0 && limit < len(all) {
		all = all[:limit]
	}
	if len(all) == 0 {
		return nil
	}
	return all
}
