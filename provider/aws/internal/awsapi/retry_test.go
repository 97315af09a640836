package awsapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"

	"github.com/openhostfactory/ohfp"
)

// answers is EC2 as a list of what it says to one call after the other.
type answers struct {
	EC2
	errs  []error
	calls int
}

func (a *answers) next() error {
	a.calls++
	if a.calls > len(a.errs) {
		return nil
	}
	return a.errs[a.calls-1]
}

func (a *answers) DescribeInstances(context.Context, *ec2.DescribeInstancesInput, ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	return &ec2.DescribeInstancesOutput{}, a.next()
}

func (a *answers) CreateLaunchTemplate(context.Context, *ec2.CreateLaunchTemplateInput, ...func(*ec2.Options)) (*ec2.CreateLaunchTemplateOutput, error) {
	return &ec2.CreateLaunchTemplateOutput{}, nil
}

func said(code, message string) error { return &smithy.GenericAPIError{Code: code, Message: message} }

func (a *answers) api(tries int) API {
	return API{
		Connect: func(context.Context) (Clients, error) { return Clients{EC2: a, Region: "us-east-1"}, nil },
		Retry:   &Retry{Tries: tries, Now: time.Now, Sleep: Sleep},
		Pacer:   process(newMemory()),
	}
}

func TestRetryByKind(t *testing.T) {
	t.Parallel()
	throttled, unavailable := said("RequestLimitExceeded", "Request limit exceeded."), said("RequestTimeout", "try again")
	for name, test := range map[string]struct {
		errs  []error
		tries int
		calls int
		kind  error
	}{
		"works":                  {nil, 3, 1, nil},
		"throttled once":         {[]error{throttled}, 3, 2, nil},
		"throttled always":       {[]error{throttled, throttled, throttled, throttled}, 3, 3, ohfp.ErrThrottled},
		"unavailable":            {[]error{unavailable, unavailable}, 3, 3, nil},
		"a broken line":          {[]error{io.ErrUnexpectedEOF, fmt.Errorf("send: %w", &httpTimeout{})}, 3, 2, ohfp.ErrUnavailable},
		"one try":                {[]error{unavailable}, 1, 1, ohfp.ErrUnavailable},
		"as many as usual":       {[]error{unavailable, unavailable, unavailable}, 0, 3, ohfp.ErrUnavailable},
		"no capacity":            {[]error{said("InsufficientInstanceCapacity", "none")}, 3, 1, ohfp.ErrCapacity},
		"denied":                 {[]error{said("UnauthorizedOperation", "no")}, 3, 1, ohfp.ErrDenied},
		"invalid":                {[]error{said("InvalidParameterValue", "no")}, 3, 1, ohfp.ErrInvalid},
		"unknown to EC2":         {[]error{said("InvalidLaunchTemplateName.NotFoundException", "no launch template old")}, 3, 1, ohfp.ErrNotFound},
		"not yet known to EC2":   {[]error{said("InvalidLaunchTemplateName.NotFoundException", "no launch template new-1")}, 3, 2, nil},
		"credentials that ended": {[]error{said("ExpiredToken", "expired")}, 3, 1, ohfp.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cloud := &answers{errs: test.errs}
				api := cloud.api(test.tries)
				if _, err := api.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("new-1")}); err != nil {
					t.Fatal(err)
				}
				_, err := api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
				if cloud.calls != test.calls || !errors.Is(ohfp.KindOf(err), test.kind) && ohfp.KindOf(err) != test.kind {
					t.Errorf("%d calls and %v, want %d and kind %v", cloud.calls, err, test.calls, test.kind)
				}
			})
		})
	}
}

type httpTimeout struct{}

func (*httpTimeout) Error() string   { return "handshake" }
func (*httpTimeout) Timeout() bool   { return false }
func (*httpTimeout) Temporary() bool { return false }

// TestNewThingsAgeToo: what EC2 does not know a minute after it was made is not there.
func TestNewThingsAgeToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cloud := &answers{errs: []error{said("InvalidFleetId.NotFound", "fleet-1")}}
		api := cloud.api(3)
		api.Retry.note(aws.String("fleet-1"))
		time.Sleep(showsWithin + time.Second)
		if _, err := api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{}); !errors.Is(err, ohfp.ErrNotFound) || cloud.calls != 1 {
			t.Errorf("%d calls, %v", cloud.calls, err)
		}
	})
}

// TestNoTimeForAnotherTry: a pause that the caller has no time for is not begun.
func TestNoTimeForAnotherTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cloud := &answers{errs: []error{said("RequestTimeout", "busy"), said("RequestTimeout", "busy"), said("RequestTimeout", "busy")}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		defer cancel()
		began := time.Now()
		if _, err := cloud.api(3).DescribeInstances(ctx, &ec2.DescribeInstancesInput{}); err == nil || time.Since(began) > 0 || cloud.calls != 1 {
			t.Errorf("%d calls in %s, %v", cloud.calls, time.Since(began), err)
		}
	})
}

// TestOneRetryLayer: the SDK repeats nothing by itself.
func TestOneRetryLayer(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	connection := NewConnection(Settings{
		Provider: "aws-1", Region: "us-east-1", Endpoint: server.URL, RequestTimeout: time.Minute, Now: time.Now,
		Lookup: func(key string) (string, bool) {
			value, ok := map[string]string{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}[key]
			return value, ok
		},
	})
	defer connection.Close()
	pauses := 0
	api := API{Connect: connection.Clients, Retry: &Retry{Tries: 4, Now: time.Now, Sleep: func(context.Context, time.Duration) error { pauses++; return nil }}}
	for name, ask := range map[string]func() error{
		"EC2": func() error { _, err := api.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{}); return err },
		"STS": func() error { _, err := api.GetCallerIdentity(t.Context()); return err },
		"SSM": func() error { _, err := api.GetParameter(t.Context(), "/x"); return err },
	} {
		calls.Store(0)
		pauses = 0
		if err := ask(); !errors.Is(err, ohfp.ErrUnavailable) || calls.Load() != 4 || pauses != 3 {
			t.Errorf("%s: %d calls with %d pauses, %v; want 4 with 3", name, calls.Load(), pauses, err)
		}
	}
}
