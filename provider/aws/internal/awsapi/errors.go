package awsapi

import (
	"context"
	"errors"
	"net/url"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/openhostfactory/ohfp"
)

// Fail turns an error of the SDK into one of this program's, with AWS's own code, sentence and request id.
func Fail(operation string, err error) error {
	cloud := &ohfp.CloudError{Operation: operation, Err: err}
	status := 0
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		cloud.RequestID = response.ServiceRequestID()
		status = response.HTTPStatusCode()
	}
	var unsigned *credentialsError
	var refusal smithy.APIError
	var broken *url.Error
	switch {
	// First, because a role that cannot be assumed is an error of the API too.
	case errors.As(err, &unsigned):
		cloud.Kind, cloud.Message = ohfp.ErrUnavailable, unsigned.Error()
	case errors.As(err, &refusal):
		cloud.Code, cloud.Message = refusal.ErrorCode(), refusal.ErrorMessage()
		cloud.Kind = kindOfCode(cloud.Code, cloud.Message, status)
		if isCredentials(cloud.Code) || cloud.Code == "AuthFailure" && errors.Is(cloud.Kind, ohfp.ErrUnavailable) {
			cloud.Message += "; " + mendCredentials
		}
	case errors.Is(err, context.DeadlineExceeded):
		cloud.Kind, cloud.Message = ohfp.ErrTimeout, "AWS did not answer in time"
	case errors.Is(err, context.Canceled):
		cloud.Kind, cloud.Message = ohfp.ErrUnavailable, "interrupted before AWS answered"
	case errors.As(err, &broken):
		cloud.Kind, cloud.Message = ohfp.ErrUnavailable, "AWS cannot be reached: "+broken.Err.Error()
	default:
		cloud.Kind, cloud.Message = ohfp.ErrUnavailable, err.Error()
	}
	return cloud
}

// Refused makes the error of a refusal that came inside a successful answer, as instant fleets tell theirs.
func Refused(operation, code, message, requestID string) error {
	return &ohfp.CloudError{
		Kind: kindOfCode(code, message, 0), Operation: operation, Code: code, Message: message, RequestID: requestID,
	}
}

// Code is the error code of AWS in err, empty when there is none.
func Code(err error) string {
	var cloud *ohfp.CloudError
	if errors.As(err, &cloud) {
		return cloud.Code
	}
	return ""
}

const mendCredentials = "mend the credentials of this provider (environment, profile, credential_file, instance role); the request waits"

// credentialsError says that no credentials were at hand to sign a call with.
type credentialsError struct{ cause error }

func (e *credentialsError) Error() string {
	return "no valid credentials: " + innermost(e.cause) + "; " + mendCredentials
}

func (e *credentialsError) Unwrap() error { return e.cause }

// innermost is the text of the cause that says most in fewest words: AWS's refusal where there is one, else the last of
// the chain.
func innermost(err error) string {
	var refusal smithy.APIError
	if errors.As(err, &refusal) {
		return refusal.ErrorCode() + ": " + refusal.ErrorMessage()
	}
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}
