package figures

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/guard"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/provider"
)

// HealthReport is whether an installation does its work, look by look.
type HealthReport struct {
	Healthy bool    `json:"healthy"` // no look has failed
	Checks  []Check `json:"checks"`
}

// Check is one look.
type Check struct {
	Check   string  `json:"check"`
	Status  string  `json:"status"` // ok, warning or failed
	Latency float64 `json:"latencyMs"`
	Detail  string  `json:"detail,omitempty"` // one sentence
	Err     error   `json:"-"`                // why it failed, which Detail says
}

// How a look can end.
const (
	StatusOK      = "ok"
	StatusWarning = "warning" // it works, and somebody should look
	StatusFailed  = "failed"
)

// Look makes one look and adds what it found. An error fails it, a remark beside it is a warning.
func (h *HealthReport) Look(name string, now func() time.Time, look func() (detail, warning string, err error)) {
	began := now()
	detail, warning, err := look()
	c := Check{Check: name, Status: StatusOK, Detail: detail, Latency: math.Round(now().Sub(began).Seconds()*1e6) / 1e3}
	switch {
	case err != nil:
		c.Status, c.Detail, c.Err, h.Healthy = StatusFailed, err.Error(), err, false
	case warning != "":
		c.Status, c.Detail = StatusWarning, warning
	}
	h.Checks = append(h.Checks, c)
}

// probeFor is how long what a look writes into the memory would stay, were it not removed.
const probeFor = time.Minute

// Health looks at everything but the clouds.
func (f *Figures) Health(ctx context.Context, memory provider.Memory) HealthReport {
	h := HealthReport{Healthy: true}
	h.Look("store read", f.Now, func() (string, string, error) {
		found, err := f.Records.Inspect(ctx)
		return fmt.Sprintf("%s: %s, %d not settled, %s alive", found.Strategy, ohfp.Count(found.Requests, "request"), found.Unsettled, ohfp.Count(found.Live, "machine")), "", err
	})
	h.Look("store write", f.Now, func() (string, string, error) {
		const key = "health/probe"
		if err := memory.Remember(ctx, key, []byte{1}, probeFor); err != nil {
			return "", "", err
		}
		return "", "", memory.Forget(ctx, key)
	})
	h.Look("templates", f.Now, func() (string, string, error) {
		list, problems, err := f.Queries.TemplateList(ctx)
		warning := ""
		if len(problems) > 0 {
			warning = fmt.Sprintf("%s, the first: %s", ohfp.Count(len(problems), "problem"), problems[0])
		}
		return ohfp.Count(len(list), "template"), warning, err
	})
	h.Look("requests", f.Now, func() (string, string, error) { return f.overdue(ctx) })
	h.Look("orphans", f.Now, func() (string, string, error) {
		found, err := f.Queries.Orphans(ctx)
		switch {
		case err != nil || len(found.Orphans) == 0:
			return "none was seen", "", err
		case found.Held != "":
			return "", found.Held, nil
		default:
			return "", fmt.Sprintf("%d that nobody answers for; see ohfp orphans list", len(found.Orphans)), nil
		}
	})
	h.Look("circuit breakers", f.Now, func() (string, string, error) {
		failing, err := guard.Circuits(ctx, f.Memory, f.Now())
		if err != nil || len(failing) == 0 {
			return "none is open", "", err
		}
		c := failing[0]
		return "", fmt.Sprintf("provider %s: %s fails since %s: %s", c.Provider, c.Operation, c.Since.UTC().Format(time.RFC3339), c.Last), nil
	})
	if len(f.Sinks) > 0 {
		h.Look("events", f.Now, func() (string, string, error) { return f.behind(ctx) })
	}
	return h
}

// overdue tells of requests that have not ended although their time is up, and of machines that do not end.
func (f *Figures) overdue(ctx context.Context) (detail, warning string, err error) {
	t := telemetry.Tally{}
	if err := f.open(ctx, t); err != nil {
		return "", "", err
	}
	if err := f.machines(ctx, t); err != nil {
		return "", "", err
	}
	late, lasting := 0.0, 0.0
	for series, value := range t {
		switch series.Metric {
		case telemetry.RequestsOverdue:
			late += value
		case telemetry.EndsOverdue:
			lasting += value
		default:
		}
	}
	if late+lasting > 0 {
		warning = fmt.Sprintf("%g requests are open past their time, %g machines exist %s after their end was decided", late, lasting, endWithin)
	}
	return "none is late", warning, nil
}

// manyEvents is how far behind a sink is that somebody should look at.
const manyEvents = 1000

// behind tells of sinks that do not take their events.
func (f *Figures) behind(ctx context.Context) (detail, warning string, err error) {
	t := telemetry.Tally{}
	if err := f.waiting(ctx, t); err != nil {
		return "", "", err
	}
	for series, value := range t {
		if value > manyEvents {
			warning = fmt.Sprintf("%g events wait for sink %s", value, series.Values()[0])
		}
	}
	return ohfp.Count(len(f.Sinks), "sink"), warning, nil
}
