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
