package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/telemetry"
)

// Problem is a failure as it is answered.
type Problem struct{ api.Problem }

// Error is the sentence.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is what huma answers with.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return problemJSON }

const (
	problemJSON = "application/problem+json"
	explained   = "https://github.com/openhostfactory/ohfp/blob/main/docs/errors.md"
)

// code is what a kind of failure is over HTTP.
type code struct {
	kind   error
	name   string
	status int
}

// codes is the one table from kinds to statuses. Denied is the cloud's refusal of this program's identity, which is
// nothing that the caller of this face can change; a caller's own lack of rights is an [access.Refusal].
func codes() []code {
	return []code{
		{ohfp.ErrInvalid, "invalid_input", http.StatusBadRequest},
		{ohfp.ErrNotFound, "not_found", http.StatusNotFound},
		{ohfp.ErrConflict, "conflict", http.StatusConflict},
		{ohfp.ErrLimit, "over_limit", http.StatusUnprocessableEntity},
		{ohfp.ErrCapacity, "no_capacity", http.StatusServiceUnavailable},
		{ohfp.ErrThrottled, "throttled", http.StatusServiceUnavailable},
		{ohfp.ErrDenied, "cloud_denied", http.StatusBadGateway},
		{ohfp.ErrUnavailable, "unavailable", http.StatusServiceUnavailable},
		{ohfp.ErrTimeout, "timed_out", http.StatusGatewayTimeout},
	}
}

// problemOf turns a failure into an answer. What has no kind is a defect of this program, whose words are for its log.
func (s *Server) problemOf(ctx context.Context, err error) *Problem {
	var known *Problem
	if errors.As(err, &known) {
		return known
	}
	var refusal *access.Refusal
	if errors.As(err, &refusal) {
		return newProblem(http.StatusForbidden, "denied", refusal.Error())
	}
	kind := ohfp.KindOf(err)
	list := codes()
	i := slices.IndexFunc(list, func(c code) bool { return c.kind == kind })
	switch {
	case i >= 0:
	case errors.Is(err, context.DeadlineExceeded):
		return s.problemOf(ctx, ohfp.Errorf(ohfp.ErrTimeout, "the call took too long; see how things stand before it is made again"))
	default:
		s.Log.ErrorContext(ctx, "internal error in an answer", "error", err)
		return newProblem(http.StatusInternalServerError, "internal_error", "internal error")
	}
	p := newProblem(list[i].status, list[i].name, telemetry.Scrub(err.Error()))
	p.Retry = ohfp.Retryable(err)
	return p
}

// sentence is what a caller may read of an error.
func sentence(err error) string {
	if ohfp.KindOf(err) == nil {
		return "internal error"
	}
	return telemetry.Scrub(err.Error())
}

// tell puts an error of the store, or of a look at the program, into an answer in the place of its text. Such errors have the
// words of drivers, with addresses, users and paths: they are for administrators and the log; others are told what it means.
func (s *Server) tell(ctx context.Context, text *string, what string, err error) {
	if err == nil {
		return
	}
	s.Log.WarnContext(ctx, "a caller was told of a failure", "of", what, "error", err)
	if callerOf(ctx).Role.Covers(access.Admin) {
		*text = telemetry.Scrub(err.Error())
		return
	}
	*text = what + " " + meaning(err) + "; administrators are told why, and the log says it under call " + telemetry.CallOf(ctx)
}

// meaning is what a kind of failure says about what was looked at.
func meaning(err error) string {
	switch ohfp.KindOf(err) {
	case ohfp.ErrUnavailable:
		return "was not reached, or failed"
	case ohfp.ErrTimeout:
		return "did not answer in time"
	case ohfp.ErrDenied:
		return "refuses this program"
	case ohfp.ErrThrottled:
		return "is asked too often"
	case ohfp.ErrInvalid:
		return "is not set up as it should be"
	case ohfp.ErrNotFound:
		return "is not there"
	case ohfp.ErrConflict:
		return "is in use by another program"
	default:
		return "has failed"
	}
}

func newProblem(status int, code, detail string) *Problem {
	return &Problem{api.Problem{Type: explained, Title: http.StatusText(status), Status: status, Code: code, Detail: detail}}
}

// statusCodes names the failures that are found before a command or query is asked.
func statusCode(status int) string {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return "invalid_input"
	case http.StatusUnauthorized:
		return "unauthenticated"
	case http.StatusForbidden:
		return "denied"
	case http.StatusNotFound:
		return "not_found"
	case http.StatusMethodNotAllowed:
		return "method_not_allowed"
	case http.StatusNotAcceptable:
		return "not_acceptable"
	case http.StatusRequestTimeout:
		return "timed_out"
	case http.StatusRequestEntityTooLarge:
		return "too_large"
	case http.StatusUnsupportedMediaType:
		return "unsupported_media_type"
	default:
		return "internal_error"
	}
}

// fromHuma gives what the framework finds wrong our form.
func fromHuma(_ huma.Context, _ string, v any) (any, error) {
	model, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := newProblem(model.Status, statusCode(model.Status), model.Detail)
	for _, e := range model.Errors {
		if e != nil {
			p.Errors = append(p.Errors, api.Defect{Location: e.Location, Message: e.Message})
		}
	}
	if len(p.Errors) > 0 {
		first := p.Errors[0]
		p.Detail = first.Message
		if first.Location != "" {
			p.Detail = first.Location + ": " + first.Message
		}
	}
	return p, nil
}

// survive answers a call that met a defect of this program, which must not end the others. The framework throws also when an
// answer cannot be sent, which is none.
func (s *Server) survive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			to, _ := w.(*observed)
			if cause == nil || to != nil && to.lost != nil {
				return
			}
			if cause == http.ErrAbortHandler { //nolint:errorlint // it is a value that is thrown
				panic(cause)
			}
			s.Log.ErrorContext(r.Context(), "internal error in an answer", "path", r.URL.Path, "error", cause, "stack", string(debug.Stack()))
			if to != nil && to.begun {
				panic(http.ErrAbortHandler) // nobody is to take the half that was sent for the whole
			}
			newProblem(http.StatusInternalServerError, "internal_error", "internal error").write(w)
		}()
		next.ServeHTTP(w, r)
	})
}

// write answers with the problem outside of any operation.
func (p *Problem) write(w http.ResponseWriter) {
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte(`{}`) // strings and numbers always encode
	}
	w.Header().Set("Content-Type", problemJSON)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // the caller may have gone
}
