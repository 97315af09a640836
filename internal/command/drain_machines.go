package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// MaxDrainGrace bounds the grace of a drain: whoever means longer means another day.
const MaxDrainGrace = 7 * 24 * time.Hour

// DrainMachines asks the users of machines to give them back, or no longer does. Every field that is set narrows the
// choice; one at least must be.
type DrainMachines struct {
	IDs       []ohfp.MachineID
	Template  ohfp.TemplateID
	Zone      string
	OlderThan time.Duration // since their launch

	Grace    time.Duration // from a machine's turn until it is due
	Parallel int           // how many may be on their way at once; 0: all
	Force    bool          // give those back that their users still have when they are due
	Cancel   bool          // withdraw earlier orders about them instead
	DryRun   bool          // only say which those are
	Origin   ohfp.Origin
}

// Drained is what came of a DrainMachines.
type Drained struct {
	Machines []ohfp.Machine // those that are drained now, or with Cancel no longer are; with DryRun as they are before that
	Unknown  []ohfp.MachineID
}

// DrainMachines stores the order on each machine that its user still has. Users are told of it as they are told of what the cloud
// takes back, at most Parallel of them at a time.
func (c *Commands) DrainMachines(ctx context.Context, in DrainMachines) (Drained, error) {
	if err := in.check(); err != nil {
		return Drained{}, err
	}
	chosen, unknown, err := c.chosenFor(ctx, in)
	if err != nil {
		return Drained{}, err
	}
	now := c.Now().UTC()
	order := ohfp.Notice{
		Kind: ohfp.NoticeDrain, AnnouncedAt: now, Text: "drained by " + in.Origin.String(), Actor: in.Origin.String(),
		Grace: in.Grace, Parallel: in.Parallel, Force: in.Force,
	}
	change := func(m *ohfp.Machine) []ohfp.Event {
		if in.Cancel {
			return m.Withdraw(ohfp.NoticeDrain, in.Origin.String(), now)
		}
		return m.Notify(order, now)
	}
	if in.DryRun {
		chosen = slices.DeleteFunc(chosen, func(m ohfp.Machine) bool { return len(change(&m)) == 0 })
		return Drained{Machines: chosen, Unknown: unknown}, nil
	}
	touched := map[ohfp.MachineID]bool{}
	_, err = c.changeMachines(ctx, chosen, func(m *ohfp.Machine) []ohfp.Event {
		events := change(m)
		if len(events) > 0 {
			touched[m.ID] = true
		}
		return events
	})
	if err != nil {
		return Drained{}, err
	}
	if !in.Cancel {
		if err := c.AdvanceDrains(ctx); err != nil {
			return Drained{}, err
		}
	}
	result := Drained{Unknown: unknown}
	if len(touched) == 0 {
		return result, nil
	}
	ids := make([]ohfp.MachineID, 0, len(touched))
	for id := range touched {
		ids = append(ids, id)
	}
	if result.Machines, err = c.Store.Machines(ctx, store.MachineFilter{IDs: ids}); err != nil {
		return Drained{}, fmt.Errorf("read the machines that are drained: %w", err)
	}
	return result, nil
}

func (in DrainMachines) check() error {
	switch {
	case len(in.IDs) == 0 && in.Template == "" && in.Zone == "" && in.OlderThan == 0:
		return ohfp.Errorf(ohfp.ErrInvalid, "drain names no machines; give their ids, a template, a zone or an age")
	case in.OlderThan < 0:
		return ohfp.Errorf(ohfp.ErrInvalid, "drain is for machines older than %s, which makes no sense; give a positive age such as 24h", in.OlderThan)
	case in.Grace < 0 || in.Grace > MaxDrainGrace:
		return ohfp.Errorf(ohfp.ErrInvalid, "drain has a grace of %s; give 0s to %s", ohfp.FormatDuration(in.Grace), ohfp.FormatDuration(MaxDrainGrace))
	case in.Parallel < 0:
		return ohfp.Errorf(ohfp.ErrInvalid, "drain takes %d machines at once, which makes no sense; give 1 or more, or 0 for all", in.Parallel)
	default:
		return nil
	}
}

// chosenFor finds the machines that an order means, and the ids in it that no machine has.
func (c *Commands) chosenFor(ctx context.Context, in DrainMachines) ([]ohfp.Machine, []ohfp.MachineID, error) {
	filter := store.MachineFilter{IDs: in.IDs, Template: in.Template, Noticed: in.Cancel}
	if len(in.IDs) == 0 {
		filter.States = []ohfp.MachineState{ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineStopping, ohfp.MachineStopped}
	}
	machines, err := c.Store.Machines(ctx, filter)
	if err != nil {
		return nil, nil, fmt.Errorf("find the machines to drain: %w", err)
	}
	var unknown []ohfp.MachineID
	for _, id := range in.IDs {
		if !slices.ContainsFunc(machines, func(m ohfp.Machine) bool { return m.ID == id }) {
			unknown = append(unknown, id)
		}
	}
	now := c.Now()
	return slices.DeleteFunc(machines, func(m ohfp.Machine) bool {
		return in.Zone != "" && m.Zone != in.Zone || in.OlderThan > 0 && now.Sub(m.LaunchedAt) <= in.OlderThan
	}), unknown, nil
}

// drainOrder is what the machines of one order have in common.
type drainOrder struct {
	at    time.Time
	actor string
}

// AdvanceDrains gives machines that wait to be drained their turn, as far as their orders allow, and gives those back
// that are due by an order with force and still with their users. Host Factory and the daemon call it again and again.
func (c *Commands) AdvanceDrains(ctx context.Context) error {
	noticed, err := c.Store.Machines(ctx, store.MachineFilter{Noticed: true})
	if err != nil {
		return fmt.Errorf("look at machines that are drained: %w", err)
	}
	now := c.Now()
	underWay := map[drainOrder]int{}
	overdue := map[string][]Named{}
	for _, m := range noticed {
		n := m.Notice
		if n.Kind != ohfp.NoticeDrain || n.Due.IsZero() || m.Gone() {
			continue
		}
		underWay[drainOrder{n.AnnouncedAt, n.Actor}]++
		if n.Force && m.Kept() && !now.Before(n.Due) {
			overdue[n.Actor] = append(overdue[n.Actor], Named{ID: m.ID})
		}
	}
	var admitted []ohfp.Machine
	for _, m := range noticed {
		n := m.Notice
		// A machine that its user does not have yet is asked for once it does.
		waits := n.Kind == ohfp.NoticeDrain && n.Due.IsZero() && m.Alive() && m.Kept() && !m.DeliveredAt.IsZero()
		order := drainOrder{n.AnnouncedAt, n.Actor}
		if waits && (n.Parallel == 0 || underWay[order] < n.Parallel) {
			underWay[order]++
			admitted = append(admitted, m)
			if n.Force && n.Grace == 0 {
				overdue[n.Actor] = append(overdue[n.Actor], Named{ID: m.ID})
			}
		}
	}
	_, err = c.changeMachines(ctx, admitted, func(m *ohfp.Machine) []ohfp.Event { return m.Admit(now) })
	problems := []error{err}
	for actor, machines := range overdue {
		slices.SortFunc(machines, func(a, b Named) int { return cmp.Compare(a.ID, b.ID) })
		face, caller, _ := strings.Cut(actor, ":")
		_, err := c.ReturnMachines(ctx, ReturnMachines{Machines: machines, Origin: ohfp.Origin{Face: face, Caller: caller}})
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}
