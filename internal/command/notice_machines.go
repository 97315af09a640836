package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// NoticeMachines is what a cloud says of machines.
type NoticeMachines struct {
	Provider string // the instance whose cloud it is
	Notices  []provider.Notice
}

// NoticeMachines stores each notice on its machine and returns how many machines it changed. Notices about machines that
// no record has are passed over: a cloud tells of everything in the account. What was told before changes nothing.
func (c *Commands) NoticeMachines(ctx context.Context, in NoticeMachines) (int, error) {
	told := map[ohfp.MachineID][]provider.Notice{}
	var ids []ohfp.MachineID
	for _, n := range in.Notices {
		if _, twice := told[n.Machine]; !twice {
			ids = append(ids, n.Machine)
		}
		told[n.Machine] = append(told[n.Machine], n)
	}
	if len(ids) == 0 {
		return 0, nil
	}
	machines, err := c.Store.Machines(ctx, store.MachineFilter{IDs: ids})
	if err != nil {
		return 0, fmt.Errorf("find the machines that are taken back: %w", err)
	}
	now := c.Now()
	return c.changeMachines(ctx, machines, func(m *ohfp.Machine) (events []ohfp.Event) {
		if m.Provider != in.Provider {
			return nil
		}
		for _, n := range told[m.ID] {
			if n.Withdrawn {
				events = append(events, m.Withdraw(n.Kind, in.Provider, now)...)
			} else {
				events = append(events, m.Notify(n.Notice, now)...)
			}
		}
		return events
	})
}

// changeMachines changes machines in their requests, one write for each request, and returns how many it changed. Those
// that the change leaves as they are cost no write. What one request refuses does not stop the others.
func (c *Commands) changeMachines(ctx context.Context, machines []ohfp.Machine, change func(m *ohfp.Machine) []ohfp.Event) (int, error) {
	chosen := map[ohfp.RequestID]map[ohfp.MachineID]bool{}
	var requests []ohfp.RequestID
	for _, m := range machines {
		after := m
		if change(&after); after == m {
			continue
		}
		if chosen[m.Request] == nil {
			chosen[m.Request] = map[ohfp.MachineID]bool{}
			requests = append(requests, m.Request)
		}
		chosen[m.Request][m.ID] = true
	}
	changed := 0
	var problems []error
	for _, id := range requests {
		count := 0
		_, err := c.Store.UpdateRequest(ctx, id, func(r *ohfp.Request) ([]ohfp.Event, error) {
			count = 0
			var events []ohfp.Event
			for i := range r.Machines {
				if m := &r.Machines[i]; chosen[id][m.ID] {
					before := *m
					events = append(events, change(m)...)
					if *m != before {
						count++
					}
				}
			}
			return events, nil
		})
		switch {
		case errors.Is(err, ohfp.ErrNotFound):
			// The record of the request is lost and only a return has the machine, which is given back already.
		case err != nil:
			problems = append(problems, fmt.Errorf("record that machines of request %s are taken back: %w", id, err))
		default:
			changed += count
		}
	}
	return changed, errors.Join(problems...)
}
