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

// RebuildRecords makes records of all that carries this installation's tag and has none, as after a lost store.
type RebuildRecords struct {
	DryRun bool
}

// Rebuilt is one request that was, or would be, recorded again.
type Rebuilt struct {
	Request   ohfp.RequestID  `json:"requestId"`
	Provider  string          `json:"provider"`
	Template  ohfp.TemplateID `json:"templateId,omitempty"`
	Status    ohfp.Status     `json:"status,omitempty"` // as it is now; empty in a dry run
	Machines  int             `json:"machines"`         // alive
	Resources []string        `json:"resources,omitempty"`
}

// Rebuild is what came of rebuilding.
type Rebuild struct {
	Requests []Rebuilt        `json:"requests"`
	Known    int              `json:"known"`              // requests seen that have a record already
	Nameless []ohfp.MachineID `json:"nameless,omitempty"` // machines that bear no request: orphans
	Unread   map[string]error `json:"-"`                  // providers that could not be read whole, of which nothing was recorded
}

// RebuildRecords records each request that machines, fleets or groups bear and that no record knows, with all of them.
// How many it asked for is lost: what is there, and what fleets and groups are told to have, is taken for all of it. So
// are returns that were under way: their machines are taken for ones in use, until they are given back again. It ends
// nothing, and doing it again changes nothing.
func (c *Commands) RebuildRecords(ctx context.Context, in RebuildRecords) (Rebuild, error) {
	out := Rebuild{Requests: []Rebuilt{}, Unread: map[string]error{}}
	met := map[ohfp.RequestID]bool{} // two instances of one account see the same machines
	for _, name := range c.providerNames() {
		seen, err := c.readOwned(ctx, name)
		if err != nil {
			out.Unread[name] = err
			continue
		}
		if err := c.rebuildFrom(ctx, name, seen, met, in.DryRun, &out); err != nil {
			return out, fmt.Errorf("provider %s: %w", name, err)
		}
	}
	return out, nil
}

func (c *Commands) rebuildFrom(
	ctx context.Context, name string, seen provider.Observation, met map[ohfp.RequestID]bool, dry bool, out *Rebuild,
) error {
	borne := map[ohfp.RequestID][]ohfp.Machine{}
	for _, m := range seen.Machines {
		switch {
		case m.Gone():
		case m.Request.WellFormed():
			borne[m.Request] = append(borne[m.Request], m)
		default:
			known, err := c.Store.Machines(ctx, store.MachineFilter{IDs: []ohfp.MachineID{m.ID}, Limit: 1})
			if err != nil {
				return fmt.Errorf("look machine %s up: %w", m.ID, err)
			}
			if len(known) == 0 {
				out.Nameless = append(out.Nameless, m.ID)
			}
		}
	}
	for _, r := range seen.Resources {
		if _, ok := borne[r.Request]; !ok && r.Request.WellFormed() && r.Active && !r.Gone {
			borne[r.Request] = nil // it has no machines yet, or has lost them
		}
	}
	for _, id := range slices.Sorted(maps.Keys(borne)) {
		if met[id] {
			continue
		}
		met[id] = true
		_, err := c.Store.Request(ctx, id)
		if err == nil {
			out.Known++
			continue
		}
		if !errors.Is(err, ohfp.ErrNotFound) {
			return fmt.Errorf("read request %s: %w", id, err)
		}
		r, events, err := c.adopted(ctx, name, id, borne[id], seen)
		if err != nil {
			return err
		}
		rebuilt := Rebuilt{Request: id, Provider: name, Template: r.Template.ID, Resources: resourcesBearing(id, seen)}
		for _, m := range borne[id] {
			if m.Alive() {
				rebuilt.Machines++
			}
		}
		if !dry {
			if rebuilt.Status, err = c.restore(ctx, r, events, factsFor(id, seen)); err != nil {
				return err
			}
		}
		out.Requests = append(out.Requests, rebuilt)
	}
	return nil
}

// restore stores an adopted request and takes it as far as it goes now. That the cloud cannot be told something yet is
// left to the next poll.
func (c *Commands) restore(ctx context.Context, r ohfp.Request, events []ohfp.Event, facts ohfp.Facts) (ohfp.Status, error) {
	if err := c.Store.CreateRequest(ctx, r, store.Limits{}, events...); err != nil && !errors.Is(err, ohfp.ErrConflict) {
		return "", fmt.Errorf("store request %s: %w", r.ID, err)
	}
	driven, err := c.Executor.Drive(ctx, r.ID, facts)
	if err != nil {
		c.Log.WarnContext(ctx, "rebuilt request goes on at its next poll", "request", r.ID, "error", err)
		if driven.ID == "" {
			return r.Status, nil
		}
	}
	return driven.Status, nil
}

func resourcesBearing(id ohfp.RequestID, seen provider.Observation) []string {
	var resources []string
	for _, r := range seen.Resources {
		if r.Request == id && !r.Gone {
			resources = append(resources, r.Resource)
		}
	}
	return resources
}
