package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// SwitchMachines stops machines that their users have, or starts them again.
type SwitchMachines struct {
	IDs    []ohfp.MachineID
	On     bool
	DryRun bool // only say which those are
	Origin ohfp.Origin
}

// SwitchedMachines is what came of a SwitchMachines.
type SwitchedMachines struct {
	Machines []ohfp.Machine // those that the cloud stops or starts
	Refused  []ohfp.Unknown // those that it does not, and why
}

func (s *SwitchedMachines) refuse(id ohfp.MachineID, why string) {
	s.Refused = append(s.Refused, ohfp.Unknown{Machine: id, Message: why})
}

// SwitchMachines stores the intent on each machine, asks the clouds, and records what they say. A machine that is refused
// keeps no intent. When a cloud does not answer the intent stays, and asking again does no harm. With DryRun it is by what is on
// record: what a cloud would refuse is not known.
func (c *Commands) SwitchMachines(ctx context.Context, in SwitchMachines) (SwitchedMachines, error) {
	if len(in.IDs) == 0 {
		return SwitchedMachines{}, ohfp.Errorf(ohfp.ErrInvalid, "no machine is named; give their ids")
	}
	known, err := c.Store.Machines(ctx, store.MachineFilter{IDs: in.IDs})
	if err != nil {
		return SwitchedMachines{}, fmt.Errorf("find the machines: %w", err)
	}
	result := SwitchedMachines{}
	for _, id := range in.IDs {
		if !slices.ContainsFunc(known, func(m ohfp.Machine) bool { return m.ID == id }) {
			result.refuse(id, fmt.Sprintf("machine %s is not known here and was not touched", id))
		}
	}
	if in.DryRun {
		return c.planSwitch(ctx, known, in, result)
	}
	ordered, err := c.storeOrders(ctx, known, in, &result)
	if err != nil {
		return result, err
	}
	var problems []error
	var touched []ohfp.MachineID
	for _, name := range slices.Sorted(maps.Keys(ordered)) {
		touched = append(touched, ordered[name]...)
		said, err := c.switchAt(ctx, name, ordered[name], in.On)
		if err != nil {
			problems = append(problems, err)
		}
		for _, s := range said {
			if s.Refused != nil {
				result.refuse(s.Machine, s.Refused.Error())
			}
		}
		if err := c.recordSwitched(context.WithoutCancel(ctx), known, said, in); err != nil {
			problems = append(problems, err)
		}
	}
	touched = slices.DeleteFunc(touched, func(id ohfp.MachineID) bool {
		return slices.ContainsFunc(result.Refused, func(u ohfp.Unknown) bool { return u.Machine == id })
	})
	if len(touched) > 0 {
		if result.Machines, err = c.Store.Machines(ctx, store.MachineFilter{IDs: touched}); err != nil {
			problems = append(problems, fmt.Errorf("read the machines: %w", err))
		}
	}
	return result, errors.Join(problems...)
}

// planSwitch adds what would become of machines that are known.
func (c *Commands) planSwitch(ctx context.Context, known []ohfp.Machine, in SwitchMachines, result SwitchedMachines) (SwitchedMachines, error) {
	requests := map[ohfp.RequestID]ohfp.Request{}
	for id := range byRequest(known) {
		r, err := c.Store.Request(ctx, id)
		if err != nil {
			return result, fmt.Errorf("read the request of machines: %w", err)
		}
		requests[id] = r
	}
	for _, m := range known {
		switch err := c.switchable(ctx, requests[m.Request], m, in); {
		case err != nil && ohfp.KindOf(err) != ohfp.ErrConflict && ohfp.KindOf(err) != ohfp.ErrInvalid:
			return result, err
		case err != nil:
			result.refuse(m.ID, err.Error())
		case m.ParkedAt.IsZero() != in.On: // else it is so already
			result.Machines = append(result.Machines, m)
		}
	}
	return result, nil
}

// switchable says whether a machine may be stopped or started, and its provider can.
func (c *Commands) switchable(ctx context.Context, r ohfp.Request, m ohfp.Machine, in SwitchMachines) error {
	if err := orderable(r, m, in); err != nil {
		return err
	}
	p, err := c.Executor.Providers.Provider(ctx, m.Provider)
	if err != nil {
		return err
	}
	if _, ok := provider.As[provider.Switcher](p); !ok {
		return cannotSwitch(m.Provider, m.ID)
	}
	return nil
}

func cannotSwitch(name string, id ohfp.MachineID) error {
	return ohfp.Errorf(ohfp.ErrInvalid, "provider %s cannot stop and start machines, such as %s", name, id)
}

func byRequest(machines []ohfp.Machine) map[ohfp.RequestID][]ohfp.MachineID {
	ids := map[ohfp.RequestID][]ohfp.MachineID{}
	for _, m := range machines {
		ids[m.Request] = append(ids[m.Request], m.ID)
	}
	return ids
}

// orderable says whether a machine may be stopped or started; it changes nothing.
func orderable(r ohfp.Request, m ohfp.Machine, in SwitchMachines) error {
	if in.On {
		_, err := m.Unpark("", m.KnownAt)
		return err
	}
	if keeper := r.KeptBy(m); keeper != "" {
		return ohfp.Errorf(ohfp.ErrConflict, "machine %s belongs to %s, which would replace it when it stops; give it back instead", m.ID, keeper)
	}
	_, err := m.Park("", m.KnownAt)
	return err
}

// storeOrders stores the intent on all machines that may be stopped or started, and returns them by provider. The result
// gets the others.
func (c *Commands) storeOrders(
	ctx context.Context, known []ohfp.Machine, in SwitchMachines, result *SwitchedMachines,
) (map[string][]ohfp.MachineID, error) {
	ordered := map[string][]ohfp.MachineID{}
	for request, ids := range byRequest(known) {
		r, err := c.Store.UpdateRequest(ctx, request, func(r *ohfp.Request) (events []ohfp.Event, err error) {
			return c.order(r, ids, in), nil
		})
		if err != nil {
			return nil, fmt.Errorf("store the order for machines of request %s: %w", request, err)
		}
		for _, m := range r.Machines {
			if !slices.Contains(ids, m.ID) {
				continue
			}
			if err := orderable(r, m, in); err != nil {
				result.refuse(m.ID, err.Error())
				continue
			}
			ordered[m.Provider] = append(ordered[m.Provider], m.ID)
		}
	}
	return ordered, nil
}

// order puts the intent on those machines that may be stopped or started.
func (c *Commands) order(r *ohfp.Request, ids []ohfp.MachineID, in SwitchMachines) (events []ohfp.Event) {
	for i := range r.Machines {
		m := &r.Machines[i]
		if !slices.Contains(ids, m.ID) || orderable(*r, *m, in) != nil {
			continue
		}
		change := m.Park
		if in.On {
			change = m.Unpark
		}
		if more, err := change(in.Origin.String(), c.Now()); err == nil {
			events = append(events, more...)
		}
	}
	return events
}

func (c *Commands) switchAt(ctx context.Context, name string, ids []ohfp.MachineID, on bool) ([]provider.Switched, error) {
	p, err := c.Executor.Providers.Provider(ctx, name)
	if err != nil {
		return nil, err
	}
	switcher, ok := provider.As[provider.Switcher](p)
	if ok {
		return switcher.Switch(ctx, ids, on)
	}
	var refused []provider.Switched
	for _, id := range ids {
		refused = append(refused, provider.Switched{Machine: id, Refused: cannotSwitch(name, id)})
	}
	return refused, nil
}

// recordSwitched stores the states that a cloud told, and takes the intent back where it refused.
func (c *Commands) recordSwitched(ctx context.Context, known []ohfp.Machine, said []provider.Switched, in SwitchMachines) error {
	answers := map[ohfp.MachineID]provider.Switched{}
	for _, s := range said {
		answers[s.Machine] = s
	}
	known = slices.DeleteFunc(slices.Clone(known), func(m ohfp.Machine) bool { _, ok := answers[m.ID]; return !ok })
	now := c.Now()
	var problems []error
	for request, ids := range byRequest(known) {
		_, err := c.Store.UpdateRequest(ctx, request, func(r *ohfp.Request) ([]ohfp.Event, error) {
			for i := range r.Machines {
				m := &r.Machines[i]
				answer := answers[m.ID]
				switch {
				case !slices.Contains(ids, m.ID):
				case answer.Refused != nil && !in.On:
					if _, err := m.Unpark("", now); err != nil {
						continue // it is being ended, which says more
					}
				case answer.State != "" && m.State.MayBecome(answer.State):
					if err := m.Become(answer.State, now); err != nil {
						return nil, err
					}
				}
			}
			return nil, nil
		})
		if err != nil {
			problems = append(problems, fmt.Errorf("record what became of machines of request %s: %w", request, err))
		}
	}
	return errors.Join(problems...)
}
