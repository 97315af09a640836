package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// createTries bounds how often a return starts again because somebody changed one of its machines in between.
const createTries = 10

// ReturnMachines gives machines back: those named, or all of a request for machines.
type ReturnMachines struct {
	Machines []Named
	Request  ohfp.RequestID
	Origin   ohfp.Origin
	ID       ohfp.RequestID // as of RequestMachines
}

// ReturnMachines stores the return with the intent to end each machine, orders the cloud to end them, and returns the
// return as it then is. What is not ours is reported in it and not touched; what is gone counts as done; what an
// earlier return ends is followed. An unreachable cloud is no error: the return goes on at its next poll.
func (c *Commands) ReturnMachines(ctx context.Context, in ReturnMachines) (ohfp.Request, error) {
	if r, made, err := c.made(ctx, in.ID); made || err != nil {
		return r, err
	}
	var r ohfp.Request
	var driver *reconcile.Executor
	done := func() {}
	defer func() { done() }()
	for try := 1; ; try++ {
		machines, unknown, err := c.resolve(ctx, in)
		if err != nil {
			return ohfp.Request{}, err
		}
		var events []ohfp.Event
		r, events = ohfp.NewReturn(cmp.Or(in.ID, c.NewID(ohfp.TypeReturn)), machines, unknown, in.Origin, c.Now())
		done()
		driver, done, _ = c.Executor.For(r.ID)
		err = driver.Store.CreateRequest(ctx, r, store.Limits{}, events...)
		if errors.Is(err, ohfp.ErrConflict) {
			if r, made, _ := c.made(ctx, in.ID); made {
				return r, nil // the same call, made at the same time
			}
		}
		if errors.Is(err, ohfp.ErrConflict) && try < createTries {
			continue
		}
		if err != nil {
			return ohfp.Request{}, fmt.Errorf("store return: %w", err)
		}
		break
	}
	c.Executor.Reach(reconcile.StepReturnStored)
	driver.Tell(r)
	driven, err := driver.Drive(ctx, r.ID, ohfp.Facts{})
	if err != nil {
		c.Log.WarnContext(ctx, "return goes on at its next poll", "request", r.ID, "error", err)
		if driven.ID == "" {
			return r, nil
		}
	}
	return driven, nil
}

// resolve finds the machines that are named, each once, in the order named.
func (c *Commands) resolve(ctx context.Context, in ReturnMachines) ([]ohfp.Machine, []ohfp.Unknown, error) {
	if in.Request != "" {
		r, err := c.Store.Request(ctx, in.Request)
		if err != nil {
			return nil, nil, fmt.Errorf("return the machines of request %s: %w", in.Request, err)
		}
		if r.Type == ohfp.TypeReturn {
			return nil, nil, ohfp.Errorf(ohfp.ErrInvalid, "request %s is a return; name the request that asked for the machines", in.Request)
		}
		if !r.Status.Terminal() {
			return nil, nil, ohfp.Errorf(ohfp.ErrConflict, "request %s is %s and may still launch; wait for it or cancel it", r.ID, r.Status)
		}
		return slices.DeleteFunc(r.Machines, func(m ohfp.Machine) bool {
			return m.Ending != "" && m.Return == "" // ended by us, never in its user's hands
		}), nil, nil
	}
	var ids []ohfp.MachineID
	var names []string
	for _, n := range in.Machines {
		switch {
		case n.ID != "":
			ids = append(ids, n.ID)
		case n.Name != "":
			names = append(names, n.Name)
		}
	}
	byID, err := c.machinesByID(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	byName, err := c.machinesByName(ctx, names)
	if err != nil {
		return nil, nil, err
	}
	var machines []ohfp.Machine
	var unknown []ohfp.Unknown
	seen := map[ohfp.MachineID]bool{}
	told := map[Named]bool{}
	for _, n := range in.Machines {
		m, problem := pick(n, byID, byName)
		switch {
		case problem != "" && !told[n]:
			told[n] = true
			unknown = append(unknown, ohfp.Unknown{Machine: n.ID, Name: n.Name, Message: problem})
		case problem == "" && !seen[m.ID]:
			seen[m.ID] = true
			machines = append(machines, m)
		}
	}
	return machines, unknown, nil
}

func pick(n Named, byID map[ohfp.MachineID]ohfp.Machine, byName map[string][]ohfp.Machine) (ohfp.Machine, string) {
	if n.ID != "" {
		if m, ok := byID[n.ID]; ok {
			return m, ""
		}
		return ohfp.Machine{}, fmt.Sprintf("machine %s is not known here and was not touched", n.ID)
	}
	switch bearers := byName[n.Name]; {
	case n.Name == "":
		return ohfp.Machine{}, "a machine without machineId and name was given back; name it"
	case len(bearers) == 0:
		return ohfp.Machine{}, fmt.Sprintf("no machine named %s is known here; nothing was touched", n.Name)
	case len(bearers) > 1:
		return ohfp.Machine{}, fmt.Sprintf("%d machines are named %s; nothing was touched, give them back by machineId", len(bearers), n.Name)
	default:
		return bearers[0], ""
	}
}

// machinesByID finds machines in the store and, for those it does not know, by this installation's tag in the clouds: a
// record may be lost, a tag is not.
func (c *Commands) machinesByID(ctx context.Context, ids []ohfp.MachineID) (map[ohfp.MachineID]ohfp.Machine, error) {
	found := map[ohfp.MachineID]ohfp.Machine{}
	if len(ids) == 0 {
		return found, nil
	}
	if err := c.loadMachines(ctx, ids, found); err != nil {
		return nil, err
	}
	var missing []ohfp.MachineID
	for _, id := range ids {
		if _, ok := found[id]; !ok {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	adopted, err := c.adoptOwned(ctx, provider.OwnedFilter{Machines: missing})
	if err != nil {
		c.Log.WarnContext(ctx, "machines not looked up by tag", "machines", missing, "error", err)
	}
	if len(adopted) > 0 {
		if err := c.loadMachines(ctx, missing, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (c *Commands) loadMachines(ctx context.Context, ids []ohfp.MachineID, into map[ohfp.MachineID]ohfp.Machine) error {
	machines, err := c.Store.Machines(ctx, store.MachineFilter{IDs: ids})
	if err != nil {
		return fmt.Errorf("find machines by id: %w", err)
	}
	for _, m := range machines {
		into[m.ID] = m
	}
	return nil
}

// machinesByName finds the machines that bear host names. A live machine bears its name; only when none does, the name
// means the last machine that bore it and was not given back.
func (c *Commands) machinesByName(ctx context.Context, names []string) (map[string][]ohfp.Machine, error) {
	bearers := map[string][]ohfp.Machine{}
	if len(names) == 0 {
		return bearers, nil
	}
	machines, err := c.Store.Machines(ctx, store.MachineFilter{Names: names})
	if err != nil {
		return nil, fmt.Errorf("find machines by name: %w", err)
	}
	gone := map[string]ohfp.Machine{}
	for _, m := range machines {
		if !m.Gone() {
			bearers[m.Name] = append(bearers[m.Name], m)
		} else if last, ok := gone[m.Name]; !ok || m.LaunchedAt.After(last.LaunchedAt) {
			gone[m.Name] = m
		}
	}
	for name, m := range gone {
		if len(bearers[name]) == 0 {
			bearers[name] = []ohfp.Machine{m}
		}
	}
	return bearers, nil
}
