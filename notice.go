package ohfp

import (
	"fmt"
	"time"
)

// NoticeKind says who takes a machine back, and how surely.
type NoticeKind string

// The kinds of notices.
const (
	NoticeSpot        NoticeKind = "spot-interruption" // the cloud ends it at the time due
	NoticeStateChange NoticeKind = "state-change"      // it ends or has ended, and we did not end it
	NoticeDrain       NoticeKind = "drain"             // an operator wants it back
	NoticeMaintenance NoticeKind = "maintenance"       // the cloud stops, restarts or retires it at the time due
	NoticeRebalance   NoticeKind = "rebalance"         // the cloud may soon interrupt it
)

// NoticeKinds lists the kinds, the most certain first.
func NoticeKinds() []NoticeKind {
	return []NoticeKind{NoticeSpot, NoticeStateChange, NoticeDrain, NoticeMaintenance, NoticeRebalance}
}

// certainty orders kinds: a notice yields only to one that is at least as certain, in whatever order they arrive.
func (k NoticeKind) certainty() int {
	for i, kind := range NoticeKinds() {
		if k == kind {
			return len(NoticeKinds()) - i
		}
	}
	return 0
}

// Notice says that a machine is taken back from its user: by the cloud, or by an operator. The zero value is none.
type Notice struct {
	Kind        NoticeKind `json:"kind,omitempty"`
	AnnouncedAt time.Time  `json:"announcedAt,omitzero"` // by the clock of who announced it, but never ahead of ours
	Due         time.Time  `json:"due,omitzero"`         // when the machine will be taken; zero: unknown, of a drain: it waits for its turn
	Text        string     `json:"text,omitempty"`       // one sentence for people
	Actor       string     `json:"actor,omitempty"`      // who ordered a drain

	// Of a drain only.
	Grace    time.Duration `json:"grace,omitempty"`    // from its turn until it is due
	Parallel int           `json:"parallel,omitempty"` // machines of the same order that may be taken at once; 0: all
	Force    bool          `json:"force,omitempty"`    // we give it back ourselves once it is due
}

// Noticed says whether the machine is being taken back: a notice stands, and the machine is still there or its user has not
// given it back yet.
func (m Machine) Noticed() bool {
	return m.Notice.Kind != "" && (!m.Gone() || !m.DeliveredAt.IsZero() && m.Kept())
}

// Kept says whether nobody has given the machine back or decided to end it, whatever became of it.
func (m Machine) Kept() bool { return m.Ending == "" && m.Return == "" }

// Notify stores a notice about the machine and returns its event. One that does not say when it was announced counts as
// announced now, unless it is known already. A notice that is less certain than the one that stands, or says the same,
// changes nothing; neither does one about a machine that is gone or that we are ending.
func (m *Machine) Notify(n Notice, now time.Time) []Event {
	if !m.Kept() || m.Gone() {
		return nil
	}
	if n.AnnouncedAt.IsZero() {
		if n.Kind == m.Notice.Kind && n.Due.Equal(m.Notice.Due) {
			return nil
		}
		n.AnnouncedAt = now
	}
	n = n.bounded(now)
	if n.Kind.certainty() == 0 || !n.replaces(m.Notice) {
		return nil
	}
	if told := m.Notice; n.Kind == told.Kind && n.Due.Equal(told.Due) {
		m.Notice.AnnouncedAt = n.AnnouncedAt // the same news again, which is no event
		return nil
	}
	m.Notice = n
	event := m.event(MachineNoticed, now, n.String())
	event.Actor = n.Actor
	return []Event{event}
}

// replaces says whether a notice is worth more than the one that stands. That depends on what they say and not on which
// arrived first.
func (n Notice) replaces(stands Notice) bool {
	if n.Kind != stands.Kind {
		return n.Kind.certainty() > stands.Kind.certainty()
	}
	switch n.Kind {
	case NoticeSpot:
		return n.Due.Before(stands.Due) // several sources tell of one interruption, each by its clock
	case NoticeMaintenance, NoticeRebalance:
		return n.AnnouncedAt.After(stands.AnnouncedAt) // dates are moved
	default:
		return false // the first order stands, and a machine ends once
	}
}

// bounded corrects a notice from a clock that is ahead of ours, which would promise more time than there is.
func (n Notice) bounded(now time.Time) Notice {
	if ahead := n.AnnouncedAt.Sub(now); ahead > 0 {
		n.AnnouncedAt = now
		if n.Kind == NoticeSpot && !n.Due.IsZero() {
			n.Due = n.Due.Add(-ahead)
		}
	}
	return n
}

// String is the notice as a sentence.
func (n Notice) String() string {
	text := string(n.Kind)
	if n.Text != "" {
		text += ": " + n.Text
	}
	if !n.Due.IsZero() {
		text += ", due " + n.Due.UTC().Format(time.RFC3339)
	}
	return text
}

// Admit gives a machine that waits to be drained its turn: it is due after its grace.
func (m *Machine) Admit(now time.Time) []Event {
	if m.Notice.Kind != NoticeDrain || !m.Notice.Due.IsZero() {
		return nil
	}
	m.Notice.Due = now.Add(m.Notice.Grace)
	event := m.event(MachineNoticed, now, fmt.Sprintf("its turn to be drained, due %s", m.Notice.Due.UTC().Format(time.RFC3339)))
	event.Actor = m.Notice.Actor
	return []Event{event}
}

// Withdraw takes back a notice of a kind. A machine that its user has given back since stays given back.
func (m *Machine) Withdraw(kind NoticeKind, actor string, now time.Time) []Event {
	if m.Notice.Kind != kind || m.Gone() || !m.Kept() {
		return nil
	}
	m.Notice = Notice{}
	event := m.event(MachineUnnoticed, now, string(kind))
	event.Actor = actor
	return []Event{event}
}

// lost records that a machine in its user's hands is gone although nobody here ended it. The change of state is the event
// that tells of it.
func (m *Machine) lost(now time.Time) {
	if !m.Gone() || m.DeliveredAt.IsZero() || !m.Kept() || m.Notice.Kind.certainty() > NoticeStateChange.certainty() {
		return
	}
	m.Notice = Notice{Kind: NoticeStateChange, AnnouncedAt: now, Due: now, Text: m.StateReason}
}
