package telemetry

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxSpans bounds the spans that wait to be sent. What comes beyond that is lost and counted.
const maxSpans = 4096

// Tracer makes spans and keeps those that have ended until they are sent. A nil Tracer makes none, at the cost of one
// comparison.
type Tracer struct {
	Now func() time.Time

	mutex sync.Mutex
	ended []Span
	lost  int
}

// Span is one piece of work with a beginning and an end, as OpenTelemetry has it. A nil Span takes everything and tells
// nothing.
type Span struct {
	Trace      [16]byte
	ID, Parent [8]byte
	Name       string
	Began      time.Time
	Ended      time.Time
	Attributes [][2]string
	Server     bool   // answers a caller
	Client     bool   // calls another program
	Problem    string // why it failed

	tracer *Tracer
}

// spanKey is where a context has the span that is under way.
type spanKey struct{}

func spanOf(ctx context.Context) *Span {
	span, _ := ctx.Value(spanKey{}).(*Span)
	return span
}

// Enter begins the answer to a caller. A traceparent as the W3C's Trace Context has it says which trace it belongs to;
// one that is not well formed, or that asks not to be recorded, is followed in that.
func (t *Tracer) Enter(ctx context.Context, name, traceparent string) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	trace, parent, sampled, ok := parseTraceparent(traceparent)
	if ok && !sampled {
		return ctx, nil
	}
	span := t.begin(ctx, name)
	span.Server = true
	if ok {
		span.Trace, span.Parent = trace, parent
	}
	return context.WithValue(ctx, spanKey{}, span), span
}

// Start begins a part of what is under way in a context, or of the call that it is about.
func (t *Tracer) Start(ctx context.Context, name string) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	span := t.begin(ctx, name)
	return context.WithValue(ctx, spanKey{}, span), span
}

// Record tells of a call to another program that has ended.
func (t *Tracer) Record(ctx context.Context, name string, began time.Time, err error, attributes ...[2]string) {
	if t == nil {
		return
	}
	span := t.begin(ctx, name)
	span.Began, span.Client, span.Attributes = began, true, attributes
	span.End(err)
}

func (t *Tracer) begin(ctx context.Context, name string) *Span {
	span := &Span{Name: name, Began: t.Now(), tracer: t}
	_, _ = rand.Read(span.ID[:]) // it does not return on a system without random numbers
	if parent := spanOf(ctx); parent != nil {
		span.Trace, span.Parent = parent.Trace, parent.ID
		return span
	}
	span.Trace = traceOf(CallOf(ctx))
	return span
}

// traceOf is the trace of a call: its id, if that could be one. What nobody has asked for gets a trace of its own.
func traceOf(call string) (trace [16]byte) {
	if call == "" {
		_, _ = rand.Read(trace[:])
		return trace
	}
	if id, err := hex.DecodeString(call); err == nil && len(id) == len(trace) {
		copy(trace[:], id)
		return trace
	}
	digest := sha256.Sum256([]byte(call))
	copy(trace[:], digest[:])
	return trace
}

// Set adds an attribute.
func (s *Span) Set(key, value string) {
	if s != nil && value != "" {
		s.Attributes = append(s.Attributes, [2]string{key, value})
	}
}

// End ends the span. It is called once.
func (s *Span) End(err error) {
	if s == nil {
		return
	}
	s.Ended = s.tracer.Now()
	if err != nil {
		s.Problem = err.Error()
		s.Set("error.type", Outcome(err))
	}
	t := s.tracer
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if len(t.ended) >= maxSpans {
		t.lost++
		return
	}
	t.ended = append(t.ended, *s)
}

// TraceID is the trace, in hexadecimal.
func (s *Span) TraceID() string { return hex.EncodeToString(s.Trace[:]) }

// Ended returns the spans that have ended and were not sent yet.
func (t *Tracer) Ended() []Span {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return slices.Clone(t.ended)
}

// take returns the spans that have ended, and how many were lost since it was last called.
func (t *Tracer) take() ([]Span, int) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	ended, lost := t.ended, t.lost
	t.ended, t.lost = nil, 0
	return ended, lost
}

// parseTraceparent reads 00-<32 hex>-<16 hex>-<flags>, and what later versions append to it.
func parseTraceparent(header string) (trace [16]byte, parent [8]byte, sampled, ok bool) {
	fields := strings.Split(header, "-")
	if len(fields) < 4 || len(fields[0]) != 2 || fields[0] == "ff" || fields[0] == "00" && len(fields) != 4 ||
		len(fields[1]) != 2*len(trace) || len(fields[2]) != 2*len(parent) || len(fields[3]) != 2 || header != strings.ToLower(header) {
		return trace, parent, false, false
	}
	var version, flags [1]byte
	for to, from := range map[*[1]byte]string{&version: fields[0], &flags: fields[3]} {
		if _, err := hex.Decode(to[:], []byte(from)); err != nil {
			return trace, parent, false, false
		}
	}
	if _, err := hex.Decode(trace[:], []byte(fields[1])); err != nil {
		return trace, parent, false, false
	}
	if _, err := hex.Decode(parent[:], []byte(fields[2])); err != nil {
		return trace, parent, false, false
	}
	ok = trace != [16]byte{} && binary.BigEndian.Uint64(parent[:]) != 0
	return trace, parent, flags[0]&1 == 1, ok
}
