package ohfp

import "time"

// EndMachines stores the intent to end machines of the request. A machine that is gone, or is to end already, stays as it is.
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

// EndAccepted records that a provider accepted the order to end machines, with the states that it told. A request is in
// progress from its first accepted machine on.
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

// Recover takes back that machines are gone, because looks that are far enough apart show them. They are ended, for the
// reason for which they were to end if they had one.
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
