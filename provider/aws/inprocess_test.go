package aws

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
)

// OpenOn opens a provider on a cloud in the same process, without a connection between them: in a test whose time is not
// real, nothing may wait for the network.
func OpenOn(cloud http.Handler, config json.RawMessage, env provider.Environment) (provider.Provider, error) {
	s, err := parse(config)
	if err != nil {
		return nil, err
	}
	client := ec2.New(ec2.Options{
		Region: s.region, BaseEndpoint: aws.String("http://ec2.test"), Retryer: aws.NopRetryer{}, HTTPClient: inProcess{cloud},
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
	return newProvider(env, s, s.api(env, func(context.Context) (awsapi.Clients, error) {
		return awsapi.Clients{EC2: client, Region: s.region}, nil
	})), nil
}

// inProcess answers calls by a handler.
type inProcess struct{ http.Handler }

func (p inProcess) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer := httptest.NewRecorder()
	p.ServeHTTP(answer, r)
	return answer.Result(), nil
}
