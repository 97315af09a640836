package awssim

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// apiError is an error as AWS answers it.
type apiError struct {
	Status  int
	Code    string
	Message string
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func errorf(code, format string, args ...any) *apiError {
	return &apiError{Status: statusOf(code), Code: code, Message: fmt.Sprintf(format, args...)}
}

// asAPIError is total: what is no AWS error became one by a defect of the simulator.
func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	return errorf("InternalError", "%s", err)
}

// statusOf returns the HTTP status that EC2 sends with an error code. Lack of capacity is a server error there, which is
// why SDKs retry it.
func statusOf(code string) int {
	switch code {
	case "RequestLimitExceeded", "EC2ThrottledException", "Unavailable", "ServiceUnavailable":
		return http.StatusServiceUnavailable
	case "InternalError", "InternalFailure", "InsufficientInstanceCapacity", "InsufficientCapacity",
		"InsufficientHostCapacity", "InsufficientReservedInstanceCapacity":
		return http.StatusInternalServerError
	case "UnauthorizedOperation", "AccessDenied", "MissingAuthenticationToken", "SignatureDoesNotMatch", "ExpiredToken",
		"InvalidClientTokenId":
		return http.StatusForbidden
	case "AuthFailure":
		return http.StatusUnauthorized
	case "DryRunOperation":
		return http.StatusPreconditionFailed
	default:
		return http.StatusBadRequest
	}
}

// asValidationError is Auto Scaling's one word for whatever is wrong with a call.
func asValidationError(err error) error {
	e := asAPIError(err)
	switch e.Code {
	case "InvalidParameterValue", "MissingParameter", "UnknownParameter", "InvalidParameterCombination", "UnsupportedOperation":
		e.Code = codeValidation
	}
	return e
}

const codeValidation = "ValidationError"

func missingParameter(name string) *apiError {
	return errorf("MissingParameter", "The request must contain the parameter %s", name)
}

func invalidValue(value any, name, why string) *apiError {
	return errorf("InvalidParameterValue", "Value (%v) for parameter %s is invalid. %s", value, name, why)
}

func unsupported(what string) *apiError {
	return errorf("UnsupportedOperation", "%s is not supported by this simulator", what)
}

// notFound words the answer about IDs of one kind that do not exist, as EC2 does: in the singular or the plural.
func notFound(code, kind string, ids []string) *apiError {
	if len(ids) == 1 {
		return errorf(code, "The %s ID '%s' does not exist", kind, ids[0])
	}
	return errorf(code, "The %s IDs '%s' do not exist", kind, strings.Join(ids, ", "))
}

// clip shortens what is repeated in messages and in the ledger.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
