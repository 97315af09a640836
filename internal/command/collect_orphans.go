package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/orphans"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// heldAbove is how many orphans may be collected whatever their share: of few machines any share is large.
const heldAbove = 10

// CollectOrphans ends orphans that are ripe: those named, or all.
type CollectOrphans struct {
	IDs    []string // machines, fleets or groups
	DryRun bool     // only say what would end
	Force  bool     // although there are so many
	Origin ohfp.Origin
}

// Fate is what became of an orphan that was to be collected.
type Fate string

// The fates.
const (
	FateEnds  Fate = "ends"  // its end is recorded, and ordered or about to be
	FateWould Fate = "would" // it would end
	FateWaits Fate = "waits" // it was not seen often or long enough yet
	FateFails Fate = "fails" // nothing was recorded
)

// Collected is an orphan and its fate.
type Collected struct {
	orphans.Orphan

	Fate    Fate           `json:"fate"`
	By      ohfp.RequestID `json:"by,omitempty"` // the request or return that ends it
	Message string         `json:"message,omitempty"`
}

// Collection is what came of collecting.
type Collection struct {
	Orphans []Collected      `json:"orphans"`
	Held    string           `json:"held,omitempty"` // why nothing is collected
	Unread  map[string]error `json:"-"`              // providers that could not be looked at, whose orphans wait
}

// CollectOrphans looks once more and ends the orphans that are ripe by then. Each end is an intent on record before the
// cloud is called: what Host Factory no longer names is given back by a return, and of anything else the request that
// it bears is recorded, or taken up again, and ended. What the cloud does not take now is ended as any other request's.
func (c *Commands) CollectOrphans(ctx context.Context, in CollectOrphans) (Collection, error) {
	survey, err := c.FindOrphans(ctx)
	if err != nil {
		return Collection{}, err
	}
	for _, id := range in.IDs {
		if !slices.ContainsFunc(survey.Orphans, func(o orphans.Orphan) bool { return o.ID() == id }) {
			return Collection{}, ohfp.Errorf(ohfp.ErrNotFound, "%s is no orphan as far as can be seen; see ohfp orphans list", id)
		}
	}
	return c.collect(ctx, survey, in)
}

func (c *Commands) collect(ctx context.Context, survey OrphanSurvey, in CollectOrphans) (Collection, error) {
	out := Collection{Orphans: []Collected{}, Unread: survey.Unread}
	if len(survey.Orphans) == 0 && len(survey.Unread) == 0 && !in.DryRun {
		return out, c.release(ctx)
	}
	waits, ripe := waiting(survey, in.IDs, c.Orphans.MinAge), false
	for _, o := range survey.Orphans {
		if len(in.IDs) > 0 && !slices.Contains(in.IDs, o.ID()) {
			continue
		}
		one := Collected{Orphan: o, Fate: FateWould, Message: waits(o)}
		if one.Message != "" {
			one.Fate = FateWaits
		}
		ripe = ripe || one.Fate == FateWould
		out.Orphans = append(out.Orphans, one)
	}
	if !ripe {
		return out, nil
	}
	if !in.Force {
		held, err := c.held(ctx, survey, in.DryRun)
		if err != nil || held != "" {
			out.Held = held
			return out, err
		}
	}
	if in.DryRun {
		return out, nil
	}
	err := c.endOrphans(ctx, survey, out.Orphans, in.Origin)
	if in.Force {
		err = errors.Join(err, c.release(ctx))
	}
	return out, err
}

// held says why nothing may be collected without force, and raises the alarm once.
func (c *Commands) held(ctx context.Context, survey OrphanSurvey, dry bool) (string, error) {
	held, err := orphans.RecallHeld(ctx, c.Store)
	if err != nil || held.Message != "" {
		return held.Message, err
	}
	newest, err := c.Store.Requests(ctx, store.RequestFilter{Limit: 1})
	if err != nil {
		return "", fmt.Errorf("see whether there are records: %w", err)
	}
	found := 0
	for _, o := range survey.Orphans {
		if o.IsMachine() {
			found++
		}
	}
	message := ""
	switch {
	case len(newest) == 0:
		message = fmt.Sprintf("there are no records at all, and %s with our tag: if the store was lost, run ohfp storage rebuild, "+
			"and nothing is an orphan; else run ohfp orphans collect --force", ohfp.Count(survey.Owned, "machine"))
	case found > heldAbove && found*100 > c.Orphans.MaxShare*survey.Owned:
		message = fmt.Sprintf("%s beside %s in all, more than orphans.max_share (%d %%): something may be wrong with the "+
			"records or with Host Factory's list; look at ohfp orphans list, then run ohfp orphans collect --force", ohfp.Count(found, "orphan"), ohfp.Count(survey.Owned, "machine"), c.Orphans.MaxShare)
	}
	if message == "" || dry {
		return message, nil
	}
	news, err := orphans.Hold(ctx, c.Store, message, c.Now())
	if err != nil || !news {
		return message, err
	}
	c.Log.ErrorContext(ctx, "orphans are not collected", "reason", message)
	if len(newest) > 0 {
		// Events are stored with a request; this one is about none, and rides with the newest.
		_, err = c.Store.UpdateRequest(ctx, newest[0].ID, func(*ohfp.Request) ([]ohfp.Event, error) {
			return []ohfp.Event{{At: c.Now(), Kind: ohfp.OrphansHeld, Actor: "orphans", Message: message}}, nil
		})
	}
	return message, err
}

// release lets orphans be collected again, if they were held.
func (c *Commands) release(ctx context.Context) error {
	held, err := orphans.RecallHeld(ctx, c.Store)
	if err != nil || held.Message == "" {
		return err
	}
	return orphans.Release(ctx, c.Store)
}

// waiting returns what says why an orphan must not end yet. A request that is being ended takes in all that bears it, so
// what bears one request ends together or not at all, but for machines of a fleet or group that ends: it may launch on
// and on.
func waiting(survey OrphanSurvey, named []string, minAge time.Duration) func(orphans.Orphan) string {
	type bearer struct {
		provider string
		request  ohfp.RequestID
	}
	ends := map[string]bool{} // fleets and groups
	for _, o := range survey.Orphans {
		ends[o.Resource] = ends[o.Resource] || !o.IsMachine() && o.Ripe
	}
	keeps, asked := map[bearer]string{}, map[bearer]bool{}
	for _, o := range survey.Orphans {
		key := bearer{o.Provider, o.Request}
		asked[key] = true
		switch {
		case o.Request == "" || !bearsOne(o):
		case !o.Ripe && !(o.IsMachine() && ends[o.Resource]):
			keeps[key] = fmt.Sprintf("%s bears the same request and was not seen long enough", o.ID())
		case len(named) > 0 && !slices.Contains(named, o.ID()) && keeps[key] == "":
			keeps[key] = fmt.Sprintf("%s bears the same request and ends with it; name both", o.ID())
		}
	}
	for name, seen := range survey.seen {
		for _, m := range seen.Machines {
			young := m.LaunchedAt.IsZero() || seen.ObservedAt.Sub(m.LaunchedAt) < minAge
			if key := (bearer{name, m.Request}); asked[key] && m.Alive() && young && !ends[m.Resource] && keeps[key] == "" {
				keeps[key] = fmt.Sprintf("machine %s bears the same request and is younger than %s", m.ID, ohfp.FormatDuration(minAge))
			}
		}
	}
	return func(o orphans.Orphan) string {
		switch {
		case bearsOne(o) && o.Request != "" && keeps[bearer{o.Provider, o.Request}] != "":
			return keeps[bearer{o.Provider, o.Request}]
		case !o.Ripe && !(bearsOne(o) && o.IsMachine() && ends[o.Resource]):
			return fmt.Sprintf("seen %s within %s", ohfp.Count(o.Reads, "time"), ohfp.FormatDuration(o.Waited))
		}
		return ""
	}
}

// bearsOne says whether an orphan is one that its request's record lacks.
func bearsOne(o orphans.Orphan) bool { return o.Reason == orphans.NoRecord || o.Reason == orphans.Late }

// unit are orphans that end under one record.
type unit struct {
	provider string
	request  ohfp.RequestID
	template ohfp.TemplateID // of machines that bear no request
	reason   orphans.Reason
}

func unitOf(o orphans.Orphan) unit {
	switch {
	case o.Reason == orphans.Unnamed:
		return unit{reason: o.Reason} // one return for all
	case o.Request == "":
		return unit{provider: o.Provider, template: o.Template, reason: o.Reason}
	default:
		return unit{provider: o.Provider, request: o.Request, reason: o.Reason}
	}
}

// endOrphans ends what would end, and writes down its fate.
func (c *Commands) endOrphans(ctx context.Context, survey OrphanSurvey, chosen []Collected, origin ohfp.Origin) error {
	units := map[unit][]int{}
	var order []unit
	for i, o := range chosen {
		if o.Fate != FateWould {
			continue
		}
		u := unitOf(o.Orphan)
		if units[u] == nil {
			order = append(order, u)
		}
		units[u] = append(units[u], i)
	}
	by := ohfp.Origin{Face: "orphans", Caller: origin.Caller}
	var problems []error
	for _, u := range order {
		ids := map[string]bool{}
		for _, i := range units[u] {
			ids[chosen[i].ID()] = true
		}
		id, err := c.endUnit(ctx, u, ids, survey.seen[u.provider], by)
		for _, i := range units[u] {
			chosen[i].Fate, chosen[i].By = FateEnds, id
			if id == "" {
				chosen[i].Fate = FateFails
			}
			if err != nil {
				chosen[i].Message = err.Error()
			}
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("collect %s: %w", ohfp.Count(len(ids), "orphan"), err))
		}
		if ctx.Err() != nil {
			break
		}
		c.Log.WarnContext(ctx, "orphans collected", "orphans", len(ids), "reason", u.reason, "request", id)
	}
	return errors.Join(problems...)
}

// endUnit records the end of what one look has shown and names, and orders it. Without an id nothing was recorded.
func (c *Commands) endUnit(
	ctx context.Context, u unit, ids map[string]bool, seen provider.Observation, by ohfp.Origin,
) (ohfp.RequestID, error) {
	if u.reason == orphans.Unnamed {
		var machines []Named
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			machines = append(machines, Named{ID: ohfp.MachineID(id)})
		}
		r, err := c.ReturnMachines(ctx, ReturnMachines{Machines: machines, Origin: by})
		return r.ID, err
	}
	mine := provider.Observation{ObservedAt: seen.ObservedAt}
	for _, m := range seen.Machines {
		if ids[string(m.ID)] {
			mine.Machines = append(mine.Machines, m)
		}
	}
	for _, r := range seen.Resources {
		if ids[r.Resource] || u.request != "" && r.Request == u.request {
			mine.Resources = append(mine.Resources, r)
		}
	}
	switch {
	case u.reason == orphans.Undead:
		return u.request, c.recover(ctx, u.request, mine)
	case u.reason == orphans.Late:
		return u.request, c.takeIn(ctx, u.request, mine)
	case u.request == "":
		u.request = c.NewID(ohfp.TypeAcquire)
	}
	for i := range mine.Machines {
		mine.Machines[i].Request = u.request
	}
	return c.bury(ctx, u.provider, u.request, mine, by)
}

// bury records a request of which nothing is known but what is left of it, as one that is being cancelled.
func (c *Commands) bury(
	ctx context.Context, name string, id ohfp.RequestID, left provider.Observation, by ohfp.Origin,
) (ohfp.RequestID, error) {
	r, events, err := c.adopted(ctx, name, id, left.Machines, left)
	if err != nil {
		return "", err
	}
	r.Origin = by
	if !r.Status.Terminal() { // a fleet without machines has ended, and is only removed
		stopped, err := r.Stop(ohfp.StatusCancelled, ohfp.ReasonOrphaned, "orphans: no record answered for them", c.Now())
		if err != nil {
			return "", err
		}
		events = append(events, stopped...)
	}
	if err := c.Store.CreateRequest(ctx, r, store.Limits{}, events...); err != nil {
		return "", fmt.Errorf("store the request of orphans: %w", err)
	}
	_, err = c.Executor.Drive(ctx, id, factsFor(id, left))
	return id, err
}

// takeIn adds what the record of a request that has ended lacks. It ends as what comes late does.
func (c *Commands) takeIn(ctx context.Context, id ohfp.RequestID, left provider.Observation) error {
	_, err := c.Store.UpdateRequest(ctx, id, func(r *ohfp.Request) ([]ohfp.Event, error) {
		if !r.Status.Terminal() {
			return nil, ohfp.Errorf(ohfp.ErrConflict, "request %s is %s by now; whoever drives it takes in what bears it", id, r.Status)
		}
		for _, resource := range left.Resources {
			r.TakeIn(resource, c.Now())
		}
		for _, m := range left.Machines {
			r.TakeInSource(m, c.Now())
		}
		return nil, nil
	})
	if err != nil {
		return err
	}
	return c.show(ctx, id, ohfp.Facts{ObservedAt: left.ObservedAt, Machines: left.Machines, Resources: left.Resources})
}

// recover ends machines that are on record as gone and are there.
func (c *Commands) recover(ctx context.Context, id ohfp.RequestID, left provider.Observation) error {
	r, err := c.Store.UpdateRequest(ctx, id, func(r *ohfp.Request) ([]ohfp.Event, error) {
		return r.Recover(left.Machines, ohfp.ReasonOrphaned, c.Now()), nil
	})
	if err != nil {
		return err
	}
	drive := []ohfp.RequestID{id}
	for _, m := range r.Machines {
		if m.Return != "" && !m.Gone() && !slices.Contains(drive, m.Return) {
			drive = append(drive, m.Return) // it is the return that ends it
		}
	}
	for _, id := range drive {
		if _, err := c.Executor.Drive(ctx, id, ohfp.Facts{}); err != nil {
			return err
		}
	}
	return nil
}
