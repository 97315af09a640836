package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// terminate orders the end of machines whose intent is stored, and records what the cloud accepted. A return may span
// providers; what one of them refuses does not stop the others.
func (e *Executor) terminate(ctx context.Context, r ohfp.Request, ids []ohfp.MachineID) error {
	e.Reach(StepEndStored)
	wanted := make(map[ohfp.MachineID]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	byProvider := map[string][]ohfp.Machine{}
	for _, m := range r.Machines {
		if wanted[m.ID] {
			byProvider[m.Provider] = append(byProvider[m.Provider], m)
		}
	}
	var failures []error
	for name, machines := range byProvider {
		if err := e.terminateAt(ctx, r.ID, name, machines); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

func (e *Executor) terminateAt(ctx context.Context, id ohfp.RequestID, name string, machines []ohfp.Machine) error {
	p, err := e.Providers.Provider(ctx, name)
	if err != nil {
		return err
	}
	targets, err := e.targets(ctx, machines)
	if err != nil {
		return err
	}
	if e.lost() {
		return errElsewhere
	}
	ended, refused := p.Terminate(ctx, machines, flatten(targets))
	e.Reach(StepEndAnswered)
	if refused == nil && len(ended) < len(machines) {
		refused = ohfp.Errorf(ohfp.ErrUnavailable, "provider %s said nothing of %s", name, ohfp.Count(len(machines)-len(ended), "machine"))
	}
	states := make(map[ohfp.MachineID]ohfp.MachineState, len(ended))
	for _, end := range ended {
		states[end.Machine] = end.State
	}
	_, err = e.update(ctx, id, func(r *ohfp.Request) ([]ohfp.Event, error) {
		events := r.EndAccepted(name, states, e.Now())
		if refused != nil {
			events = append(events, r.EndRefused(failureOf(refused, "Refused"), e.Now())...)
		}
		if refused != nil && !r.Status.Terminal() && r.Status != ohfp.StatusStopping {
			r.Message = refused.Error()
		}
		return events, nil
	})
	if err == nil && refused == nil {
		err = e.told(ctx, targets)
	}
	if err != nil {
		return err
	}
	e.Reach(StepEndRecorded)
	if refused != nil {
		return fmt.Errorf("end %s of request %s: %w", ohfp.Count(len(machines)-len(ended), "machine"), id, refused)
	}
	return nil
}

// targets are what the fleets and groups of the machines shall have once these machines are ended, by the request that
// made them. A return knows only its machines, so the requests are read.
func (e *Executor) targets(ctx context.Context, machines []ohfp.Machine) (map[ohfp.RequestID][]ohfp.ResourceTarget, error) {
	byRequest := map[ohfp.RequestID][]ohfp.MachineID{}
	var ids []ohfp.RequestID
	for _, m := range machines {
		if byRequest[m.Request] == nil {
			ids = append(ids, m.Request)
		}
		byRequest[m.Request] = append(byRequest[m.Request], m.ID)
	}
	requests, err := e.Store.Requests(ctx, store.RequestFilter{IDs: ids})
	if err != nil {
		return nil, fmt.Errorf("read the requests of %s: %w", ohfp.Count(len(machines), "machine"), err)
	}
	targets := map[ohfp.RequestID][]ohfp.ResourceTarget{}
	for _, r := range requests {
		if !slices.ContainsFunc(r.Attempts, func(a ohfp.Attempt) bool { return a.Order.Async }) {
			continue
		}
		whole, err := e.Store.Request(ctx, r.ID)
		if err != nil {
			return nil, fmt.Errorf("read request %s: %w", r.ID, err)
		}
		targets[r.ID] = whole.Targets(ohfp.Facts{}, byRequest[r.ID]...)
	}
	return targets, nil
}

func flatten(targets map[ohfp.RequestID][]ohfp.ResourceTarget) []ohfp.ResourceTarget {
	var all []ohfp.ResourceTarget
	for _, some := range targets {
		all = append(all, some...)
	}
	return all
}

// told records the targets that a provider accepted.
func (e *Executor) told(ctx context.Context, targets map[ohfp.RequestID][]ohfp.ResourceTarget) error {
	for id, accepted := range targets {
		if len(accepted) == 0 {
			continue
		}
		_, err := e.update(ctx, id, func(r *ohfp.Request) ([]ohfp.Event, error) {
			return r.Told(accepted, e.Now()), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// retarget tells fleets and groups to launch no more than is wanted, and ends nothing.
func (e *Executor) retarget(ctx context.Context, r ohfp.Request, targets []ohfp.ResourceTarget) error {
	p, err := e.Providers.Provider(ctx, r.Provider)
	if err != nil {
		return err
	}
	if _, err := p.Terminate(ctx, nil, targets); err != nil {
		return fmt.Errorf("set the targets of request %s: %w", r.ID, err)
	}
	return e.told(ctx, map[ohfp.RequestID][]ohfp.ResourceTarget{r.ID: targets})
}

// retire removes a resource that has outlived its machines. When the cloud still shows a machine of it, the next look
// decides again.
func (e *Executor) retire(ctx context.Context, r ohfp.Request, a ohfp.Retire) error {
	p, err := e.Providers.Provider(ctx, r.ProviderOf(r.Attempts[a.Attempt-1]))
	if err != nil {
		return err
	}
	if err := p.Retire(ctx, a.Resource); err != nil {
		if errors.Is(err, ohfp.ErrConflict) {
			e.Log.InfoContext(ctx, "resource still has machines", "request", r.ID, "resource", a.Resource)
		}
		return fmt.Errorf("retire %s of request %s: %w", a.Resource, r.ID, err)
	}
	_, err = e.update(ctx, r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
		return r.Retired(a.Attempt, e.Now()), nil
	})
	return err
}

// clear drives the requests for machines that a finished return has emptied, and records that it is done. Where the cloud
// has a machine of them that the record lacks, as when a group has replaced one that was lost, they are looked at first.
func (e *Executor) clear(ctx context.Context, r ohfp.Request, requests []ohfp.RequestID) error {
	for _, id := range requests {
		acquire, err := e.Drive(ctx, id, ohfp.Facts{})
		if errors.Is(err, ohfp.ErrConflict) {
			err = e.Sync(ctx, []ohfp.Request{acquire}).Of()
		}
		if err != nil && !errors.Is(err, ohfp.ErrNotFound) {
			return fmt.Errorf("clear up after return %s: %w", r.ID, err)
		}
	}
	_, err := e.update(ctx, r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
		r.ClearedAt = e.Now()
		return nil, nil
	})
	return err
}
