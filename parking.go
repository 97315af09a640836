package ohfp

import "time"

// Park stores the intent to stop the machine until it is wanted again. The machine stays its user's and keeps counting:
// nothing is launched in its place. Only a delivered machine can be parked, and not a spot machine.
func (m *Machine) Park(by string, now time.Time) ([]Event, error) {
	switch {
	case !m.inHand() || m.Ending != "" || !m.Alive():
		return nil, Errorf(ErrConflict, "machine %s is %s and in nobody's hands; only a machine that was delivered can be stopped", m.ID, orUnknown(m.State))
	case m.Lifecycle == Spot:
		return nil, Errorf(ErrInvalid, "machine %s is a spot machine, which clouds do not stop; give it back instead", m.ID)
	case !m.ParkedAt.IsZero():
		return nil, nil
	}
	m.ParkedAt = now
	return []Event{m.orderEvent("to be stopped by ", by, now)}, nil
}

// Unpark withdraws the intent to stop the machine.
func (m *Machine) Unpark(by string, now time.Time) ([]Event, error) {
	if m.Ending != "" || !m.Alive() {
		return nil, Errorf(ErrConflict, "machine %s is %s and cannot be started", m.ID, orUnknown(m.State))
	}
	if m.ParkedAt.IsZero() {
		return nil, nil
	}
	m.ParkedAt = time.Time{}
	return []Event{m.orderEvent("to be started by ", by, now)}, nil
}

func (m *Machine) orderEvent(what, by string, now time.Time) Event {
	event := m.event(MachineChanged, now, what+by)
	event.Actor = by
	return event
}

// KeptBy is the fleet or group that would replace the machine if it were stopped, empty when nothing would. Callers of
// Park ask it first.
func (r Request) KeptBy(m Machine) string {
	for _, a := range r.Attempts {
		if a.Order.Keeps && a.Resource != "" && a.Resource == m.Resource {
			return a.Resource
		}
	}
	return ""
}
