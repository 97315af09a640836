package parameters

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

func client(address string, tries int) Client {
	return Client{
		Config: aws.Config{
			Region: "eu-central-1", BaseEndpoint: aws.String(address), HTTPClient: http.DefaultClient,
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "session"}, nil
			}),
			Retryer: func() aws.Retryer {
				return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = tries, time.Millisecond })
			},
		},
		Now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
	}
}

// serve is a Systems Manager that knows one parameter and fails the first calls with the given answers.
func serve(t *testing.T, first ...string) (address string, calls *atomic.Int32) {
	t.Helper()
	calls = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(calls.Add(1))
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if n <= len(first) {
			w.Header().Set("X-Amzn-Requestid", "request-1")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, first[n-1])
			return
		}
		var in struct{ Name string }
		if err := json.Unmarshal(body, &in); err != nil {
			t.Error(err)
		}
		authorization := r.Header.Get("Authorization")
		switch {
		case r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameter" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1":
			t.Errorf("the call has the headers %v", r.Header)
		case !strings.HasPrefix(authorization, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu-central-1/ssm/aws4_request, "),
			!strings.Contains(authorization, "x-amz-target"), r.Header.Get("X-Amz-Security-Token") != "session":
			t.Errorf("the call is signed with %q", authorization)
		}
		if in.Name != "/site/image:3" {
			w.Header().Set("X-Amzn-Requestid", "request-2")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.ssm#ParameterNotFound","message":"no such thing"}`)
			return
		}
		_, _ = io.WriteString(w, `{"Parameter":{"Name":"/site/image","Type":"String","Value":"ami-1","Version":3}}`)
	}))
	t.Cleanup(server.Close)
	return server.URL, calls
}

func TestGetParameter(t *testing.T) {
	t.Parallel()
	address, _ := serve(t)
	if got, err := client(address, 1).GetParameter(t.Context(), "/site/image:3"); err != nil || got != "ami-1" {
		t.Errorf("the parameter is %q, error %v", got, err)
	}
	_, err := client(address, 3).GetParameter(t.Context(), "/site/other")
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "ParameterNotFound" || refused.ErrorMessage() != "no such thing" {
		t.Errorf("a parameter that does not exist gives %v", err)
	}
	var answered interface{ ServiceRequestID() string }
	if !errors.As(err, &answered) || answered.ServiceRequestID() != "request-2" {
		t.Errorf("the request's id is lost in %v", err)
	}
}

func TestGetParameterTriesAgain(t *testing.T) {
	t.Parallel()
	const throttled = `{"__type":"ThrottlingException","message":"slow down"}`
	address, calls := serve(t, throttled, "<html>bad gateway</html>")
	if got, err := client(address, 3).GetParameter(t.Context(), "/site/image:3"); err != nil || got != "ami-1" || calls.Load() != 3 {
		t.Errorf("after %d calls the parameter is %q, error %v; want it at the third", calls.Load(), got, err)
	}
	address, calls = serve(t, throttled, throttled)
	_, err := client(address, 2).GetParameter(t.Context(), "/site/image:3")
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "ThrottlingException" || calls.Load() != 2 {
		t.Errorf("after %d calls the error is %v; want ThrottlingException after 2", calls.Load(), err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client(address, 5).GetParameter(stopped, "/site/image:3"); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was given up ends with %v", err)
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]string{
		"us-east-1": "https://ssm.us-east-1.amazonaws.com/", "us-gov-west-1": "https://ssm.us-gov-west-1.amazonaws.com/",
		"cn-north-1": "https://ssm.cn-north-1.amazonaws.com.cn/", "us-isob-east-1": "https://ssm.us-isob-east-1.sc2s.sgov.gov/",
		"us-iso-east-1": "https://ssm.us-iso-east-1.c2s.ic.gov/", "eusc-de-east-1": "https://ssm.eusc-de-east-1.amazonaws.eu/",
	} {
		if got := (Client{Config: aws.Config{Region: region}}).endpoint(t.Context()); got != want {
			t.Errorf("the endpoint in %s is %s, want %s", region, got, want)
		}
	}
	config := aws.Config{Region: "us-east-1", ConfigSources: []any{source{fips: aws.FIPSEndpointStateEnabled}}}
	if got := (Client{Config: config}).endpoint(t.Context()); got != "https://ssm-fips.us-east-1.amazonaws.com/" {
		t.Errorf("the FIPS endpoint is %s", got)
	}
	config.ConfigSources = []any{"something else", source{address: "http://localhost:1"}}
	config.BaseEndpoint = aws.String("http://localhost:2")
	if got := (Client{Config: config}).endpoint(t.Context()); got != "http://localhost:1/" {
		t.Errorf("the endpoint of the service's own setting is %s", got)
	}
}

// source is one of the SDK's sources of configuration.
type source struct {
	address string
	fips    aws.FIPSEndpointState
}

func (s source) GetServiceBaseEndpoint(_ context.Context, sdkID string) (string, bool, error) {
	return s.address, s.address != "" && sdkID == "SSM", nil
}

func (s source) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return s.fips, s.fips != aws.FIPSEndpointStateUnset, nil
}
