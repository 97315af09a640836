package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// adoptOwned finds machines by this installation's tag and makes records of the requests that they name, where the store
// has none. It returns the ids of those requests. What one provider cannot tell does not stop the others.
func (c *Commands) adoptOwned(ctx context.Context, filter provider.OwnedFilter) ([]ohfp.RequestID, error) {
	var adopted []ohfp.RequestID
	var problems []error
	for _, instance := range c.Placement.Instances {
		ids, err := c.adoptFrom(ctx, instance.Name, filter)
		adopted = append(adopted, ids...)
		if err != nil {
			problems = append(problems, fmt.Errorf("provider %s: %w", instance.Name, err))
		}
	}
	return adopted, errors.Join(problems...)
}

func (c *Commands) adoptFrom(ctx context.Context, name string, filter provider.OwnedFilter) ([]ohfp.RequestID, error) {
	p, err := c.Executor.Providers.Provider(ctx, name)
	if err != nil {
		return nil, err
	}
	owned, err := p.Owned(ctx, filter)
	if err == nil && !owned.Complete {
		err = ohfp.Errorf(ohfp.ErrUnavailable, "the read is not complete")
	}
	if err != nil {
		return nil, fmt.Errorf("look for machines by tag: %w", err)
	}
	byRequest := machinesByRequest(owned)
	if len(filter.Machines) > 0 && len(byRequest) > 0 {
		// A request is adopted whole: machines of it that came to its record later would be taken for late ones and ended.
		owned, err = p.Owned(ctx, provider.OwnedFilter{Requests: slices.Sorted(maps.Keys(byRequest))})
		if err != nil {
			return nil, fmt.Errorf("look for all machines of %s by tag: %w", ohfp.Count(len(byRequest), "request"), err)
		}
		byRequest = machinesByRequest(owned)
	}
	var adopted []ohfp.RequestID
	for id, machines := range byRequest {
		err := c.adopt(ctx, name, id, machines, owned)
		if err != nil && !errors.Is(err, ohfp.ErrConflict) {
			return adopted, err
		}
		adopted = append(adopted, id)
	}
	return adopted, nil
}

func machinesByRequest(owned provider.Observation) map[ohfp.RequestID][]ohfp.Machine {
	byRequest := map[ohfp.RequestID][]ohfp.Machine{}
	for _, m := range owned.Machines {
		if m.Request.WellFormed() {
			byRequest[m.Request] = append(byRequest[m.Request], m)
		}
	}
	return byRequest
}

// adopt makes the record of a request of which only the machines are left. How many it asked for is lost: what is there,
// and what its fleets and groups are told to have, is taken for all of it.
func (c *Commands) adopt(ctx context.Context, name string, id ohfp.RequestID, machines []ohfp.Machine, seen provider.Observation) error {
	if _, err := c.Store.Request(ctx, id); !errors.Is(err, ohfp.ErrNotFound) {
		// The request is known: a machine that its record lacks is taken in at the next look.
		if err == nil {
			err = c.show(ctx, id, factsFor(id, seen))
		}
		return err
	}
	r, events, err := c.adopted(ctx, name, id, machines, seen)
	if err != nil {
		return err
	}
	if err := c.Store.CreateRequest(ctx, r, store.Limits{}, events...); err != nil {
		return fmt.Errorf("store adopted request %s: %w", id, err)
	}
	c.Log.WarnContext(ctx, "request adopted by tag", "request", id, "machines", len(machines))
	return c.show(ctx, id, factsFor(id, seen))
}

// show drives a request with what a search by tag showed of it, also where another daemon drives it: that has not seen it.
func (c *Commands) show(ctx context.Context, id ohfp.RequestID, facts ohfp.Facts) error {
	driver, done, _ := c.Executor.For(id)
	defer done()
	_, err := driver.Drive(ctx, id, facts)
	return err
}

// adopted is the record of a request of which only machines, fleets and groups are left.
func (c *Commands) adopted(
	ctx context.Context, name string, id ohfp.RequestID, machines []ohfp.Machine, seen provider.Observation,
) (ohfp.Request, []ohfp.Event, error) {
	now := c.Now()
	slices.SortFunc(machines, func(a, b ohfp.Machine) int { return cmp.Compare(a.ID, b.ID) })
	template := ohfp.Template{MaxNumber: ohfp.Unlimited}
	if len(machines) > 0 {
		template.ID = machines[0].Template
		if known, err := c.Templates.Template(ctx, template.ID); err == nil {
			template = known
		}
	}
	r := ohfp.Request{
		ID: id, Type: ohfp.TypeAcquire, Origin: ohfp.Origin{Face: "adopted"}, Template: template, Provider: name,
		Placement: "its machines were found there by tag", Count: 1, Status: ohfp.StatusInProgress,
		Message:   "the record was lost; the machines were found by tag",
		CreatedAt: now, AnsweredAt: now, Timeout: c.Requests.Timeout, Deadline: now.Add(c.Requests.Timeout),
		// Whether anybody has followed it is lost too, so it never counts as abandoned.
	}
	wanted := map[string]int{} // units by fleet or group
	for _, resource := range seen.Resources {
		if resource.Request == id {
			r.TakeIn(resource, now)
			if resource.Active {
				wanted[resource.Resource] = resource.Target.OnDemand + resource.Target.Spot
			}
		}
	}
	held := map[string]int{}
	for _, m := range machines {
		r.TakeInSource(m, now)
		if m.Alive() {
			held[m.Resource] += m.Units()
		}
	}
	units := 0
	for resource, holds := range held {
		units += max(holds, wanted[resource])
		delete(wanted, resource)
	}
	for _, target := range wanted {
		units += target
	}
	r.Count = max(units, 1)
	events := []ohfp.Event{{
		At: now, Kind: ohfp.RequestAdopted, Request: id, Template: template.ID, Provider: name, Message: ohfp.Count(len(machines), "machine") + " found by tag",
	}}
	events = append(events, r.Fold(factsFor(id, seen), now)...)
	for i := range r.Machines {
		// It ran once, so its user has it, and it must not end for not being ready in time.
		if m := &r.Machines[i]; m.DeliveredAt.IsZero() && (m.State == ohfp.MachineStopping || m.State == ohfp.MachineStopped) {
			m.DeliveredAt = now
		}
	}
	if units == 0 {
		more, err := r.Become(ohfp.StatusFailed, "the record was lost, and so are the machines", now)
		if err != nil {
			return r, nil, err
		}
		events = append(events, more...)
	}
	return r, events, nil
}

func factsFor(id ohfp.RequestID, seen provider.Observation) ohfp.Facts {
	f := ohfp.Facts{ObservedAt: seen.ObservedAt}
	for _, resource := range seen.Resources {
		if resource.Request == id {
			f.Resources = append(f.Resources, resource)
		}
	}
	for _, m := range seen.Machines {
		if m.Request == id {
			f.Machines = append(f.Machines, m)
		}
	}
	return f
}
