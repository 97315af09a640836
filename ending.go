package ohfp

import "time"

// EndMachines stores the intent to end machines of the request. Machines that are gone or already have a reason keep it.
func (r *Request) EndMachines(ids []MachineID, reason Reason, now time.Time) []Event {
	chosen := make(map[MachineID]bool, len(ids))
	for _, id := range ids {
		chosen[id] = true
	}
	var events []Event
	for i := range r.Machines {
		m := &r.Machines[i]
		if chosen[m.ID] && m.Ending == "" && !m.Gone() {
			m.End(reason, now)
			events = append(events, m.event(MachineEnding, now, string(reason)))
		}
	}
	return events
}

// EndAccepted records that a provider accepted the order to end machines, and the states that it told. A return or a
// release is under way from its first accepted machine on.
func (r *Request) EndAccepted(provider string, states map[MachineID]MachineState, now time.Time) []Event {
	var events []Event
	for i := range r.Machines {
		m := &r.Machines[i]
		state, ok := states[m.ID]
		if !ok || m.Provider != provider {
			continue
		}
		m.EndAccepted = now
		r.EndTrouble = ""
		if before := m.State; before != state && m.Become(state, now) == nil {
			events = append(events, m.event(stateEvent(state), now, string(state)+", was "+orUnknown(before)))
		}
	}
	if r.Status == StatusPending && len(states) > 0 {
		// The move from pending to in progress is always legal.
		changed, _ := r.Become(StatusInProgress, "", now)
		events = append(events, changed...)
	}
	return events
}

// Recover takes back that machines are gone, because looks that are far enough apart show them: they are ended, for the
// reason that they were to end for, if there was one.
func (r *Request) Recover(seen []Machine, reason Reason, now time.Time) []Event {
	shown := make(map[MachineID]Machine, len(seen))
	for _, m := range seen {
		shown[m.ID] = m
	}
	var events []Event
	for i := range r.Machines {
		m := &r.Machines[i]
		sighting, ok := shown[m.ID]
		if !ok || sighting.Provider != m.Provider || !m.Gone() || !sighting.Alive() {
			continue
		}
		m.State, m.StateReason, m.TerminatedAt, m.EndAccepted = sighting.State, "", time.Time{}, time.Time{}
		events = append(events, m.event(MachineRecovered, now, string(m.State)+", was taken for gone"))
		if m.Ending == "" {
			m.End(reason, now)
			events = append(events, m.event(MachineEnding, now, string(reason)))
		}
	}
	return events
}

// TakeIn records a fleet or group that bears the request and that its record lacks. That it replaces what it loses is not
// known any more; to hold it to a target is right either way.
func (r *Request) TakeIn(seen ResourceFacts, now time.Time) {
	r.takeIn(seen.Resource, Order{Async: true, Keeps: true, Retires: true, Target: seen.Target}, now)
}

// TakeInSource records what a machine came from, where the record lacks it and it launches nothing by itself, so that it
// is removed when its machines are gone.
func (r *Request) TakeInSource(m Machine, now time.Time) {
	r.takeIn(m.Resource, Order{Retires: true}, now)
}

func (r *Request) takeIn(resource string, order Order, now time.Time) {
	if resource == "" {
		return
	}
	for _, a := range r.Attempts {
		if a.Resource == resource {
			return
		}
	}
	r.Attempts = append(r.Attempts, Attempt{
		Number: len(r.Attempts) + 1, Order: order, IntendedAt: now, CalledAt: now, AnsweredAt: now, Resource: resource,
	})
}
