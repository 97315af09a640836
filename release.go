package ohfp

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// planRelease ends the machines whose end is decided but not yet ordered, and once more those that live on after the
// order.
func planRelease(r Request, f Facts, now time.Time) []Action {
	seenAlive := map[MachineID]bool{}
	for _, m := range f.Machines {
		seenAlive[m.ID] = m.Alive()
	}
	byReason := map[Reason][]MachineID{}
	doubted := r.doubted(f)
	for _, m := range r.Machines {
		if m.Ending == "" || m.Gone() || !r.ends(m) || m.EndAccepted.IsZero() && m.DeliveredAt.IsZero() && doubted[m.Attempt] {
			continue
		}
		again := seenAlive[m.ID] && f.ObservedAt.Sub(m.EndAccepted) > EndAgainAfter && now.Sub(m.EndAccepted) > EndAgainAfter
		if m.EndAccepted.IsZero() || again {
			byReason[m.Ending] = append(byReason[m.Ending], m.ID)
		}
	}
	var actions []Action
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		actions = append(actions, Terminate{Machines: byReason[reason], Reason: reason})
	}
	return actions
}

// doubted lists the attempts of which no machine should be ended now: a fleet or group that replaces what it loses counts
// a machine that the look does not show alive. If that machine is gone, the target is too high by one, and whatever else
// is ended would be replaced. Machines that are named do not count, and what users give back is ended all the same.
func (r Request) doubted(f Facts, named ...MachineID) map[int]bool {
	alive := map[MachineID]bool{}
	for _, id := range named {
		alive[id] = true
	}
	for _, m := range f.Machines {
		alive[m.ID] = alive[m.ID] || m.Alive()
	}
	keeping := map[int]bool{}
	for _, a := range r.Attempts {
		keeping[a.Number] = a.launchesItself() && a.Order.Keeps && !r.fills(a)
	}
	doubted := map[int]bool{}
	for _, m := range r.Machines {
		if m.Wanted() && keeping[m.Attempt] && !alive[m.ID] {
			doubted[m.Attempt] = true
		}
	}
	return doubted
}

// unreplaced leaves out of a release the machines that might be replaced if they were ended now.
func (r Request) unreplaced(release []MachineID, f Facts) []MachineID {
	doubted := r.doubted(f, release...)
	attempts := map[MachineID]int{}
	for _, m := range r.Machines {
		attempts[m.ID] = m.Attempt
	}
	return slices.DeleteFunc(release, func(id MachineID) bool { return doubted[attempts[id]] })
}

// spares lists the machines that the request can do without. A machine that was handed to its user is never one of them.
func (r Request) spares() []MachineID {
	excess := r.held() - r.Count
	if excess <= 0 {
		return nil
	}
	kept := map[int]bool{} // attempts whose resource would replace what is trimmed
	for _, a := range r.Attempts {
		kept[a.Number] = a.Order.Keeps && r.fills(a)
	}
	var free []Machine
	for _, m := range r.Machines {
		if m.Wanted() && m.DeliveredAt.IsZero() && !kept[m.Attempt] {
			free = append(free, m)
		}
	}
	// Machines that are ready are the last to go; among the others, the heaviest go first.
	slices.SortStableFunc(free, func(a, b Machine) int {
		switch {
		case a.Ready() == b.Ready():
			return cmp.Compare(b.Units(), a.Units())
		case a.Ready():
			return 1
		default:
			return -1
		}
	})
	var spares []MachineID
	for _, m := range free {
		if m.Units() <= excess {
			excess -= m.Units()
			spares = append(spares, m.ID)
		}
	}
	return spares
}
