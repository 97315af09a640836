package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/figures"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/internal/view"
)

// Watched is what those who watch over the program are told.
type Watched struct {
	Telemetry *telemetry.Instruments                             // counts and traces calls; nil: nobody does
	Figures   func(ctx context.Context) (telemetry.Tally, error) // everything, for Prometheus
	Counted   func(ctx context.Context) (telemetry.Tally, error) // what processes have counted
	Status    func() api.SystemStatus
	Checks    func(ctx context.Context) figures.HealthReport
	Reload    func(ctx context.Context) (api.Reloaded, error)
}

// observedKey is where the context of a call has what is seen of its answer.
type observedKey struct{}

// unknownOperation is counted for calls that no route answers.
const unknownOperation = "none"

// observe gives each call the id that it came with, or one of its own, and counts it.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := telemetry.WithCall(r.Context(), r.Header.Get("X-Request-Id"))
		ctx, answering := s.Watched.Telemetry.Begin(ctx, "rest", unknownOperation, r.Header.Get("Traceparent"))
		w.Header().Set("X-Request-Id", telemetry.CallOf(ctx))
		to := &observed{ResponseWriter: w, status: http.StatusOK, counted: answering}
		defer func() { answering.Ended(outcomeOf(to.status), nil) }()
		next.ServeHTTP(to, r.WithContext(context.WithValue(ctx, observedKey{}, to)))
		if to.lost != nil && !answering.Untimed { // streams end so
			s.Log.InfoContext(ctx, "a caller did not take the whole answer: it hung up, or read too slowly", "path", r.URL.Path, "error", to.lost)
		}
	})
}

// operationKnown tells by which route a call is answered.
func operationKnown(ctx huma.Context) {
	if to, ok := ctx.Context().Value(observedKey{}).(*observed); ok {
		to.counted.Operation = ctx.Operation().OperationID
		to.counted.Untimed = strings.HasPrefix(ctx.Operation().OperationID, "stream")
	}
}

// lost says whether a caller did not take an answer. What was asked for has been done all the same.
func lost(ctx context.Context) bool {
	to, ok := ctx.Value(observedKey{}).(*observed)
	return ok && to.lost != nil
}

// observed sees with which status an answer begins, and whether it could be sent.
type observed struct {
	http.ResponseWriter

	status  int
	begun   bool
	lost    error // why it could not be sent
	counted *telemetry.Answering
}

func (o *observed) WriteHeader(status int) {
	if !o.begun {
		o.status, o.begun = status, true
	}
	o.ResponseWriter.WriteHeader(status)
}

func (o *observed) Write(b []byte) (int, error) {
	o.begun = true
	n, err := o.ResponseWriter.Write(b)
	if err != nil && o.lost == nil && !errors.Is(err, http.ErrBodyNotAllowed) {
		o.lost = err
	}
	return n, err
}

// Unwrap lets streams reach the connection.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// outcomeOf is how a status counts.
func outcomeOf(status int) string {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusBadGateway:
		return telemetry.Outcome(ohfp.ErrDenied)
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return telemetry.Outcome(ohfp.ErrNotFound)
	case http.StatusConflict, http.StatusPreconditionFailed:
		return telemetry.Outcome(ohfp.ErrConflict)
	case http.StatusTooManyRequests:
		return telemetry.OutcomeThrottled
	case http.StatusServiceUnavailable:
		return telemetry.Outcome(ohfp.ErrUnavailable)
	case http.StatusGatewayTimeout:
		return telemetry.Outcome(ohfp.ErrTimeout)
	}
	switch {
	case status < http.StatusBadRequest:
		return telemetry.OutcomeOK
	case status < http.StatusInternalServerError:
		return telemetry.Outcome(ohfp.ErrInvalid)
	default:
		return telemetry.OutcomeInternal
	}
}

type metricsAnswer struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

type statusAnswer struct{ Body api.SystemStatus }

type checksAnswer struct {
	Status int
	Body   figures.HealthReport
}

type reloadAnswer struct{ Body api.Reloaded }

type providerMetricsInput struct {
	ProviderInput
	Timeframe int `query:"timeframe" minimum:"1" maximum:"315360000" default:"86400" doc:"Count the requests of so many seconds"`
}

type providerMetricsAnswer struct{ Body view.ProviderMetrics }

func addWatched(on *surface) {
	s := on.server
	add(on, route{
		Operation: "system.metrics", Method: http.MethodGet, Path: "/metrics", ID: "metrics", Tag: "system",
		Summary: "Figures for Prometheus", Text: "In its text format, version 0.0.4; see docs/monitoring.md.", Produces: telemetry.ContentType,
	},
		func(ctx context.Context, _ *struct{}) (*metricsAnswer, error) {
			t, err := s.Watched.Figures(ctx)
			if err != nil {
				return nil, err
			}
			return &metricsAnswer{ContentType: telemetry.ContentType, Body: telemetry.Exposition(t)}, nil
		})
	add(on, route{
		Operation: "system.status", Method: http.MethodGet, Path: "/api/v1/system/status", ID: "getSystemStatus", Tag: "system",
		Summary: "How the program is that answers",
	},
		func(ctx context.Context, _ *struct{}) (*statusAnswer, error) {
			told := s.Watched.Status()
			if told.Problem = telemetry.Scrub(told.Problem); told.Problem != "" && !callerOf(ctx).Role.Covers(access.Admin) {
				told.Problem = "the last look had a problem; administrators are told which, and the log says it"
			}
			return &statusAnswer{Body: told}, nil
		})
	add(on, route{
		Operation: "system.health", Method: http.MethodGet, Path: "/api/v1/system/health", ID: "getSystemHealth", Tag: "system",
		Summary: "What works and what does not", Text: "Each look with how long it took. 503 when one has failed. It asks no cloud.",
	},
		func(ctx context.Context, _ *struct{}) (*checksAnswer, error) {
			out := &checksAnswer{Status: http.StatusOK, Body: s.Watched.Checks(ctx)}
			for i, check := range out.Body.Checks {
				s.tell(ctx, &out.Body.Checks[i].Detail, "what was looked at", check.Err)
			}
			if !out.Body.Healthy {
				out.Status = http.StatusServiceUnavailable
			}
			return out, nil
		})
	add(on, route{
		Operation: "system.reload", Method: http.MethodPost, Path: "/api/v1/system/reload", ID: "reload", Tag: "system",
		Summary: "Read the configuration again", Text: "Calls under way are finished with the old one. One that is wrong is refused, and the old one stays.",
		Write: true,
	},
		func(ctx context.Context, _ *struct{}) (*reloadAnswer, error) {
			done, err := s.Watched.Reload(ctx)
			return &reloadAnswer{Body: done}, err
		})
	add(on, route{
		Operation: "providers.metrics", Method: http.MethodGet, Path: "/api/v1/providers/{name}/metrics", ID: "getProviderMetrics",
		Tag: "providers", Summary: "What a provider has done and holds, and how calls to its cloud went", Text: "No cloud is asked.",
	},
		func(ctx context.Context, in *providerMetricsInput) (*providerMetricsAnswer, error) {
			if err := s.known(in.Name); err != nil {
				return nil, err
			}
			t, err := s.Watched.Counted(ctx)
			if err != nil {
				return nil, err
			}
			requests, err := s.Queries.Requests(ctx, query.RequestFilter{Type: ohfp.TypeAcquire, Machines: true})
			if err != nil {
				return nil, err
			}
			held, err := s.Queries.Usage(ctx, query.UsageByProvider)
			if err != nil {
				return nil, err
			}
			since := s.Now().Add(-time.Duration(in.Timeframe) * time.Second)
			list := view.NewProviderMetrics([]string{in.Name}, requests, held, t, since)
			return &providerMetricsAnswer{Body: list.Providers[0]}, nil
		})
}
