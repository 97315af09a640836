package awsapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/parameters"
)

// Settings say how AWS is reached. The zero value of a field leaves it to the SDK: environment, shared configuration.
type Settings struct {
	Provider       string // the provider instance's name, for messages
	Region         string
	Profile        string
	Endpoint       string
	RoleARN        string
	ExternalID     string
	CredentialFile string // in the format of ~/.aws/credentials, read instead of that
	ConnectTimeout time.Duration
	RequestTimeout time.Duration // of one try, with the answer read to its end
	Proxy          *url.URL
	Transport      http.RoundTripper               // makes the calls; nil: connections of our own
	Lookup         func(key string) (string, bool) // the environment
	Log            *slog.Logger
	Now            func() time.Time
}

// Connection makes the clients when they are first needed and keeps them.
type Connection struct {
	Clock     Clock
	settings  Settings
	mutex     sync.Mutex
	clients   *Clients
	transport *http.Transport
}

// NewConnection connects to nothing yet.
func NewConnection(settings Settings) *Connection { return &Connection{settings: settings} }

// Clients returns the clients. It reads files and makes no call. What failed is tried again the next time, since people
// mend profiles while a daemon runs.
func (c *Connection) Clients(ctx context.Context) (Clients, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.clients != nil {
		return *c.clients, nil
	}
	cfg, err := c.settings.load(ctx)
	if err != nil {
		return Clients{}, err
	}
	client, transport := c.settings.httpClient(cfg.HTTPClient)
	if c.settings.Now != nil {
		client.Transport = dated{client.Transport, &c.Clock, c.settings.Now}
	}
	cfg.HTTPClient = client
	if c.settings.RoleARN != "" {
		cfg.Credentials = c.settings.assumeRole(cfg)
	}
	cfg.Credentials = aws.NewCredentialsCache(explained{cfg.Credentials})
	c.transport = transport
	c.clients = &Clients{
		EC2: ec2.NewFromConfig(cfg, c.settings.ec2Endpoint), STS: sts.NewFromConfig(cfg), SSM: parameters.Client{Config: cfg, Now: c.settings.Now}, Region: cfg.Region,
		AutoScaling: sync.OnceValue(func() AutoScaling { return autoscaling.NewFromConfig(cfg) }),
		SQS:         sync.OnceValue(func() SQS { return sqs.NewFromConfig(cfg) }),
	}
	return *c.clients, nil
}

// Close gives the connections back.
func (c *Connection) Close() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.transport != nil {
		c.transport.CloseIdleConnections()
	}
}

// load reads the SDK's configuration.
func (s Settings) load(ctx context.Context) (aws.Config, error) {
	if s.CredentialFile != "" {
		// The SDK passes over files that are not there and asks the instance's role instead.
		if _, err := os.Stat(s.CredentialFile); err != nil {
			return aws.Config{}, ohfp.Errorf(ohfp.ErrUnavailable, "provider %s: credential_file cannot be read: %w", s.Provider, err)
		}
	}
	cfg, err := config.LoadDefaultConfig(ctx, s.options(s.profile())...)
	var missing config.SharedConfigProfileNotExistError
	if errors.As(err, &missing) && missing.Profile == defaultProfile && s.CredentialFile == "" {
		cfg, err = s.loadWithoutProfile(ctx)
	}
	switch {
	case errors.As(err, &missing) && s.CredentialFile != "":
		return aws.Config{}, ohfp.Errorf(ohfp.ErrUnavailable,
			"provider %s: credential_file has no profile %q; add it to %s, or choose another with profile or AWS_PROFILE", s.Provider, missing.Profile, s.CredentialFile)
	case errors.As(err, &missing):
		return aws.Config{}, ohfp.Errorf(ohfp.ErrUnavailable,
			"provider %s: profile %q is not in the shared AWS configuration; add it, or choose another with profile or AWS_PROFILE", s.Provider, missing.Profile)
	case err != nil:
		return aws.Config{}, ohfp.Errorf(ohfp.ErrUnavailable, "provider %s: AWS configuration: %w", s.Provider, err)
	case cfg.Region == "":
		return aws.Config{}, ohfp.Errorf(ohfp.ErrInvalid,
			"provider %s has no region; set region in its config, AWS_REGION in the environment, or region in the AWS profile", s.Provider)
	}
	return cfg, nil
}

// defaultProfile is the name that stands for the usual chain of credentials.
const defaultProfile = "default"

// profile is what to ask the SDK for by name. A profile asked for by name rules out credentials from the environment,
// which is not what "default" means, but what a file of the operator's own does.
func (s Settings) profile() string {
	if s.CredentialFile != "" {
		return cmp.Or(s.or(s.Profile, "AWS_PROFILE"), defaultProfile)
	}
	if s.Profile != defaultProfile {
		return s.Profile
	}
	if other, ok := s.env("AWS_PROFILE"); ok && other != defaultProfile {
		return defaultProfile
	}
	return ""
}

// loadWithoutProfile is for a profile "default" that was asked for and does not exist. The SDK insists on it, so it gets
// an empty one for as long as it reads.
func (s Settings) loadWithoutProfile(ctx context.Context) (aws.Config, error) {
	file, err := os.CreateTemp("", "ohfp-aws-*")
	if err != nil {
		return aws.Config{}, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString("[" + defaultProfile + "]\n")
	if err = errors.Join(err, file.Close()); err != nil {
		return aws.Config{}, err
	}
	return config.LoadDefaultConfig(ctx, append(s.options(""), config.WithSharedConfigFiles([]string{file.Name()}))...)
}

func (s Settings) options(profile string) []func(*config.LoadOptions) error {
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(s.buildableClient()),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }), // Retry repeats calls, and nothing else does,
		config.WithAppID("ohfp"),
		config.WithLogger(logging.LoggerFunc(s.logf)),
	}
	if region := s.or(s.Region, "AWS_REGION"); region != "" {
		options = append(options, config.WithRegion(region))
	}
	if endpoint := s.or(s.everywhere(), "AWS_ENDPOINT_URL"); endpoint != "" {
		options = append(options, config.WithBaseEndpoint(endpoint))
	}
	if profile != "" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	if s.CredentialFile != "" {
		options = append(options, config.WithSharedCredentialsFiles([]string{s.CredentialFile}))
	}
	if keys, ok := s.environmentKeys(); ok && profile == "" {
		options = append(options, config.WithCredentialsProvider(keys))
	}
	return options
}

// environmentKeys are the keys in the environment. The SDK would find them too, but only in the process's own.
func (s Settings) environmentKeys() (aws.CredentialsProvider, bool) {
	id, _ := s.env("AWS_ACCESS_KEY_ID")
	secret, _ := s.env("AWS_SECRET_ACCESS_KEY")
	session, _ := s.env("AWS_SESSION_TOKEN")
	return credentials.NewStaticCredentialsProvider(id, secret, session), id != "" && secret != ""
}

// everywhere is the endpoint for all services, empty when it is EC2's.
func (s Settings) everywhere() string {
	if ofEC2(s.Endpoint) {
		return ""
	}
	return s.Endpoint
}

// ec2Endpoint sends the calls to EC2 where only they can go.
func (s Settings) ec2Endpoint(o *ec2.Options) {
	if ofEC2(s.Endpoint) {
		o.BaseEndpoint = aws.String(s.Endpoint)
	}
}

// ofEC2 says whether an endpoint is AWS's own of EC2, which knows no other service: https://ec2.us-east-1.amazonaws.com,
// as IBM's configuration has it, or https://vpce-1.ec2.us-east-1.vpce.amazonaws.com.
func ofEC2(endpoint string) bool {
	at, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	labels := strings.Split(at.Hostname(), ".")
	return (slices.Contains(labels, "amazonaws") || strings.HasSuffix(at.Hostname(), ".api.aws")) &&
		slices.ContainsFunc(labels, func(label string) bool { return label == "ec2" || label == "ec2-fips" })
}

func (s Settings) assumeRole(cfg aws.Config) aws.CredentialsProvider {
	return stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), s.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "ohfp"
		if s.ExternalID != "" {
			o.ExternalID = aws.String(s.ExternalID)
		}
	})
}

func (s Settings) buildableClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = s.ConnectTimeout }).
		WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConnsPerHost = 16
			if s.Proxy != nil {
				t.Proxy = s.proxyFor
			}
		})
}

// proxyFor keeps calls to the machine's own metadata and credentials services, which are link-local, off the proxy.
func (s Settings) proxyFor(r *http.Request) (*url.URL, error) {
	if ip := net.ParseIP(r.URL.Hostname()); ip != nil && ip.IsLinkLocalUnicast() {
		return nil, nil // how http.Transport is told "no proxy"
	}
	return s.Proxy, nil
}

// logf takes what the SDK would write to standard error. It is about single tries of calls, of which the last one is told
// as the call's error.
func (s Settings) logf(_ logging.Classification, format string, args ...any) {
	if s.Log != nil {
		s.Log.Debug("aws sdk: " + fmt.Sprintf(format, args...))
	}
}

func (s Settings) or(value, key string) string {
	if value != "" {
		return value
	}
	value, _ = s.env(key)
	return value
}

func (s Settings) env(key string) (string, bool) {
	if s.Lookup == nil {
		return "", false
	}
	value, ok := s.Lookup(key)
	return value, ok && value != ""
}

// explained marks what went wrong while credentials were fetched, so that it is not taken for an answer to the call
// that needed them.
type explained struct{ aws.CredentialsProvider }

func (e explained) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := e.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		return found, &credentialsError{cause: err}
	}
	return found, err
}
