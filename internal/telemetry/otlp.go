package telemetry

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/version"
)

const (
	// exportEvery is how often a program that stays sends its spans.
	exportEvery = 5 * time.Second
	// exportWithin is what one sending may take: a script waits for it before it ends.
	exportWithin = 2 * time.Second
	tracesPath   = "/v1/traces"
)

// Exporter sends spans to a collector over OTLP/HTTP in its JSON encoding. What the collector does not take is lost: no
// call waits for it, and none fails.
type Exporter struct {
	Tracer   *Tracer
	Endpoint string // of the collector; without a path, /v1/traces is meant
	Client   *http.Client
	Log      *slog.Logger
}

// CheckEndpoint refuses what is no place to send to.
func CheckEndpoint(endpoint string) error {
	at, err := url.Parse(endpoint)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" || at.User != nil {
		return ohfp.Errorf(ohfp.ErrInvalid, "telemetry.traces.endpoint is %q; give the collector as http://host:4318 or https://host/path", endpoint)
	}
	return nil
}

// Run sends again and again until ctx ends.
func (e *Exporter) Run(ctx context.Context) {
	ticker := time.NewTicker(exportEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			e.Flush(ctx)
		}
	}
}

// Flush sends what has ended.
func (e *Exporter) Flush(ctx context.Context) {
	spans, lost := e.Tracer.take()
	if len(spans) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exportWithin)
	defer cancel()
	if err := e.send(ctx, spans); err != nil {
		e.Log.WarnContext(ctx, "traces not sent", "spans", len(spans)+lost, "error", err)
	} else if lost > 0 {
		e.Log.WarnContext(ctx, "more was traced than could be sent", "lost", lost)
	}
}

func (e *Exporter) send(ctx context.Context, spans []Span) error {
	body, err := json.Marshal(document(spans))
	if err != nil {
		return err
	}
	endpoint := strings.TrimRight(e.Endpoint, "/")
	if at, err := url.Parse(endpoint); err == nil && at.Path == "" {
		endpoint += tracesPath
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := e.Client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	const enough = 4 << 10
	text, _ := io.ReadAll(io.LimitReader(answer.Body, enough)) // it only explains
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %s: %s", endpoint, answer.Status, text)
	}
	return nil
}

// The types below are the JSON encoding of ExportTraceServiceRequest: ids in hexadecimal, nanoseconds as text.
type (
	otlpRequest struct {
		ResourceSpans []otlpResourceSpans `json:"resourceSpans"`
	}
	otlpResourceSpans struct {
		Resource   otlpResource     `json:"resource"`
		ScopeSpans []otlpScopeSpans `json:"scopeSpans"`
	}
	otlpResource struct {
		Attributes []otlpAttribute `json:"attributes"`
	}
	otlpScopeSpans struct {
		Scope otlpScope  `json:"scope"`
		Spans []otlpSpan `json:"spans"`
	}
	otlpScope struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	otlpSpan struct {
		TraceID    string          `json:"traceId"`
		SpanID     string          `json:"spanId"`
		ParentID   string          `json:"parentSpanId,omitempty"`
		Name       string          `json:"name"`
		Kind       int             `json:"kind"`
		Start      string          `json:"startTimeUnixNano"`
		End        string          `json:"endTimeUnixNano"`
		Attributes []otlpAttribute `json:"attributes,omitempty"`
		Status     otlpStatus      `json:"status"`
	}
	otlpAttribute struct {
		Key   string    `json:"key"`
		Value otlpValue `json:"value"`
	}
	otlpValue struct {
		Text string `json:"stringValue"`
	}
	otlpStatus struct {
		Code    int    `json:"code,omitempty"`
		Message string `json:"message,omitempty"`
	}
)

// Numbers of the protocol: SpanKind and StatusCode.
const (
	kindInternal = 1
	kindServer   = 2
	kindClient   = 3
	statusError  = 2
)

func document(spans []Span) otlpRequest {
	host, _ := os.Hostname() // one without a name tells none
	of := [][2]string{
		{"service.name", "ohfp"},
		{"service.version", version.Current().Version},
		{"service.instance.id", host + "/" + strconv.Itoa(os.Getpid())},
		{"host.name", host},
	}
	list := make([]otlpSpan, len(spans))
	for i, s := range spans {
		list[i] = otlpSpan{
			TraceID: s.TraceID(), SpanID: hex.EncodeToString(s.ID[:]), Name: s.Name, Kind: kindInternal,
			Start: nanoseconds(s.Began), End: nanoseconds(s.Ended), Attributes: attributes(s.Attributes),
		}
		switch {
		case s.Server:
			list[i].Kind = kindServer
		case s.Client:
			list[i].Kind = kindClient
		}
		if s.Parent != [8]byte{} {
			list[i].ParentID = hex.EncodeToString(s.Parent[:])
		}
		if s.Problem != "" {
			list[i].Status = otlpStatus{Code: statusError, Message: s.Problem}
		}
	}
	return otlpRequest{ResourceSpans: []otlpResourceSpans{{
		Resource: otlpResource{Attributes: attributes(of)},
		ScopeSpans: []otlpScopeSpans{{
			Scope: otlpScope{Name: "github.com/openhostfactory/ohfp", Version: version.Current().Version}, Spans: list,
		}},
	}}}
}

func attributes(list [][2]string) []otlpAttribute {
	out := make([]otlpAttribute, len(list))
	for i, a := range list {
		out[i] = otlpAttribute{Key: a[0], Value: otlpValue{Text: a[1]}}
	}
	return out
}

func nanoseconds(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }
