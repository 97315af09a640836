package dynamodb

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"

	"github.com/openhostfactory/ohfp"
)

// How a call is made. The last try of a call is the one that its error tells of.
const (
	tries        = 8
	longestPause = 2 * time.Second
	answerWithin = 10 * time.Second // one try; DynamoDB itself gives up after 5
	idleKept     = 32               // connections
)

// connection makes the client when it is first needed and keeps it.
type connection struct {
	options Options

	mutex sync.Mutex
	api   API
	http  *awshttp.BuildableClient
}

// client reads files at most and makes no call. What failed is tried again the next time, since people mend profiles
// while a daemon runs.
func (c *connection) client(ctx context.Context) (API, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.api != nil {
		return c.api, nil
	}
	client := awshttp.NewBuildableClient().WithTimeout(answerWithin).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = idleKept
	})
	cfg, err := c.load(ctx, client)
	if err != nil {
		return nil, err
	}
	cfg.Credentials = aws.NewCredentialsCache(explained{cfg.Credentials})
	c.api, c.http = dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		if endpoint := c.or(c.options.Endpoint, "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"); endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	}), client
	return c.api, nil
}

func (c *connection) load(ctx context.Context, client *awshttp.BuildableClient) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(client),
		config.WithAppID("ohfp"),
		config.WithLogger(logging.Nop{}), // it would write to standard error what a call's error tells as well
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = tries, longestPause })
		}),
	}
	if region := c.or(c.options.Region, "AWS_REGION", "AWS_DEFAULT_REGION"); region != "" {
		options = append(options, config.WithRegion(region))
	}
	if c.options.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.options.Profile))
	} else if id := c.or("", "AWS_ACCESS_KEY_ID"); id != "" {
		// The SDK would find them too, but only in the process's own environment.
		options = append(options, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(
			id, c.or("", "AWS_SECRET_ACCESS_KEY"), c.or("", "AWS_SESSION_TOKEN"))))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	var missing config.SharedConfigProfileNotExistError
	switch {
	case errors.As(err, &missing):
		return aws.Config{}, ohfp.Errorf(ohfp.ErrUnavailable,
			"profile %q is not in the shared AWS configuration; add it, or choose another with storage.dynamodb.profile", missing.Profile)
	case err != nil:
		return aws.Config{}, ohfp.Errorf(ohfp.ErrUnavailable, "AWS configuration for the store: %w", err)
	case cfg.Region == "":
		return aws.Config{}, ohfp.Errorf(ohfp.ErrInvalid,
			"the store in DynamoDB has no region; set storage.dynamodb.region, AWS_REGION in the environment, or region in the AWS profile")
	}
	return cfg, nil
}

// or is value, or the first of the environment's variables that says something.
func (c *connection) or(value string, variables ...string) string {
	for _, name := range variables {
		if value == "" && c.options.LookupEnv != nil {
			value, _ = c.options.LookupEnv(name)
		}
	}
	return value
}

// close gives the connections back.
func (c *connection) close() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.http != nil {
		c.http.GetTransport().CloseIdleConnections()
	}
}

// explained marks what went wrong while credentials were fetched, so that it is not taken for an answer to the call
// that needed them.
type explained struct{ aws.CredentialsProvider }

func (e explained) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := e.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		return found, &credentialsError{err}
	}
	return found, err
}

// credentialsError says that no credentials were at hand to sign a call with.
type credentialsError struct{ cause error }

func (e *credentialsError) Error() string { return e.cause.Error() }
func (e *credentialsError) Unwrap() error { return e.cause }
