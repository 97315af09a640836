package aws

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
	"github.com/openhostfactory/ohfp/provider/aws/internal/native"
	"github.com/openhostfactory/ohfp/provider/aws/internal/strict"
)

const (
	defaultConnectTimeout = 10 * time.Second
	// defaultRequestTimeout leaves time for EC2 to launch a thousand machines in one call.
	defaultRequestTimeout = time.Minute
	maxRetries            = 10
)

// settings is the config of a provider of type aws.
type settings struct {
	region         string
	profile        string
	endpoint       string
	roleARN        string
	externalID     string
	credentialFile string
	connectTimeout duration
	requestTimeout duration
	maxRetries     *int
	proxyHost      string
	proxyPort      int
	hostName       string
	queue          string // that interruptions are told in
	handlers       handlers
	native         native.Settings
	prices         prices
	rates          rates
}

// parse reads the config strictly.
func parse(raw json.RawMessage) (settings, error) {
	s := settings{
		connectTimeout: duration(defaultConnectTimeout), requestTimeout: duration(defaultRequestTimeout),
		hostName: string(instances.PrivateDNS),
	}
	fields, err := strict.Parse(raw)
	if err != nil {
		return s, err
	}
	err = fields.Decode(s.targets())
	if err != nil {
		return s, err
	}
	return s, s.check()
}

// targets are the fields of the config by name, as Settings describes them.
func (s *settings) targets() map[string]any {
	return map[string]any{
		"region":           &s.region,
		"profile":          &s.profile,
		"endpoint_url":     &s.endpoint,
		"role_arn":         &s.roleARN,
		"external_id":      &s.externalID,
		"credential_file":  &s.credentialFile,
		"connect_timeout":  &s.connectTimeout,
		"request_timeout":  &s.requestTimeout,
		"max_retries":      &s.maxRetries,
		"proxy_host":       &s.proxyHost,
		"proxy_port":       &s.proxyPort,
		"host_name":        &s.hostName,
		"handlers":         &s.handlers,
		"native_spec":      &s.native,
		"on_demand_prices": &s.prices,
		"rate_limits":      &s.rates,

		"interruption_queue": &s.queue,
	}
}

func (s settings) check() error {
	endpoint, err := url.Parse(s.endpoint)
	switch {
	case s.endpoint != "" && (err != nil || endpoint.Host == "" || endpoint.Scheme != "http" && endpoint.Scheme != "https"):
		return ohfp.Errorf(ohfp.ErrInvalid, "endpoint_url %q is not an address; write http:// or https:// and a host", s.endpoint)
	case s.externalID != "" && s.roleARN == "":
		return ohfp.Errorf(ohfp.ErrInvalid, "external_id is set without role_arn; add it or remove external_id")
	case s.roleARN != "" && !strings.HasPrefix(s.roleARN, "arn:"):
		return ohfp.Errorf(ohfp.ErrInvalid, "role_arn %q is not an ARN; write arn:aws:iam::ACCOUNT:role/NAME", s.roleARN)
	case s.maxRetries != nil && (*s.maxRetries < 0 || *s.maxRetries > maxRetries):
		return ohfp.Errorf(ohfp.ErrInvalid, "max_retries %d is out of range; use 0 to %d", *s.maxRetries, maxRetries)
	case (s.proxyHost == "") != (s.proxyPort == 0):
		return ohfp.Errorf(ohfp.ErrInvalid, "proxy_host and proxy_port need each other; set both or none")
	case s.proxyPort < 0 || s.proxyPort > 65535:
		return ohfp.Errorf(ohfp.ErrInvalid, "proxy_port %d is out of range; use 1 to 65535", s.proxyPort)
	}
	if err := checkQueue(s.queue); err != nil {
		return err
	}
	return instances.NameRule(s.hostName).Check()
}

// queueName is the name of a queue that is given by name or URL.
func queueName(queue string) string {
	if at, err := url.Parse(queue); err == nil && at.Host != "" && (at.Scheme == "https" || at.Scheme == "http") {
		return path.Base(at.Path)
	}
	return queue
}

// checkQueue takes the name or the URL of a standard queue. SQS names have up to 80 letters, digits, hyphens and
// underscores.
func checkQueue(queue string) error {
	if queue != "" && !regexp.MustCompile(`^[0-9A-Za-z_-]{1,80}$`).MatchString(queueName(queue)) {
		return ohfp.Errorf(ohfp.ErrInvalid, "interruption_queue %q is neither the name nor the URL of a standard SQS queue; write for example ohfp-interruptions", queue)
	}
	return nil
}

// connection is how AWS is reached with these settings.
func (s settings) connection(env provider.Environment, transport http.RoundTripper) *awsapi.Connection {
	to := awsapi.Settings{
		Provider: env.Name, Region: s.region, Profile: s.profile, Endpoint: s.endpoint, RoleARN: s.roleARN, ExternalID: s.externalID,
		ConnectTimeout: time.Duration(s.connectTimeout), RequestTimeout: time.Duration(s.requestTimeout), Lookup: env.LookupEnv,
		Log: env.Log, Now: env.Now, Transport: transport,
	}
	if s.proxyHost != "" {
		to.Proxy = &url.URL{Scheme: "http", Host: net.JoinHostPort(s.proxyHost, strconv.Itoa(s.proxyPort))}
	}
	if to.CredentialFile = s.credentialFile; to.CredentialFile != "" && !filepath.IsAbs(to.CredentialFile) {
		to.CredentialFile = filepath.Join(env.ConfDir, to.CredentialFile)
	}
	return awsapi.NewConnection(to)
}

// duration is written like "10s", or as a number of seconds.
type duration time.Duration

func (d *duration) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		text += "s"
	}
	value, err := ohfp.ParseDuration(text)
	if err != nil || value <= 0 {
		return ohfp.Errorf(ohfp.ErrInvalid, "%s is not a duration; write a number of seconds, or a text like 10s", data)
	}
	*d = duration(value)
	return nil
}
