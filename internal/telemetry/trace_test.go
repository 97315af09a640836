package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/telemetry"
)

// TestLinesTellTheirCall: every line of a call has its id, in either form of the log.
func TestLinesTellTheirCall(t *testing.T) {
	t.Parallel()
	for _, form := range []struct {
		json bool
		want string
	}{{false, "call=abc"}, {true, `"call":"abc"`}} {
		var out bytes.Buffer
		log, _, err := telemetry.Open(telemetry.Options{Console: &out, JSON: form.json})
		if err != nil {
			t.Fatal(err)
		}
		ctx := telemetry.WithCall(t.Context(), "abc")
		log.With("provider", "aws").InfoContext(ctx, "launched", "token", "hunter2")
		line := out.String()
		if !strings.Contains(line, form.want) || strings.Contains(line, "hunter2") || form.json != json.Valid(out.Bytes()) {
			t.Errorf("line = %s, want %s in it", line, form.want)
		}
	}
}

func TestCallIDs(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"job-17", strings.Repeat("a", 128)} {
		if got := telemetry.CallOf(telemetry.WithCall(t.Context(), id)); got != id {
			t.Errorf("id %q became %q", id, got)
		}
	}
	for _, id := range []string{"", "two words", "a\nb", `a"b`, "ü", strings.Repeat("a", 129)} {
		if got := telemetry.CallOf(telemetry.WithCall(t.Context(), id)); len(got) != 32 {
			t.Errorf("id %q became %q, want one of ours", id, got)
		}
	}
}

// collector takes what an OpenTelemetry collector would.
type collector struct {
	bodies chan []byte
	status int
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.WriteHeader(c.status)
	c.bodies <- body
}

func TestExport(t *testing.T) {
	t.Parallel()
	c := &collector{bodies: make(chan []byte, 2), status: http.StatusOK}
	server := httptest.NewServer(c)
	defer server.Close()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var log bytes.Buffer
	tracer := &telemetry.Tracer{Now: func() time.Time { now = now.Add(time.Second); return now }}
	e := &telemetry.Exporter{Tracer: tracer, Endpoint: server.URL, Client: server.Client(), Log: slog.New(slog.NewTextHandler(&log, nil))}
	const call = "0123456789abcdef0123456789abcdef"
	ctx, outer := tracer.Enter(telemetry.WithCall(t.Context(), call), "hostfactory", "")
	inner, launch := tracer.Start(ctx, "provider launch")
	launch.Set("ohfp.provider", "aws")
	tracer.Record(inner, "RunInstances", now, ohfp.Errorf(ohfp.ErrThrottled, "slow down"), [2]string{"rpc.method", "RunInstances"})
	launch.End(errors.New("no"))
	outer.End(nil)
	e.Flush(t.Context())

	var got struct {
		ResourceSpans []struct {
			Resource struct {
				Attributes []struct {
					Key   string
					Value struct{ StringValue string }
				}
			}
			ScopeSpans []struct {
				Spans []struct {
					TraceID, SpanID, ParentSpanID, Name string
					Kind                                int
					StartTimeUnixNano, EndTimeUnixNano  string
					Status                              struct {
						Code    int
						Message string
					}
				}
			}
		}
	}
	if err := json.Unmarshal(<-c.bodies, &got); err != nil {
		t.Fatal(err)
	}
	resource := got.ResourceSpans[0]
	if a := resource.Resource.Attributes[0]; a.Key != "service.name" || a.Value.StringValue != "ohfp" {
		t.Errorf("the resource is %+v", resource.Resource)
	}
	spans := resource.ScopeSpans[0].Spans
	if len(spans) != 3 {
		t.Fatalf("spans = %+v", spans)
	}
	run, provider, root := spans[0], spans[1], spans[2]
	if root.TraceID != call || run.TraceID != call || root.ParentSpanID != "" || provider.ParentSpanID != root.SpanID || run.ParentSpanID != provider.SpanID {
		t.Errorf("the spans do not hang together: %+v", spans)
	}
	if run.Kind != 3 || provider.Kind != 1 || root.Kind != 2 || run.Status.Code != 2 || !strings.Contains(run.Status.Message, "slow down") || root.Status.Code != 0 {
		t.Errorf("kinds or statuses are wrong: %+v", spans)
	}
	if len(root.StartTimeUnixNano) != 19 || root.StartTimeUnixNano >= root.EndTimeUnixNano {
		t.Errorf("times are %s to %s", root.StartTimeUnixNano, root.EndTimeUnixNano)
	}

	// A collector that takes nothing costs a line in the log.
	c.status = http.StatusServiceUnavailable
	_, span := tracer.Start(context.Background(), "lost")
	span.End(nil)
	e.Flush(t.Context())
	if !strings.Contains(log.String(), "traces not sent") || len(tracer.Ended()) != 0 {
		t.Errorf("log = %s", log.String())
	}
}

func TestTraceparent(t *testing.T) {
	t.Parallel()
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for header, want := range map[string]int{ // 1: followed, 0: not recorded, -1: a trace of its own
		"00-" + trace + "-" + parent + "-01":                   1,
		"01-" + trace + "-" + parent + "-01-more":              1,
		"00-" + trace + "-" + parent + "-00":                   0,
		"":                                                     -1,
		"00-" + trace + "-" + parent + "-01-more":              -1,
		"ff-" + trace + "-" + parent + "-01":                   -1,
		"00-" + strings.Repeat("0", 32) + "-" + parent + "-01": -1,
		"00-" + trace + "-" + strings.Repeat("0", 16) + "-01":  -1,
		"00-" + strings.ToUpper(trace) + "-" + parent + "-01":  -1,
		"00-" + trace[1:] + "x-" + parent + "-01":              -1,
	} {
		tracer := &telemetry.Tracer{Now: time.Now}
		_, span := tracer.Enter(t.Context(), "x", header)
		span.End(nil)
		got := -1
		if spans := tracer.Ended(); len(spans) == 0 {
			got = 0
		} else if spans[0].TraceID() == trace {
			got = 1
		}
		if got != want {
			t.Errorf("traceparent %q: %d, want %d", header, got, want)
		}
	}
	var off *telemetry.Tracer
	ctx, span := off.Enter(t.Context(), "x", "00-"+trace+"-"+parent+"-01")
	span.Set("a", "b")
	span.End(nil)
	off.Record(ctx, "y", time.Time{}, nil)
}

func FuzzTraceparent(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Add("00---")
	f.Fuzz(func(t *testing.T, header string) {
		tracer := &telemetry.Tracer{Now: time.Now}
		_, span := tracer.Enter(t.Context(), "x", header)
		span.End(nil)
		for _, s := range tracer.Ended() {
			if len(s.TraceID()) != 32 || s.TraceID() == strings.Repeat("0", 32) {
				t.Errorf("%q leads to the trace %s", header, s.TraceID())
			}
		}
	})
}
