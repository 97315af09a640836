package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// Problems are what kept requests from being driven further, by request.
type Problems map[ohfp.RequestID]error

// Of joins the problems of some requests, or of all when none is named.
func (p Problems) Of(ids ...ohfp.RequestID) error {
	if len(ids) == 0 {
		ids = slices.Sorted(maps.Keys(p))
	}
	told := map[string]bool{} // a provider that cannot be reached is one problem, however many requests it keeps
	var problems []error
	for _, id := range ids {
		if err := p[id]; err != nil && !told[err.Error()] {
			told[err.Error()] = true
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// Sync looks at the cloud once per provider, however many requests there are, and drives each request as far as it
// goes; those that another daemon drives are left to it. The records tell what was reached; the problems say why it is not more.
func (e *Executor) Sync(ctx context.Context, requests []ohfp.Request) Problems {
	requests = slices.DeleteFunc(slices.Clone(requests), func(r ohfp.Request) bool { return !e.Mine(r.ID) })
	facts, problems := e.look(ctx, requests)
	for id, f := range facts {
		// Fleets and groups that a return has shrunk are held to what their own requests want, however many returns told
		// them something at once.
		if len(f.Resources) > 0 && !slices.ContainsFunc(requests, func(r ohfp.Request) bool { return r.ID == id }) {
			if _, err := e.Drive(ctx, id, f); err != nil && !errors.Is(err, ohfp.ErrNotFound) {
				problems[id] = err
			}
		}
	}
	for _, r := range requests {
		if err := ctx.Err(); err != nil {
			problems[r.ID] = ohfp.Errorf(ohfp.ErrTimeout, "requests wait for the next look: %w", err)
			continue
		}
		f := facts[r.ID]
		if f.ObservedAt.IsZero() && len(ohfp.Plan(r, f, e.Now())) == 0 {
			continue
		}
		if _, err := e.Drive(ctx, r.ID, f); err != nil {
			problems[r.ID] = errors.Join(problems[r.ID], err)
		}
	}
	for id, err := range problems {
		e.Log.WarnContext(ctx, "request not driven to its end", "request", id, "error", err)
	}
	return problems
}

// view is what one provider is asked to look at.
type view struct {
	scopes map[ohfp.RequestID]*provider.Scope
	order  []ohfp.RequestID
}

func (v *view) add(request ohfp.RequestID, resources []string, machines []ohfp.MachineID) *provider.Scope {
	scope, ok := v.scopes[request]
	if !ok {
		scope = &provider.Scope{Request: request}
		v.scopes[request] = scope
		v.order = append(v.order, request)
	}
	scope.Resources = append(scope.Resources, resources...)
	scope.Machines = append(scope.Machines, machines...)
	return scope
}

// look observes the requests that a look can tell something about, and sorts what it saw by request.
func (e *Executor) look(ctx context.Context, requests []ohfp.Request) (map[ohfp.RequestID]ohfp.Facts, Problems) {
	views := map[string]*view{}
	at := func(name string) *view {
		if views[name] == nil {
			views[name] = &view{scopes: map[ohfp.RequestID]*provider.Scope{}}
		}
		return views[name]
	}
	asked := map[ohfp.RequestID][]string{}
	for _, r := range requests {
		if r.Type == ohfp.TypeAcquire {
			if e.worthALook(r) {
				at(r.Provider).add(r.ID, resourcesOf(r), aliveIDs(r.Machines)).Open = r.Open()
				asked[r.ID] = []string{r.Provider}
			}
			continue
		}
		for _, m := range r.Machines {
			if !m.Gone() {
				at(m.Provider).add(m.Request, []string{m.Resource}, []ohfp.MachineID{m.ID})
				if !slices.Contains(asked[r.ID], m.Provider) {
					asked[r.ID] = append(asked[r.ID], m.Provider)
				}
			}
		}
	}
	seen := map[string]provider.Observation{}
	trouble := map[string]error{}
	for name, v := range views {
		seen[name], trouble[name] = e.observe(ctx, name, v)
	}
	facts := byResource(requests, seen)
	problems := Problems{}
	for _, r := range requests {
		if len(asked[r.ID]) > 0 {
			facts[r.ID] = factsOf(r, asked[r.ID], seen, trouble)
		}
		for _, name := range asked[r.ID] {
			if err := trouble[name]; err != nil {
				problems[r.ID] = errors.Join(problems[r.ID], fmt.Errorf("look at provider %s: %w", name, err))
			}
		}
	}
	return facts, problems
}

// worthALook says whether the cloud can tell something that matters now. Before a first launch has an outcome there is
// nothing to see, and repeating the call tells more.
func (e *Executor) worthALook(r ohfp.Request) bool {
	fills := func(a ohfp.Attempt) bool { return a.Order.Async && a.Resource != "" }
	if len(aliveIDs(r.Machines)) > 0 || r.Status == ohfp.StatusStopping || r.Status.Terminal() || slices.ContainsFunc(r.Attempts, fills) {
		return true
	}
	return !e.Now().Before(r.Deadline)
}

func (e *Executor) observe(ctx context.Context, name string, v *view) (provider.Observation, error) {
	began := e.Now()
	p, err := e.Providers.Provider(ctx, name)
	if err != nil {
		return provider.Observation{ObservedAt: began}, err
	}
	scopes := make([]provider.Scope, 0, len(v.order))
	for _, id := range v.order {
		scopes = append(scopes, *v.scopes[id])
	}
	observation, err := p.Observe(ctx, scopes)
	if err != nil {
		observation.Complete = false
	}
	if observation.ObservedAt.IsZero() {
		observation.ObservedAt = began
	}
	for i := range observation.Machines {
		observation.Machines[i].Provider = name
	}
	return observation, err
}

// factsOf picks what concerns one request out of what its providers showed.
func factsOf(r ohfp.Request, names []string, seen map[string]provider.Observation, trouble map[string]error) ohfp.Facts {
	mine := make(map[ohfp.MachineID]bool, len(r.Machines))
	for _, m := range r.Machines {
		mine[m.ID] = true
	}
	f := ohfp.Facts{Complete: true}
	for _, name := range names {
		observation := seen[name]
		f.Complete = f.Complete && observation.Complete
		f.ObservedAt = earliest(f.ObservedAt, observation.ObservedAt)
		if err := trouble[name]; err != nil && f.Problem == "" {
			f.Problem = "the cloud could not be asked: " + err.Error()
		}
		f.Resources = append(f.Resources, resourceFacts(r, observation)...)
		for _, m := range observation.Machines {
			if mine[m.ID] || r.Type == ohfp.TypeAcquire && m.Request == r.ID {
				f.Machines = append(f.Machines, m)
			}
		}
	}
	return f
}

// resourceFacts picks what concerns a request for machines.
func resourceFacts(r ohfp.Request, observation provider.Observation) []ohfp.ResourceFacts {
	var facts []ohfp.ResourceFacts
	for _, resource := range observation.Resources {
		made := func(a ohfp.Attempt) bool { return a.Resource == resource.Resource }
		if r.Type == ohfp.TypeAcquire && (resource.Request == r.ID || slices.ContainsFunc(r.Attempts, made)) {
			facts = append(facts, resource)
		}
	}
	return facts
}

// byResource sorts what was seen of fleets and groups by the requests that made them, of machines that are being given
// back. Such facts are never complete: only some machines of those requests were looked for.
func byResource(requests []ohfp.Request, seen map[string]provider.Observation) map[ohfp.RequestID]ohfp.Facts {
	makers := map[string]ohfp.RequestID{}
	for _, r := range requests {
		if r.Type == ohfp.TypeReturn {
			for _, m := range r.Machines {
				makers[m.Resource] = m.Request
			}
		}
	}
	facts := map[ohfp.RequestID]ohfp.Facts{}
	for _, observation := range seen {
		for _, resource := range observation.Resources {
			id, ok := makers[resource.Resource]
			if !ok {
				continue
			}
			f := facts[id]
			f.ObservedAt = observation.ObservedAt
			f.Resources = append(f.Resources, resource)
			facts[id] = f
		}
	}
	return facts
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

func resourcesOf(r ohfp.Request) []string {
	var resources []string
	for _, a := range r.Attempts {
		if a.Resource != "" && r.ProviderOf(a) == r.Provider { // what another was asked before has brought nothing
			resources = append(resources, a.Resource)
		}
	}
	return resources
}

func aliveIDs(machines []ohfp.Machine) []ohfp.MachineID {
	var ids []ohfp.MachineID
	for _, m := range machines {
		if !m.Gone() {
			ids = append(ids, m.ID)
		}
	}
	return ids
}
