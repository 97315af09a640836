package figures

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/store"
)

// batchSize is how many events are counted at once.
const batchSize = 1000

// CountEvents counts what has happened since it was last counted in this work directory, whoever brought it about. The
// first time it begins with the oldest event that the store has.
func (f *Figures) CountEvents(ctx context.Context) error {
	for more := true; more; {
		err := f.Book.Advance(string(f.Installation), func(position int64) (telemetry.Tally, int64, error) {
			events, err := f.Records.Events(ctx, store.EventFilter{After: position, Limit: batchSize})
			if err != nil {
				return nil, position, fmt.Errorf("read events: %w", err)
			}
			more = len(events) == batchSize
			if len(events) == 0 {
				return f.settle(ctx, position)
			}
			counted, err := f.tally(ctx, events)
			return counted, events[len(events)-1].Sequence, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// settle goes back to the newest event of a store that was put back to an earlier state: what it brings from then on counts.
func (f *Figures) settle(ctx context.Context, position int64) (telemetry.Tally, int64, error) {
	if position == 0 {
		return nil, 0, nil
	}
	found, err := f.Records.Inspect(ctx)
	if err != nil {
		return nil, position, fmt.Errorf("find the newest event: %w", err)
	}
	return nil, min(position, found.Sequence), nil
}

// tally counts events. Of requests and machines that are no longer recorded it counts what the event itself tells.
func (f *Figures) tally(ctx context.Context, events []ohfp.Event) (telemetry.Tally, error) {
	requests, err := f.requestsOf(ctx, events)
	if err != nil {
		return nil, err
	}
	noticed, err := f.noticed(ctx, events)
	if err != nil {
		return nil, err
	}
	m := telemetry.NewMeter()
	for _, e := range events {
		r, known := requests[e.Request]
		switch e.Kind {
		case ohfp.RequestCreated:
			m.Count(telemetry.RequestsMade, 1, string(e.Request.Type()), e.Provider)
		case ohfp.RequestChanged:
			if known && r.Status.Terminal() && e.At.Equal(r.CompletedAt) {
				m.Count(telemetry.RequestsEnded, 1, string(r.Type), string(r.Status), r.Provider)
				m.Observe(telemetry.RequestSeconds, r.CompletedAt.Sub(r.CreatedAt), string(r.Type), r.Provider)
			}
		case ohfp.MachineLaunched, ohfp.MachineAdopted:
			m.Count(telemetry.MachinesLaunched, 1, e.Provider, string(e.Template))
		case ohfp.MachineDelivered:
			if known {
				m.Observe(telemetry.ProvisionSeconds, e.At.Sub(r.CreatedAt), e.Provider, string(e.Template))
			}
		case ohfp.MachineGone:
			m.Count(telemetry.MachinesGone, 1, e.Provider, string(e.Template))
		case ohfp.MachineRecovered:
			m.Count(telemetry.MachinesRecovered, 1, e.Provider, string(e.Template))
		case ohfp.AttemptRefused:
			m.Count(telemetry.LaunchesRefused, 1, e.Provider, e.Code)
		case ohfp.EndRefused:
			m.Count(telemetry.EndsRefused, 1, e.Provider, e.Code)
		case ohfp.MachineNoticed:
			m.Count(telemetry.Interruptions, 1, e.Provider, string(noticed[e.Machine]))
		default: // no figure
		}
	}
	return m.Take(), nil
}

// requestsOf reads the requests of which more than the event is needed.
func (f *Figures) requestsOf(ctx context.Context, events []ohfp.Event) (map[ohfp.RequestID]ohfp.Request, error) {
	ids := map[ohfp.RequestID]bool{}
	for _, e := range events {
		if e.Kind == ohfp.RequestChanged || e.Kind == ohfp.MachineDelivered {
			ids[e.Request] = true
		}
	}
	found := map[ohfp.RequestID]ohfp.Request{}
	if len(ids) == 0 {
		return found, nil
	}
	list, err := f.Records.Requests(ctx, store.RequestFilter{IDs: slices.Collect(maps.Keys(ids))})
	if err != nil {
		return nil, fmt.Errorf("read requests: %w", err)
	}
	for _, r := range list {
		found[r.ID] = r
	}
	return found, nil
}

// noticed tells by which kind of notice machines are taken back, by their records.
func (f *Figures) noticed(ctx context.Context, events []ohfp.Event) (map[ohfp.MachineID]ohfp.NoticeKind, error) {
	var ids []ohfp.MachineID
	for _, e := range events {
		if e.Kind == ohfp.MachineNoticed {
			ids = append(ids, e.Machine)
		}
	}
	kinds := map[ohfp.MachineID]ohfp.NoticeKind{}
	if len(ids) == 0 {
		return kinds, nil
	}
	list, err := f.Records.Machines(ctx, store.MachineFilter{IDs: ids})
	if err != nil {
		return nil, fmt.Errorf("read machines: %w", err)
	}
	for _, m := range list {
		kinds[m.ID] = m.Notice.Kind
	}
	return kinds, nil
}
