package awsapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/openhostfactory/ohfp"
)

func TestKindOfCode(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]error{
		"InsufficientInstanceCapacity":                      ohfp.ErrCapacity,
		"VcpuLimitExceeded":                                 ohfp.ErrCapacity,
		"MaxSpotInstanceCountExceeded":                      ohfp.ErrCapacity,
		"SpotMaxPriceTooLow":                                ohfp.ErrCapacity,
		"InsufficientFreeAddressesInSubnet":                 ohfp.ErrCapacity,
		"Unsupported":                                       ohfp.ErrCapacity,
		"RequestLimitExceeded":                              ohfp.ErrThrottled,
		"EC2ThrottledException":                             ohfp.ErrThrottled,
		"UnauthorizedOperation":                             ohfp.ErrDenied,
		"AccessDenied":                                      ohfp.ErrDenied,
		"AuthFailure.ServiceLinkedRoleCreationNotPermitted": ohfp.ErrDenied,
		"ExpiredToken":                                      ohfp.ErrUnavailable,
		"InvalidClientTokenId":                              ohfp.ErrUnavailable,
		"RequestExpired":                                    ohfp.ErrUnavailable,
		"InvalidAMIID.NotFound":                             ohfp.ErrNotFound,
		"InvalidSubnetID.NotFound":                          ohfp.ErrNotFound,
		"InvalidGroup.NotFound":                             ohfp.ErrNotFound,
		"InvalidLaunchTemplateId.NotFoundException":         ohfp.ErrNotFound,
		"InvalidUserData.Malformed":                         ohfp.ErrInvalid,
		"InvalidParameterValue":                             ohfp.ErrInvalid,
		"MissingParameter":                                  ohfp.ErrInvalid,
		"SomethingNew":                                      ohfp.ErrInvalid,
		"UnknownError":                                      ohfp.ErrUnavailable,
		"IdempotentParameterMismatch":                       ohfp.ErrConflict,
	} {
		if got := kindOfCode(code, "", 400); !errors.Is(got, want) {
			t.Errorf("%s is %v, want %v", code, got, want)
		}
	}
	for _, code := range []string{"InternalError", "Unavailable", "SomethingNew"} {
		if got := kindOfCode(code, "", 500); !errors.Is(got, ohfp.ErrUnavailable) {
			t.Errorf("%s with status 500 is %v, want unavailable", code, got)
		}
	}
	if got := kindOfCode("AuthFailure", "AWS was not able to validate the provided access credentials", 401); !errors.Is(got, ohfp.ErrUnavailable) {
		t.Errorf("credentials that do not work are %v, want unavailable", got)
	}
	if got := kindOfCode("AuthFailure", "Not authorized for images: [ami-1]", 403); !errors.Is(got, ohfp.ErrDenied) {
		t.Errorf("an image of somebody else is %v, want denied", got)
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		kind error
		want string
	}{
		"deadline":    {fmt.Errorf("operation error: %w", context.DeadlineExceeded), ohfp.ErrTimeout, "RunInstances: AWS did not answer in time"},
		"interrupted": {fmt.Errorf("operation error: %w", context.Canceled), ohfp.ErrUnavailable, "RunInstances: interrupted before AWS answered"},
		"network": {
			fmt.Errorf("long story: %w", &url.Error{Op: "Post", URL: "https://ec2", Err: errors.New("dial tcp: connection refused")}),
			ohfp.ErrUnavailable, "RunInstances: AWS cannot be reached: dial tcp: connection refused",
		},
		"refusal": {
			fmt.Errorf("operation error: %w", &smithy.GenericAPIError{Code: "InvalidAMIID.NotFound", Message: "The image id '[ami-1]' does not exist"}),
			ohfp.ErrNotFound, "RunInstances: InvalidAMIID.NotFound: The image id '[ami-1]' does not exist",
		},
		"expired": {
			&smithy.GenericAPIError{Code: "ExpiredToken", Message: "The security token included in the request is expired"},
			ohfp.ErrUnavailable, "RunInstances: ExpiredToken: The security token included in the request is expired; " + mendCredentials,
		},
		"no credentials": {
			fmt.Errorf("get identity: %w", &credentialsError{fmt.Errorf("refresh: %w", errors.New("no EC2 IMDS role found"))}),
			ohfp.ErrUnavailable, "RunInstances: no valid credentials: no EC2 IMDS role found; " + mendCredentials,
		},
		"a role that is not ours": {
			&credentialsError{&smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized to perform sts:AssumeRole"}},
			ohfp.ErrUnavailable, "RunInstances: no valid credentials: AccessDenied: not authorized to perform sts:AssumeRole; " + mendCredentials,
		},
	} {
		err := Fail("RunInstances", test.err)
		if !errors.Is(ohfp.KindOf(err), test.kind) || err.Error() != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %q of kind %v, want %q of kind %v", name, err, ohfp.KindOf(err), test.want, test.kind)
		}
	}
}

// TestOwnBody checks that a body which the caller closes early is sent whole all the same, and as often as needed.
func TestOwnBody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil || r.ContentLength != int64(len(got)) {
			t.Errorf("read %d bytes of %d, error %v", len(got), r.ContentLength, err)
		}
		_, _ = w.Write(got)
	}))
	defer server.Close()
	sent := &watched{Reader: strings.NewReader(strings.Repeat("x", 100_000))}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, sent)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: ownBody{closing{sent, t}}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if echoed, err := io.ReadAll(response.Body); err != nil || len(echoed) != 100_000 {
		t.Errorf("%d bytes came back, error %v", len(echoed), err)
	}
}

type watched struct {
	io.Reader
	closed bool
}

func (w *watched) Close() error { w.closed = true; return nil }

// closing is a transport that checks that the caller's body is done with before anything is sent.
type closing struct {
	body *watched
	t    *testing.T
}

func (c closing) RoundTrip(r *http.Request) (*http.Response, error) {
	if !c.body.closed || r.GetBody == nil {
		c.t.Error("the transport below still depends on the caller's body")
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestProxyLeavesOutLinkLocal(t *testing.T) {
	t.Parallel()
	proxy := &url.URL{Scheme: "http", Host: "proxy:3128"}
	s := Settings{Proxy: proxy}
	for address, want := range map[string]*url.URL{
		"https://ec2.us-east-1.amazonaws.com/": proxy, "http://169.254.169.254/latest": nil, "http://169.254.170.2/creds": nil,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.proxyFor(request); err != nil || got != want {
			t.Errorf("%s goes through %v, error %v; want %v", address, got, err, want)
		}
	}
}

func TestEncodeLeavesOutWhatIsUnset(t *testing.T) {
	t.Parallel()
	got, err := Encode(&ec2.RunInstancesInput{
		MinCount: aws.Int32(0), InstanceType: "m5.large", Monitoring: &types.RunInstancesMonitoringEnabled{Enabled: aws.Bool(false)},
	})
	if want := `{"InstanceType":"m5.large","MinCount":0,"Monitoring":{"Enabled":false}}`; err != nil || string(got) != want {
		t.Errorf("encoded as %s, error %v; want %s", got, err, want)
	}
	got, err = Encode([]types.Tag{{Key: aws.String("empty"), Value: aws.String("")}})
	if want := `[{"Key":"empty","Value":""}]`; err != nil || string(got) != want {
		t.Errorf("encoded as %s, error %v; want %s", got, err, want)
	}
}

// TestEndpointOfEC2: IBM's configuration names the endpoint of EC2, where no other service answers.
func TestEndpointOfEC2(t *testing.T) {
	t.Parallel()
	for endpoint, everywhere := range map[string]bool{
		"https://ec2.us-east-1.amazonaws.com":                    false,
		"https://ec2-fips.us-gov-west-1.amazonaws.com":           false,
		"https://ec2.cn-north-1.amazonaws.com.cn":                false,
		"https://ec2.eu-west-1.api.aws":                          false,
		"https://vpce-0a1.ec2.us-east-1.vpce.amazonaws.com:443/": false,
		"http://127.0.0.1:5050":                                  true,
		"http://ec2.emulator.local:4566":                         true,
	} {
		clients, err := NewConnection(Settings{Region: "us-east-1", Endpoint: endpoint}).Clients(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		compute, isEC2 := clients.EC2.(*ec2.Client)
		identity, isSTS := clients.STS.(*sts.Client)
		if !isEC2 || !isSTS {
			t.Fatalf("the clients are %T and %T", clients.EC2, clients.STS)
		}
		if got := aws.ToString(compute.Options().BaseEndpoint); got != endpoint {
			t.Errorf("EC2 is asked at %q, want %s", got, endpoint)
		}
		if got := aws.ToString(identity.Options().BaseEndpoint); (got == endpoint) != everywhere {
			t.Errorf("with the endpoint %s, STS is asked at %q", endpoint, got)
		}
	}
}
