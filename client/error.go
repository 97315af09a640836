package client

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
)

// Error is a failure that the server has told of. [errors.Is] finds its kind, for example [ohfp.ErrNotFound].
type Error struct{ api.Problem }

// Error is the server's sentence.
func (e *Error) Error() string { return e.Detail }

// Unwrap is the kind of the failure, nil when it has none.
func (e *Error) Unwrap() error { return kinds()[e.Code] }

// kinds are those of the codes. A caller's own lack of rights is as much a denial as the cloud's.
func kinds() map[string]error {
	return map[string]error{
		"invalid_input":          ohfp.ErrInvalid,
		"idempotency_key_reused": ohfp.ErrInvalid,
		"too_large":              ohfp.ErrInvalid,
		"not_found":              ohfp.ErrNotFound,
		"conflict":               ohfp.ErrConflict,
		"changed":                ohfp.ErrConflict,
		"over_limit":             ohfp.ErrLimit,
		noCapacity:               ohfp.ErrCapacity,
		"throttled":              ohfp.ErrThrottled,
		"too_many_requests":      ohfp.ErrThrottled,
		"unauthenticated":        ohfp.ErrDenied,
		"denied":                 ohfp.ErrDenied,
		"cloud_denied":           ohfp.ErrDenied,
		"unavailable":            ohfp.ErrUnavailable,
		"timed_out":              ohfp.ErrTimeout,
	}
}

const noCapacity = "no_capacity"

// again says whether the call may be made once more. What was refused because of its rate was not carried out. A request for
// which the cloud has no machines has ended, and would end so however often its key came back.
func (e *Error) again(a call) bool {
	switch e.Status {
	case http.StatusTooManyRequests:
		return true
	case http.StatusServiceUnavailable:
		return a.safe() && e.Code != noCapacity
	default:
		return false
	}
}

// failure reads an answer that is none. It may be from a proxy, which knows nothing of problems.
func failure(response *http.Response) *Error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxProblem)) // what was read of it must do
	e := &Error{}
	if json.Unmarshal(body, &e.Problem) == nil && e.Detail != "" && e.Status == response.StatusCode {
		return e
	}
	text := strings.TrimSpace(string(body))
	if line, _, more := strings.Cut(text, "\n"); more {
		text = line
	}
	const enough = 200 // bytes that tell people where an answer is from
	text = strings.ToValidUTF8(text[:min(len(text), enough)], "")
	e.Problem = api.Problem{Title: http.StatusText(response.StatusCode), Status: response.StatusCode, Detail: response.Status}
	if text != "" {
		e.Detail += ": " + text
	}
	return e
}
