package query

import (
	"context"
	"fmt"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Machines lists machines in the order of launch.
func (q *Queries) Machines(ctx context.Context, filter MachineFilter) ([]ohfp.Machine, error) {
	machines, err := q.Store.Machines(ctx, filter)
	if err != nil {
		return nil, fmt.Errorf("list machines: %w", err)
	}
	return machines, nil
}

// recommended is the time that a recommendation to replace a machine, which names none, is taken to leave: a warning
// of two minutes may follow it at any moment. Maintenance without a date gets no more.
const recommended = 2 * time.Minute

// Reclaimed lists the machines that are taken back, or have been taken back, from users who still have to hear of it:
// neither given back nor ended by us. Only machines among known are listed, unless known is empty: a list that names
// nothing is no evidence. A machine that is gone and whose host name a live machine bears now is left out, since its user
// would give back the live one.
func (q *Queries) Reclaimed(ctx context.Context, known []Named) ([]Reclaimed, error) {
	noticed, err := q.Store.Machines(ctx, store.MachineFilter{Noticed: true})
	if err != nil {
		return nil, fmt.Errorf("list machines that are taken back: %w", err)
	}
	named := among(known)
	var taken []ohfp.Machine
	var gone []string
	for _, m := range noticed {
		if m.DeliveredAt.IsZero() || !m.Kept() || !q.tells(m.Notice) || !named(m) {
			continue
		}
		taken = append(taken, m)
		if m.Gone() {
			gone = append(gone, m.Name)
		}
	}
	borne, err := q.borne(ctx, gone)
	if err != nil {
		return nil, err
	}
	now := q.Now()
	var reclaimed []Reclaimed
	for _, m := range taken {
		if !m.Gone() || !borne[m.Name] {
			reclaimed = append(reclaimed, Reclaimed{
				Machine: m.ID, Name: m.Name, Kind: m.Notice.Kind, Grace: grace(m, now), Reason: m.Notice.Text,
			})
		}
	}
	return reclaimed, nil
}

// tells says whether users are told of a notice now: a drain when it is the machine's turn, a recommendation when the
// operator wants it.
func (q *Queries) tells(n ohfp.Notice) bool {
	switch n.Kind {
	case ohfp.NoticeRebalance:
		return q.Rebalance
	case ohfp.NoticeDrain:
		return !n.Due.IsZero()
	default:
		return true
	}
}

// grace is the time left, never below 0.
func grace(m ohfp.Machine, now time.Time) time.Duration {
	due := m.Notice.Due
	if due.IsZero() {
		due = m.Notice.AnnouncedAt.Add(recommended)
	}
	if m.Gone() {
		return 0
	}
	return max(due.Sub(now), 0)
}

// among says which machines a caller means: by id where it gives one, else by name, and all when it names none.
func among(known []Named) func(m ohfp.Machine) bool {
	ids, names := map[ohfp.MachineID]bool{}, map[string]bool{}
	for _, n := range known {
		if n.ID != "" {
			ids[n.ID] = true
		} else {
			names[n.Name] = true
		}
	}
	return func(m ohfp.Machine) bool { return len(known) == 0 || ids[m.ID] || names[m.Name] && m.Name != "" }
}

// borne says which of the names live machines bear.
func (q *Queries) borne(ctx context.Context, names []string) (map[string]bool, error) {
	borne := map[string]bool{}
	if len(names) == 0 {
		return borne, nil
	}
	bearers, err := q.Store.Machines(ctx, store.MachineFilter{Names: names, States: []ohfp.MachineState{
		ohfp.MachinePending, ohfp.MachineRunning, ohfp.MachineStopping, ohfp.MachineStopped,
	}})
	if err != nil {
		return nil, fmt.Errorf("list machines by name: %w", err)
	}
	for _, m := range bearers {
		borne[m.Name] = true
	}
	return borne, nil
}
