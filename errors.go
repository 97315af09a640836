package ohfp

import (
	"errors"
	"fmt"
	"time"
)

// The kinds of failure. Every error that leaves a package of this module wraps at most one of them, so that each edge
// (exit code, HTTP status, MCP error, Host Factory message) needs one table only. An error without a kind is internal.
var (
	// ErrInvalid: the caller's input or a template is wrong; asking again unchanged cannot help.
	ErrInvalid = errors.New("invalid")
	// ErrNotFound: the thing named does not exist here.
	ErrNotFound = errors.New("not found")
	// ErrConflict: somebody else changed the record, or the thing is in a state that forbids this.
	ErrConflict = errors.New("conflict")
	// ErrLimit: a limit that the operator configured would be exceeded.
	ErrLimit = errors.New("over the limit")
	// ErrCapacity: the cloud has too few of these machines now, or an account quota is used up; another offering or a
	// later attempt may succeed.
	ErrCapacity = errors.New("no capacity")
	// ErrThrottled: the cloud refused the call because of its rate; nothing was done.
	ErrThrottled = errors.New("throttled")
	// ErrDenied: the identity in use is not allowed to do this.
	ErrDenied = errors.New("denied")
	// ErrUnavailable: the cloud or the store could not be reached or failed, or no valid credentials were at hand; the
	// outcome of a call is unknown.
	ErrUnavailable = errors.New("unavailable")
	// ErrTimeout: the time allowed ran out; the outcome of a call is unknown.
	ErrTimeout = errors.New("timed out")
)

// Kinds lists every kind in the order in which [KindOf] looks for them.
func Kinds() []error {
	return []error{
		ErrInvalid, ErrNotFound, ErrConflict, ErrLimit, ErrCapacity, ErrThrottled, ErrDenied, ErrTimeout, ErrUnavailable,
	}
}

// KindOf returns the kind that err wraps, or nil when it has none and therefore is internal.
func KindOf(err error) error {
	for _, kind := range Kinds() {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}

// Retryable says whether the same call may succeed later without anybody changing anything.
func Retryable(err error) bool {
	switch KindOf(err) {
	case ErrCapacity, ErrThrottled, ErrUnavailable, ErrTimeout:
		return true
	default:
		return false
	}
}

// OutcomeUnknown says whether the cloud may have carried out the call that failed with err.
// Such a call is repeated with its own token; anything else would launch twice.
func OutcomeUnknown(err error) bool {
	if err == nil {
		return false
	}
	switch KindOf(err) {
	case ErrThrottled, ErrUnavailable, ErrTimeout, nil:
		return true
	default:
		return false
	}
}

type kindError struct {
	kind  error
	cause error
}

func (e *kindError) Error() string   { return e.cause.Error() }
func (e *kindError) Unwrap() []error { return []error{e.kind, e.cause} }

// Errorf formats an error of the given kind. The text is shown to people as it is: lower case, subject first, ending
// with what to do. %w wraps a cause as in [fmt.Errorf].
func Errorf(kind error, format string, args ...any) error {
	return &kindError{kind: kind, cause: fmt.Errorf(format, args...)}
}

// CloudError is a refusal by a cloud, with the cloud's own words kept for the people who must act on it.
type CloudError struct {
	Kind      error  // one of the kinds above, nil when the code is not known
	Operation string // the API call, for example RunInstances
	Code      string // the cloud's error code, for example InsufficientInstanceCapacity
	Message   string // the cloud's sentence
	RequestID string // the cloud's id of the call, for its support
	Err       error  // the transport's or SDK's error
}

// Error is the operation, the code and the cloud's sentence.
func (e *CloudError) Error() string {
	text := e.Operation
	cause := ""
	if e.Message == "" && e.Err != nil {
		cause = e.Err.Error()
	}
	for _, part := range []string{e.Code, e.Message, cause} {
		if part == "" {
			continue
		}
		if text != "" {
			text += ": "
		}
		text += part
	}
	if e.RequestID != "" {
		text += " (request id " + e.RequestID + ")"
	}
	return text
}

// Unwrap yields the kind and the cause.
func (e *CloudError) Unwrap() []error {
	var wrapped []error
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			wrapped = append(wrapped, err)
		}
	}
	return wrapped
}

// PacedError says that a call was put off to keep to the cloud's rate. It was not made: nothing was done.
type PacedError struct {
	Call string    // the API call
	At   time.Time // when it may be made; of a call that can be made in parts, when the next one may
	Done time.Time // when all of its parts may be made; zero: not known, or there is one only
}

// Error says when to try again.
func (e *PacedError) Error() string {
	return e.Call + " is put off to keep to the cloud's rate; it may be made at " + e.At.UTC().Format(time.TimeOnly) + " UTC"
}

// Unwrap yields the kind.
func (e *PacedError) Unwrap() error { return ErrThrottled }
