package guard

import (
	"context"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/provider"
)

// Measured counts and times the operations of a provider, and tells traces of them. All fields are required.
type Measured struct {
	provider.Provider
	Name string // the provider instance's
	With *telemetry.Instruments
}

var (
	_ provider.Provider = (*Measured)(nil)
	_ provider.Wrapper  = (*Measured)(nil)
)

const opTerminate = "terminate"

// Unwrap returns the provider that is measured. Its optional capabilities are reached past it; the calls that they make
// are counted by [Measured.Called].
func (m *Measured) Unwrap() provider.Provider { return m.Provider }

// Prepare resolves an ask.
func (m *Measured) Prepare(ctx context.Context, ask provider.Ask) (ohfp.Order, error) {
	return measured(ctx, m, opPrepare, func(ctx context.Context, span *telemetry.Span) (ohfp.Order, error) {
		span.Set("ohfp.request_id", string(ask.Request))
		span.Set("ohfp.template_id", string(ask.Template.ID))
		return m.Provider.Prepare(ctx, ask)
	})
}

// Launch carries out an order.
func (m *Measured) Launch(ctx context.Context, order ohfp.Order) (provider.Launched, error) {
	return measured(ctx, m, opLaunch, func(ctx context.Context, span *telemetry.Span) (provider.Launched, error) {
		span.Set("ohfp.api", order.API)
		span.Set("ohfp.order", order.Token)
		return m.Provider.Launch(ctx, order)
	})
}

// Observe looks at machines.
func (m *Measured) Observe(ctx context.Context, scopes []provider.Scope) (provider.Observation, error) {
	return measured(ctx, m, opObserve, func(ctx context.Context, span *telemetry.Span) (provider.Observation, error) {
		if len(scopes) == 1 {
			span.Set("ohfp.request_id", string(scopes[0].Request))
		}
		return m.Provider.Observe(ctx, scopes)
	})
}

// Terminate ends machines.
func (m *Measured) Terminate(ctx context.Context, machines []ohfp.Machine, targets []ohfp.ResourceTarget) ([]provider.Ended, error) {
	return measured(ctx, m, opTerminate, func(ctx context.Context, span *telemetry.Span) ([]provider.Ended, error) {
		if len(machines) > 0 {
			span.Set("ohfp.request_id", string(machines[0].Request))
		}
		return m.Provider.Terminate(ctx, machines, targets)
	})
}

// Retire removes a resource.
func (m *Measured) Retire(ctx context.Context, resource string) error {
	_, err := measured(ctx, m, opRetire, func(ctx context.Context, span *telemetry.Span) (struct{}, error) {
		span.Set("ohfp.resource", resource)
		return struct{}{}, m.Provider.Retire(ctx, resource)
	})
	return err
}

// Owned lists machines by their tags.
func (m *Measured) Owned(ctx context.Context, filter provider.OwnedFilter) (provider.Observation, error) {
	return measured(ctx, m, opOwned, func(ctx context.Context, _ *telemetry.Span) (provider.Observation, error) {
		return m.Provider.Owned(ctx, filter)
	})
}

func measured[T any](ctx context.Context, m *Measured, operation string, call func(context.Context, *telemetry.Span) (T, error)) (T, error) {
	began := m.With.Now()
	ctx, span := m.With.Tracer.Start(ctx, "provider "+operation)
	span.Set("ohfp.provider", m.Name)
	out, err := call(ctx, span)
	m.With.Meter.Count(telemetry.ProviderOperations, 1, m.Name, operation, telemetry.Outcome(err))
	m.With.Meter.Observe(telemetry.ProviderSeconds, elapsed(m.With, began), m.Name, operation)
	span.End(err)
	return out, err
}

// Called returns what is told of each call that a provider instance makes to its cloud.
func Called(name string, with *telemetry.Instruments) func(ctx context.Context, c provider.Call) {
	return func(ctx context.Context, c provider.Call) {
		with.Meter.Count(telemetry.CloudCalls, 1, name, c.Operation, telemetry.Outcome(c.Err))
		with.Meter.Observe(telemetry.CloudSeconds, c.Took, name, c.Operation)
		with.Tracer.Record(ctx, c.Operation, with.Now().Add(-c.Took), c.Err,
			[2]string{"ohfp.provider", name}, [2]string{"rpc.system", "cloud-api"}, [2]string{"rpc.method", c.Operation})
	}
}

// elapsed is how long something has taken.
func elapsed(with *telemetry.Instruments, began time.Time) time.Duration {
	return with.Now().Sub(began)
}
