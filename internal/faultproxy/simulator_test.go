package faultproxy_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/faultproxy"
)

// detachedBody gives net/http a body of its own, which the SDK does not close under it.
type detachedBody struct{}

func (detachedBody) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	own := r.Clone(r.Context())
	own.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultTransport.RoundTrip(own)
}

// TestSDKOverFaults lets the SDK launch through every kind of fault. Most it retries itself, with the same token; an answer
// that breaks off it reports, and whoever repeats the call with the token gets the same instances. Nothing is launched
// twice.
func TestSDKOverFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rule     faultproxy.Rule
		reported bool
	}{
		"drop the reply":    {faultproxy.Rule{Fault: faultproxy.Drop, Executed: true}, false},
		"drop the call":     {faultproxy.Rule{Fault: faultproxy.Drop}, false},
		"reset":             {faultproxy.Rule{Fault: faultproxy.Reset, Executed: true}, false},
		"refuse instead":    {faultproxy.Rule{Fault: faultproxy.Refuse}, false},
		"refuse afterwards": {faultproxy.Rule{Fault: faultproxy.Refuse, Executed: true, Code: "InternalError", Status: http.StatusInternalServerError}, false},
		"cut":               {faultproxy.Rule{Fault: faultproxy.Cut, Keep: 500}, true},
		"truncate":          {faultproxy.Rule{Fault: faultproxy.Truncate}, true},
		"delay":             {faultproxy.Rule{Fault: faultproxy.Delay, Wait: time.Millisecond}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rule := test.rule
			cloud, err := awssim.New(awssim.Options{})
			if err != nil {
				t.Fatal(err)
			}
			upstream := httptest.NewServer(cloud)
			t.Cleanup(upstream.Close)
			proxy, err := faultproxy.New(upstream.URL)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(proxy.Close)
			rule.Action, rule.Times = "RunInstances", 1
			if err := proxy.Add(rule); err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(proxy)
			t.Cleanup(server.Close)

			client := ec2.NewFromConfig(aws.Config{
				Region: "us-east-1", BaseEndpoint: aws.String(server.URL), HTTPClient: &http.Client{Transport: detachedBody{}},
				Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
				Retryer: func() aws.Retryer {
					return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
				},
			})
			input := &ec2.RunInstancesInput{
				ImageId: aws.String("ami-0123456789abcdef0"), InstanceType: types.InstanceTypeM5Large,
				MinCount: aws.Int32(3), MaxCount: aws.Int32(3), ClientToken: aws.String("req-1/1"),
			}
			out, err := client.RunInstances(t.Context(), input)
			if reported := err != nil; reported != test.reported {
				t.Fatalf("got error %v, want one: %t", err, test.reported)
			}
			if err != nil {
				if out, err = client.RunInstances(t.Context(), input); err != nil {
					t.Fatal(err)
				}
			}
			alive := cloud.Instances()
			if len(out.Instances) != 3 || len(alive) != 3 || *out.Instances[0].InstanceId != alive[0].ID {
				t.Errorf("%d instances answered, %d alive, want the same 3", len(out.Instances), len(alive))
			}
			if log := proxy.Log(); log[0].Fault != rule.Fault {
				t.Errorf("log %+v, want the fault first", log)
			}
		})
	}
}
