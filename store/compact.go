package store

import (
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
)

// Compacted is what [Store.Compact] removed.
type Compacted struct {
	Requests int `json:"requests"`
	Machines int `json:"machines"`
	Events   int `json:"events"`
	Memories int `json:"memories"`
	Leases   int `json:"leases"`
}

// Retention says which requests a compaction removes: those that have ended before a time, are settled, and have no machine
// that is there. A request for machines stays as long as a return needs the records of its machines.
type Retention struct {
	Before time.Time
	// Return loads a return with its machines; false: there is none.
	Return func(id ohfp.RequestID) (r ohfp.Request, ok bool, err error)
	// Followed are the machines that returns which are not settled follow without owning them.
	Followed map[ohfp.MachineID]bool
}

// Follow adds what r follows to the machines whose records must stay.
func (t *Retention) Follow(r ohfp.Request) {
	if t.Followed == nil {
		t.Followed = map[ohfp.MachineID]bool{}
	}
	for _, id := range r.Also {
		t.Followed[id] = true
	}
}

// Removes says whether r, which came with its machines, is removed.
func (t Retention) Removes(r ohfp.Request) (bool, error) {
	if !t.over(r) {
		return false, nil
	}
	if r.Type == ohfp.TypeReturn {
		return true, nil
	}
	met := map[ohfp.RequestID]bool{"": true}
	for _, m := range r.Machines {
		if t.Followed[m.ID] {
			return false, nil
		}
		if met[m.Return] {
			continue
		}
		met[m.Return] = true
		back, ok, err := t.Return(m.Return)
		if err != nil {
			return false, err
		}
		if ok && !t.over(back) {
			return false, nil
		}
	}
	return true, nil
}

func (t Retention) over(r ohfp.Request) bool {
	return !r.CompletedAt.IsZero() && r.CompletedAt.Before(t.Before) && r.Settled() &&
		!slices.ContainsFunc(r.Machines, func(m ohfp.Machine) bool { return !m.Gone() })
}
