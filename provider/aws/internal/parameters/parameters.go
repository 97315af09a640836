// Package parameters reads parameters of Systems Manager, which is where image aliases live: one signed call, made with
// the SDK's own signer, credentials and retry rules.
// It refuses to be a client of Systems Manager: the SDK's costs every start of the program more than a millisecond.
package parameters

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	service = "ssm"
	target  = "AmazonSSM.GetParameter"
	// maxAnswer is far above the 8 KiB of the largest parameter.
	maxAnswer = 64 << 10
)

// Client reads parameters of one account and region. Its errors are the SDK's.
type Client struct {
	Config aws.Config
	Now    func() time.Time // the signature holds it
}

// GetParameter returns the value of a parameter. The name may be an ARN, and may end in a version or a label (name:3).
func (c Client) GetParameter(ctx context.Context, name string) (string, error) {
	body, err := json.Marshal(map[string]any{"Name": name})
	if err != nil {
		return "", fmt.Errorf("name of a parameter: %w", err)
	}
	retryer := aws.Retryer(aws.NopRetryer{})
	if c.Config.Retryer != nil {
		retryer = c.Config.Retryer()
	}
	for attempt := 1; ; attempt++ {
		value, err := c.try(ctx, body)
		if err == nil || attempt >= retryer.MaxAttempts() || !retryer.IsErrorRetryable(err) {
			return value, err
		}
		delay, refused := retryer.RetryDelay(attempt, err)
		if refused != nil {
			return "", err
		}
		if wait(ctx, delay) != nil {
			return "", err // which tells more than that time was up
		}
	}
}

func wait(ctx context.Context, delay time.Duration) error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// try makes the call once.
func (c Client) try(ctx context.Context, body []byte) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint(ctx), bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("endpoint of ssm: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", target)
	credentials, err := c.Config.Credentials.Retrieve(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), service, c.Config.Region, c.Now()); err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	response, err := c.Config.HTTPClient.Do(request)
	if err != nil {
		return "", &smithyhttp.RequestSendError{Err: err}
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return "", &smithyhttp.RequestSendError{Err: err}
	}
	if response.StatusCode != http.StatusOK {
		return "", refusal(response, answer)
	}
	var out struct{ Parameter struct{ Value string } }
	if err := json.Unmarshal(answer, &out); err != nil {
		return "", fmt.Errorf("answer of ssm: %w", err)
	}
	return out.Parameter.Value, nil
}

// refusal is the error of an answer, in the SDK's types, so that the same rules judge it as every other.
func refusal(response *http.Response, answer []byte) error {
	var told struct {
		Code    string `json:"__type"` // may have the service in front: com.amazonaws.ssm#ParameterNotFound
		Message string `json:"message"`
	}
	_ = json.Unmarshal(answer, &told) // a proxy's page has no code; its status decides then
	if i := strings.LastIndexByte(told.Code, '#'); i >= 0 {
		told.Code = told.Code[i+1:]
	}
	if told.Code == "" {
		told.Code = fmt.Sprintf("HTTP%d", response.StatusCode)
	}
	fault := smithy.FaultClient
	if response.StatusCode >= http.StatusInternalServerError {
		fault = smithy.FaultServer
	}
	return &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: response},
			Err:      &smithy.GenericAPIError{Code: told.Code, Message: told.Message, Fault: fault},
		},
		RequestID: response.Header.Get("X-Amzn-Requestid"),
	}
}
