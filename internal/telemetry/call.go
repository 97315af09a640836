package telemetry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
)

// callKey is where a context has the id of the call that it is about.
type callKey struct{}

// NewCallID makes an id for a call: 32 hexadecimal digits, which are also the id of its trace.
func NewCallID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // it does not return on a system without random numbers
	return hex.EncodeToString(id[:])
}

// WithCall says which call a context is about: every line logged with it tells. What no log should have in a line makes
// no id; another is made then.
func WithCall(ctx context.Context, id string) context.Context {
	const longest = 128
	if len(id) > longest || !clean(id) || strings.ContainsAny(id, " \"\\") {
		id = NewCallID()
	}
	return context.WithValue(ctx, callKey{}, id)
}

// CallOf is the id of the call that a context is about, empty for what nobody has asked for.
func CallOf(ctx context.Context) string {
	id, _ := ctx.Value(callKey{}).(string)
	return id
}

// Instruments are what a program tells about its work with, besides its log. Nil tells nothing.
type Instruments struct {
	Meter  *Meter
	Tracer *Tracer
	Now    func() time.Time
}

// Answering is a call that is being answered.
type Answering struct {
	Face      string
	Operation string // may be set until the end
	Untimed   bool   // it lasts as long as its caller wants

	with  *Instruments
	span  *Span
	began time.Time
}

// Begin begins the answer to a caller. Traceparent is the trace that came with the call, empty for one of its own.
func (i *Instruments) Begin(ctx context.Context, face, operation, traceparent string) (context.Context, *Answering) {
	if CallOf(ctx) == "" {
		ctx = WithCall(ctx, NewCallID())
	}
	a := &Answering{Face: face, Operation: operation, with: i}
	if i == nil {
		return ctx, a
	}
	a.began = i.Now()
	ctx, a.span = i.Tracer.Enter(ctx, face, traceparent)
	a.span.Set("ohfp.call_id", CallOf(ctx))
	return ctx, a
}

// End counts the call.
func (a *Answering) End(err error) { a.Ended(Outcome(err), err) }

// Ended counts the call with an outcome that is more than its error tells.
func (a *Answering) Ended(outcome string, err error) {
	if a.with == nil {
		return
	}
	a.with.Meter.Count(Calls, 1, a.Face, a.Operation, outcome)
	if !a.Untimed {
		a.with.Meter.Observe(CallSeconds, a.with.Now().Sub(a.began), a.Face, a.Operation)
	}
	if a.span != nil {
		a.span.Name += " " + a.Operation
	}
	a.span.Set("ohfp.face", a.Face)
	a.span.Set("ohfp.operation", a.Operation)
	a.span.Set("ohfp.outcome", outcome)
	a.span.End(err)
}

// Outcome is how an error counts: the kind with _ for blanks.
func Outcome(err error) string {
	switch kind := ohfp.KindOf(err); {
	case err == nil:
		return OutcomeOK
	case kind != nil:
		return strings.ReplaceAll(kind.Error(), " ", "_")
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timed_out"
	default:
		return OutcomeInternal
	}
}

// correlated adds to each line which call it is about, and which trace where that is not the same.
type correlated struct{ slog.Handler }

func (h correlated) Handle(ctx context.Context, r slog.Record) error {
	call := CallOf(ctx)
	if call != "" {
		r.AddAttrs(slog.String("call", call))
	}
	if span := spanOf(ctx); span != nil && span.TraceID() != call {
		r.AddAttrs(slog.String("trace", span.TraceID()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h correlated) WithAttrs(attrs []slog.Attr) slog.Handler {
	return correlated{h.Handler.WithAttrs(attrs)}
}

func (h correlated) WithGroup(name string) slog.Handler { return correlated{h.Handler.WithGroup(name)} }
