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

// OrphanPolicy says how orphans are looked for and what becomes of them.
type OrphanPolicy struct {
	Watch      bool // remember Host Factory's lists, and look without being asked
	Collect    bool // end those that are ripe without being asked
	Quarantine time.Duration
	MinAge     time.Duration // younger machines are no orphans
	Interval   time.Duration // between looks
	MaxShare   int           // percent of all machines that are owned; more orphans than that are held
}

// lookupAtOnce bounds how many ids one read of the records names.
const lookupAtOnce = 500

// wait is how long orphans are watched. That nobody looked for hours counts no more than two looks in time.
func (p OrphanPolicy) wait() orphans.Wait {
	return orphans.Wait{Quarantine: p.Quarantine, MinAge: p.MinAge, Most: 2 * p.Interval}
}

// OrphanSurvey is what one look at all providers showed.
type OrphanSurvey struct {
	Orphans []orphans.Orphan
	Owned   int // machines alive that carry our tag
	Unread  map[string]error

	seen map[string]provider.Observation // the complete looks
}

// FindOrphans looks at everything that carries this installation's tag, in every provider instance, and counts what
// nobody answers for. A provider that cannot be read whole is told in Unread, and what was known of it stays as it was.
func (c *Commands) FindOrphans(ctx context.Context) (OrphanSurvey, error) {
	survey := OrphanSurvey{Unread: map[string]error{}, seen: map[string]provider.Observation{}}
	hosts, err := orphans.RecallHosts(ctx, c.Store, c.Orphans.Interval+time.Minute, c.Now())
	if err != nil {
		return survey, err
	}
	for _, name := range c.providerNames() {
		seen, err := c.readOwned(ctx, name)
		if err != nil {
			survey.Unread[name] = err
			continue
		}
		survey.seen[name] = seen
	}
	met := map[ohfp.MachineID]bool{}
	for _, name := range slices.Sorted(maps.Keys(survey.seen)) {
		seen := survey.seen[name]
		known, err := c.known(ctx, seen, hosts != nil)
		if err != nil {
			return survey, err
		}
		look := orphans.Look{Provider: name, Seen: seen, Known: known, Hosts: hosts, Met: maps.Clone(met), MinAge: c.Orphans.MinAge, Now: c.Now()}
		found, err := orphans.Register(ctx, c.Store, look, c.Orphans.wait())
		if err != nil {
			return survey, err
		}
		survey.Orphans = append(survey.Orphans, found...)
		for _, m := range seen.Machines {
			if m.Alive() && !met[m.ID] {
				met[m.ID] = true
				survey.Owned++
			}
		}
	}
	return survey, nil
}

// providerNames are all that may have machines of ours.
func (c *Commands) providerNames() []string {
	if len(c.Providers) > 0 {
		return c.Providers
	}
	var names []string
	for _, instance := range c.Placement.Instances {
		names = append(names, instance.Name)
	}
	return names
}

// readOwned reads all that carries our tag in one provider instance. What is not all of it is an error.
func (c *Commands) readOwned(ctx context.Context, name string) (provider.Observation, error) {
	began := c.Now()
	p, err := c.Executor.Providers.Provider(ctx, name)
	if err != nil {
		return provider.Observation{}, err
	}
	seen, err := p.Owned(ctx, provider.OwnedFilter{})
	if err == nil && !seen.Complete {
		err = ohfp.Errorf(ohfp.ErrUnavailable, "the read is not complete")
	}
	if err != nil {
		return provider.Observation{}, fmt.Errorf("look for machines by tag: %w", err)
	}
	if seen.ObservedAt.IsZero() {
		seen.ObservedAt = began
	}
	for i := range seen.Machines {
		seen.Machines[i].Provider = name
	}
	return seen, nil
}

// known reads what the records say of what was seen.
func (c *Commands) known(ctx context.Context, seen provider.Observation, origins bool) (orphans.Known, error) {
	known := orphans.Known{
		Machines: map[ohfp.MachineID]ohfp.Machine{}, Requests: map[ohfp.RequestID]ohfp.Request{},
		Open: map[ohfp.RequestID]bool{}, Resources: map[string]ohfp.RequestID{},
	}
	if len(seen.Machines)+len(seen.Resources) == 0 {
		return known, nil
	}
	open, err := c.Store.Requests(ctx, store.RequestFilter{Unsettled: true})
	if err != nil {
		return known, fmt.Errorf("list unsettled requests: %w", err)
	}
	for _, r := range open {
		known.Open[r.ID] = true
	}
	wanted, err := c.knownMachines(ctx, seen, origins, &known)
	if err != nil {
		return known, err
	}
	for _, r := range seen.Resources {
		wanted[r.Request] = true
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(wanted)), lookupAtOnce) {
		found, err := c.Store.Requests(ctx, store.RequestFilter{IDs: some})
		if err != nil {
			return known, fmt.Errorf("read the requests of machines: %w", err)
		}
		open = append(open, found...)
	}
	for _, r := range open {
		known.Requests[r.ID] = r
		for _, a := range r.Attempts {
			if a.Resource != "" {
				known.Resources[a.Resource] = r.ID
			}
		}
	}
	return known, nil
}

// knownMachines reads the records of the machines seen, and returns whose requests matter: those of machines without a
// record and, for origins, of all.
func (c *Commands) knownMachines(
	ctx context.Context, seen provider.Observation, origins bool, known *orphans.Known,
) (map[ohfp.RequestID]bool, error) {
	recorded, err := c.Store.Machines(ctx, store.MachineFilter{States: []ohfp.MachineState{
		ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineStopping, ohfp.MachineStopped, ohfp.MachineShuttingDown,
	}})
	if err != nil {
		return nil, fmt.Errorf("list machines that are there: %w", err)
	}
	wanted := map[ohfp.RequestID]bool{}
	for _, m := range recorded {
		known.Machines[m.ID] = m
		if origins {
			wanted[m.Request] = true
		}
	}
	if err := c.lookUp(ctx, unrecorded(seen, known), known); err != nil {
		return nil, err
	}
	return wanted, c.claimed(ctx, unrecorded(seen, known), wanted)
}

// unrecorded are the machines alive of which no record is known yet.
func unrecorded(seen provider.Observation, known *orphans.Known) (missing []ohfp.Machine) {
	for _, m := range seen.Machines {
		if _, ok := known.Machines[m.ID]; !ok && m.Alive() {
			missing = append(missing, m)
		}
	}
	return missing
}

// lookUp reads the records of machines by their ids, whatever state the records have them in.
func (c *Commands) lookUp(ctx context.Context, machines []ohfp.Machine, known *orphans.Known) error {
	ids := make([]ohfp.MachineID, len(machines))
	for i, m := range machines {
		ids[i] = m.ID
	}
	for some := range slices.Chunk(ids, lookupAtOnce) {
		found, err := c.Store.Machines(ctx, store.MachineFilter{IDs: some})
		if err != nil {
			return fmt.Errorf("look machines up: %w", err)
		}
		for _, m := range found {
			if was, ok := known.Machines[m.ID]; !ok || was.Gone() {
				known.Machines[m.ID] = m
			}
		}
	}
	return nil
}

// claimed adds the requests that machines without a record say they are for: by their own tag, or by their resource's.
func (c *Commands) claimed(ctx context.Context, machines []ohfp.Machine, wanted map[ohfp.RequestID]bool) error {
	looked := map[string]bool{}
	for _, m := range machines {
		if m.Request.WellFormed() {
			wanted[m.Request] = true
			continue
		}
		if m.Resource == "" || looked[m.Resource] {
			continue
		}
		looked[m.Resource] = true // it bears no request, but others of the same fleet may be on record
		siblings, err := c.Store.Machines(ctx, store.MachineFilter{Resource: m.Resource, Limit: 1})
		if err != nil {
			return fmt.Errorf("look up the machines of %s: %w", m.Resource, err)
		}
		for _, s := range siblings {
			wanted[s.Request] = true
		}
	}
	return nil
}

// HostsNamed remembers which hosts Host Factory has, as its list of all of them says. It costs one read while that stays
// the same. A list without hosts is no evidence, and nothing that goes wrong here concerns the caller.
func (c *Commands) HostsNamed(ctx context.Context, known []Named) {
	if !c.Orphans.Watch || len(known) == 0 {
		return
	}
	hosts := make([]orphans.Host, len(known))
	for i, n := range known {
		hosts[i] = orphans.Host(n)
	}
	if err := orphans.NoteHosts(ctx, c.Store, hosts, c.Orphans.Interval/2, c.Now()); err != nil {
		c.Log.WarnContext(ctx, "host factory's list of hosts not remembered", "error", err)
	}
}

// TendOrphans is the chore: it looks, tells what is new, and collects what is ripe when the policy says so.
func (c *Commands) TendOrphans(ctx context.Context) error {
	survey, err := c.FindOrphans(ctx)
	if err != nil {
		return err
	}
	ripe := 0
	for _, o := range survey.Orphans {
		if o.Reads == 1 {
			c.Log.InfoContext(ctx, "orphan found", "provider", o.Provider, "machine", o.Machine, "resource", o.Resource,
				"request", o.Request, "reason", o.Reason)
		}
		if o.Ripe {
			ripe++
		}
	}
	if ripe > 0 && !c.Orphans.Collect {
		c.Log.WarnContext(ctx, "orphans are running, see ohfp orphans list; orphans.policy leaves it to you to collect them", "orphans", ripe)
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(survey.Unread)) {
		problems = append(problems, fmt.Errorf("provider %s: %w", name, survey.Unread[name]))
	}
	if c.Orphans.Collect {
		_, err := c.collect(ctx, survey, CollectOrphans{Origin: ohfp.Origin{Face: "orphans"}})
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}
