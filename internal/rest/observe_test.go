package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp/internal/figures"
	"github.com/openhostfactory/ohfp/internal/telemetry"
)

func TestCallsAreCountedAndNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.call(http.MethodGet, "/api/v1/templates/nothing", "", "X-Request-Id", "job-17")
	if got := a.Header.Get("X-Request-Id"); got != "job-17" {
		t.Errorf("X-Request-Id = %q, want the caller's own", got)
	}
	first := w.call(http.MethodGet, "/api/v1/templates", "").Header.Get("X-Request-Id")
	second := w.call(http.MethodGet, "/api/v1/templates", "", "X-Request-Id", "two words").Header.Get("X-Request-Id")
	if len(first) != 32 || len(second) != 32 || first == second {
		t.Errorf("ids that we make are %q and %q", first, second)
	}
	w.call(http.MethodGet, "/nowhere", "")
	a = w.call(http.MethodGet, "/metrics", "")
	if got := a.Header.Get("Content-Type"); got != telemetry.ContentType {
		t.Errorf("Content-Type = %q", got)
	}
	for _, want := range []string{
		`ohfp_calls_total{face="rest",operation="getTemplate",outcome="not_found"} 1`,
		`ohfp_calls_total{face="rest",operation="listTemplates",outcome="ok"} 2`,
		`ohfp_calls_total{face="rest",operation="none",outcome="not_found"} 1`,
		`ohfp_call_duration_seconds_count{face="rest",operation="listTemplates"} 2`,
		`ohfp_store_up 1`,
	} {
		if !strings.Contains(a.Text, want+"\n") {
			t.Errorf("/metrics lacks %s:\n%s", want, a.Text)
		}
	}
}

func TestTracesGoOnFromTheCaller(t *testing.T) {
	t.Parallel()
	tracer := &telemetry.Tracer{}
	w := newWorld(t, func(w *world) {
		tracer.Now = w.clock.Now
		w.server.Watched.Telemetry.Tracer = tracer
	})
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	w.call(http.MethodGet, "/api/v1/templates", "", "Traceparent", "00-"+trace+"-"+parent+"-01")
	w.call(http.MethodGet, "/api/v1/templates", "", "Traceparent", "00-"+trace+"-"+parent+"-00")
	spans := tracer.Ended()
	if len(spans) != 1 || spans[0].TraceID() != trace || spans[0].Name != "rest listTemplates" || !spans[0].Server {
		t.Fatalf("spans = %+v, want one of the caller's trace", spans)
	}
}

func TestHealthThatFailsIs503(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) {
		looks := w.server.Watched.Checks
		w.server.Watched.Checks = func(ctx context.Context) figures.HealthReport {
			h := looks(ctx)
			if !h.Healthy || len(h.Checks) < 4 {
				t.Errorf("health of an empty store = %+v", h)
			}
			h.Look("disk", w.clock.Now, func() (string, string, error) { return "", "", errors.New("it is full") })
			return h
		}
	})
	a := w.call(http.MethodGet, "/api/v1/system/health", "")
	var h figures.HealthReport
	if err := json.Unmarshal([]byte(a.Text), &h); err != nil || a.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("health: %s, %v: %s", a.Status, err, a.Text)
	}
	if last := h.Checks[len(h.Checks)-1]; h.Healthy || last.Status != figures.StatusFailed || last.Detail != "it is full" {
		t.Errorf("health = %+v", h)
	}
}
