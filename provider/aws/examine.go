package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

var _ provider.Examiner = (*Provider)(nil)

// What is examined.
const (
	lookCredentials = "credentials"
	lookRegion      = "region"
	lookClock       = "clock"
	lookPermissions = "permissions"
	lookReferences  = "references"
	lookSubnets     = "subnets"
	lookImages      = "images"
	lookUserData    = "user data"
	lookFleetRole   = "fleet role"
	lookQueue       = "interruption queue"
)

const (
	// skewTolerated is what the Date header's full seconds and a slow network explain.
	skewTolerated = 30 * time.Second
	// skewRefused is nearly what AWS tolerates: it refuses signatures that are more than five minutes off.
	skewRefused = 4 * time.Minute
)

// examination is one look at an account.
type examination struct {
	*Provider
	api      awsapi.API // each call once and at once: this is to find out what fails
	subjects []subject
	account  string // how ARNs of its roles begin: arn:aws:iam::123456789012
	findings []provider.Finding
}

// subject is a template that goes to this provider and can be launched as far as is known without AWS.
type subject struct {
	template ohfp.Template
	spec     spec.Spec
	api      string // it launches by
}

func (e *examination) say(check string, level provider.Level, about, text, fix string) {
	e.findings = append(e.findings, provider.Finding{Check: check, Level: level, About: about, Text: text, Fix: fix})
}

func (e *examination) fine(check, about, text string) {
	e.say(check, provider.LevelOK, about, text, "")
}

// Examine looks at everything that the templates need.
func (p *Provider) Examine(ctx context.Context, templates []ohfp.Template) []provider.Finding {
	e := &examination{Provider: p, api: p.api}
	e.api.Retry, e.api.Pacer = nil, nil
	e.api.Called = nil // calls that are to be refused would look like trouble in the figures
	for _, t := range templates {
		// What cannot be resolved is a problem of the template list, where it is told.
		if s, api, err := p.resolve(t); err == nil {
			e.subjects = append(e.subjects, subject{t, s, api})
		}
	}
	e.userData()
	reached := e.identity(ctx) && e.region(ctx)
	e.clock()
	if !reached {
		return e.findings
	}
	e.permissions(ctx)
	e.references(ctx)
	e.subnets(ctx)
	e.images(ctx)
	e.fleetRoles()
	e.interruptionQueue(ctx)
	return e.findings
}

// identity finds out whose credentials are in use. Without any, nothing else can be asked.
func (e *examination) identity(ctx context.Context) bool {
	clients, err := e.api.Connect(ctx)
	if errors.Is(err, ohfp.ErrInvalid) {
		e.say(lookRegion, provider.LevelFailure, e.name, err.Error(), "set region in the provider's config, or AWS_REGION")
		return false
	}
	if err != nil {
		e.say(lookCredentials, provider.LevelFailure, e.name, err.Error(), "correct profile or credential_file in the provider's config, or AWS_PROFILE")
		return false
	}
	who, err := e.api.GetCallerIdentity(ctx)
	if err != nil {
		e.unreached(lookCredentials, clients.Region, err)
		return false
	}
	if parts := strings.SplitN(aws.ToString(who.Arn), ":", 3); len(parts) == 3 {
		e.account = "arn:" + parts[1] + ":iam::" + aws.ToString(who.Account)
	}
	e.fine(lookCredentials, e.name, aws.ToString(who.Arn))
	return true
}

// region finds out whether EC2 of the region lets us in. That it may not list subnets is told elsewhere.
func (e *examination) region(ctx context.Context) bool {
	clients, err := e.api.Connect(ctx)
	if err == nil {
		_, err = e.api.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{MaxResults: aws.Int32(5)})
	}
	// AuthFailure and OptInRequired blame the region, not a permission.
	if code := awsapi.Code(err); err != nil && (!errors.Is(err, ohfp.ErrDenied) || code == "AuthFailure" || code == "OptInRequired") {
		e.unreached(lookRegion, clients.Region, err)
		return false
	}
	e.fine(lookRegion, e.name, clients.Region)
	return true
}

// unreached tells why AWS cannot be worked with at all.
func (e *examination) unreached(check, region string, err error) {
	var unknown *net.DNSError
	var broken *url.Error
	code := awsapi.Code(err)
	fix := "see what AWS says; the same call must succeed with the aws command line"
	switch {
	case errors.As(err, &unknown):
		check, fix = lookRegion, fmt.Sprintf("correct the region %q if it is misspelt (AWS_REGION, the provider's region), else mend the name service of this machine", region)
	case errors.As(err, &broken), errors.Is(err, ohfp.ErrTimeout):
		fix = "let this machine reach AWS: network, firewall, proxy_host and proxy_port, or endpoint_url in the provider's config"
	case code == "OptInRequired", strings.Contains(err.Error(), "valid region"):
		check, fix = lookRegion, fmt.Sprintf("correct the region %q (AWS_REGION, the provider's region), or enable it for the account", region)
	case strings.Contains(code, "Expired"):
		check, fix = lookCredentials, "the credentials have expired: log in again (aws sso login, or new session keys), or let an instance role give them"
	case code == "SignatureDoesNotMatch", code == "InvalidSignatureException", code == "RequestTimeTooSkewed":
		check, fix = lookCredentials, "the secret key does not belong to the access key, or the clock of this machine is wrong: set both right"
	case errors.Is(err, ohfp.ErrDenied):
		check, fix = lookPermissions, "allow it; ohfp providers iam-policy prints the policy that is needed"
	case errors.Is(err, ohfp.ErrUnavailable):
		check, fix = lookCredentials, "give valid credentials: environment, profile, credential_file or an instance role"
	}
	e.say(check, provider.LevelFailure, e.name, brief(err), fix)
}

// brief is what AWS says, without advice that was written for requests under way.
func brief(err error) string {
	text, _, _ := strings.Cut(err.Error(), "; mend the credentials")
	return text
}

// clock compares ours with AWS's, which signatures depend on.
func (e *examination) clock() {
	ahead, known := e.ahead()
	size := ahead.Abs().Round(time.Second)
	way := map[bool]string{true: "ahead of", false: "behind"}[ahead > 0]
	text := fmt.Sprintf("the clock of this machine is %s %s AWS's", size, way)
	const fix = "set the clock, and keep it by NTP (chronyd, systemd-timesyncd)"
	switch {
	case !known:
	case size >= skewRefused:
		e.say(lookClock, provider.LevelFailure, e.name, text+", which refuses calls that are five minutes off", fix)
	case size > skewTolerated:
		e.say(lookClock, provider.LevelWarning, e.name, text, fix)
	default:
		e.fine(lookClock, e.name, "the clock agrees with AWS's")
	}
}

// userData reads what is sent to machines.
func (e *examination) userData() {
	for _, s := range e.subjects {
		if s.spec.UserDataScript == "" {
			continue
		}
		text, err := e.parts.UserData(s.spec)
		if err != nil {
			e.say(lookUserData, provider.LevelFailure, string(s.template.ID), err.Error(),
				"correct userDataScript; let a short script fetch what is longer than 16 KiB")
			continue
		}
		// Of base64, four characters are three bytes.
		e.fine(lookUserData, string(s.template.ID), fmt.Sprintf("about %d of 16384 bytes", len(text)/4*3))
	}
}

// interruptionQueue looks for the queue. It receives nothing: whoever listens would miss that.
func (e *examination) interruptionQueue(ctx context.Context) {
	if e.queue.Name == "" {
		return
	}
	in := &sqs.GetQueueUrlInput{QueueName: aws.String(queueName(e.queue.Name))}
	if at, err := url.Parse(e.queue.Name); err == nil && at.Host != "" {
		// https://sqs.REGION.amazonaws.com/ACCOUNT/NAME
		if account, _, ok := strings.Cut(strings.TrimPrefix(at.Path, "/"), "/"); ok && len(account) == 12 {
			in.QueueOwnerAWSAccountId = aws.String(account)
		}
	}
	_, err := e.api.GetQueueURL(ctx, in)
	switch {
	case err == nil:
		e.fine(lookQueue, e.name, e.queue.Name)
	case errors.Is(err, ohfp.ErrDenied):
		e.say(lookQueue, provider.LevelFailure, e.name, brief(err),
			"allow it; ohfp providers iam-policy --feature interruptions prints the policy that is needed")
	case errors.Is(err, ohfp.ErrInvalid), errors.Is(err, ohfp.ErrNotFound):
		e.say(lookQueue, provider.LevelFailure, e.name, "the queue "+e.queue.Name+" is not there: "+brief(err),
			"make it as docs/interruptions.md shows, or correct or remove interruption_queue in the provider's config")
	default:
		e.say(lookQueue, provider.LevelWarning, e.name, "the queue "+e.queue.Name+" could not be looked for: "+brief(err), "see what AWS says, and run ohfp doctor again")
	}
}
