package query

import (
	"context"

	"github.com/openhostfactory/ohfp"
)

// Returnable lists the machines that a return would end: those of a request when it is given, else those named. Machines that are
// gone or on their way out are left out.
func (q *Queries) Returnable(ctx context.Context, request ohfp.RequestID, named []Named) ([]ohfp.Machine, error) {
	var filters []MachineFilter
	if request != "" {
		filters = append(filters, MachineFilter{Request: request})
	}
	var byID, byName MachineFilter
	for _, m := range named {
		if m.ID != "" {
			byID.IDs = append(byID.IDs, m.ID)
		} else {
			byName.Names = append(byName.Names, m.Name)
		}
	}
	if len(byID.IDs) > 0 {
		filters = append(filters, byID)
	}
	if len(byName.Names) > 0 {
		filters = append(filters, byName)
	}
	var machines []ohfp.Machine
	known := map[ohfp.MachineID]bool{}
	for _, filter := range filters {
		found, err := q.Machines(ctx, filter)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			if m.Wanted() && !known[m.ID] {
				machines, known[m.ID] = append(machines, m), true
			}
		}
	}
	return machines, nil
}
