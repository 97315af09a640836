package query

import (
	"context"
	"fmt"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Machines lists machines in the order of launch.
func (q *Queries) Machines(ctx context.Context, filter MachineFilter) ([]ohfp.Machine, error) {
	machines, err := q.Store.Machines(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("list machines: %w", err)
	}
	return machines, nil
}

// Reclaimed lists the machines that the cloud has taken back while they were in their users' hands: gone, and neither
// given back nor ended by us. Only machines among known are listed, unless known is empty: a list that names nothing is
// no evidence. A machine that is gone and whose host name a live machine bears now is left out, since its user would
// give back the live one.
func (q *Queries) Reclaimed(ctx context.Context, known []Named) ([]Reclaimed, error) {
	gone, err := q.gone(ctx, known)
	if err != nil {
		return nil, err
	}
	var taken []ohfp.Machine
	var names []string
	for _, m := range gone {
		if ours := m.Ending != "" || m.Return != "" || m.DeliveredAt.IsZero(); !ours {
			taken = append(taken, m)
			names = append(names, m.Name)
		}
	}
	if len(taken) == 0 {
		return nil, nil
	}
	bearers, err := q.Store.Machines(ctx, store.MachineFilter{Names: names, States: []ohfp.MachineState{
		ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineStopping, ohfp.MachineStopped,
	}})
	if err != nil {
		return nil, fmt.Errorf("list machines by name: %w", err)
	}
	borne := map[string]bool{}
	for _, m := range bearers {
		borne[m.Name] = true
	}
	var reclaimed []Reclaimed
	for _, m := range taken {
		if !borne[m.Name] {
			reclaimed = append(reclaimed, Reclaimed{Machine: m.ID, Name: m.Name, Reason: m.StateReason})
		}
	}
	return reclaimed, nil
}

// gone lists the machines that are gone, among known ones when any are named.
func (q *Queries) gone(ctx context.Context, known []Named) ([]ohfp.Machine, error) {
	terminated := []ohfp.MachineState{ohfp.MachineTerminated}
	filters := []store.MachineFilter{{States: terminated}}
	if len(known) > 0 {
		byID, byName := store.MachineFilter{States: terminated}, store.MachineFilter{States: terminated}
		for _, n := range known {
			if n.ID != "" {
				byID.IDs = append(byID.IDs, n.ID)
			} else {
				byName.Names = append(byName.Names, n.Name)
			}
		}
		filters = filters[:0]
		if len(byID.IDs) > 0 {
			filters = append(filters, byID)
		}
		if len(byName.Names) > 0 {
			filters = append(filters, byName)
		}
	}
	var gone []ohfp.Machine
	for _, filter := range filters {
		machines, err := q.Store.Machines(ctx, filter)
		if err != nil {
			return nil, fmt.Errorf("list machines that are gone: %w", err)
		}
		gone = append(gone, machines...)
	}
	return gone, nil
}
