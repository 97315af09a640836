package awssim

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

type getCallerIdentityInput struct{}

type callerIdentity struct {
	Arn     string `reply:"Arn"`
	UserID  string `reply:"UserId"`
	Account string `reply:"Account"`
}

func (c *Cloud) getCallerIdentity(call *call, _ *getCallerIdentityInput) (any, error) {
	if s, ok := c.sessions[call.entry.AccessKey]; ok {
		return callerIdentity{Arn: s.arn, UserID: s.userID, Account: strings.Split(s.arn, ":")[4]}, nil
	}
	return callerIdentity{
		Arn:     c.userArn(),
		UserID:  "AIDASIMULATOR00000000",
		Account: c.options.Account,
	}, nil
}

// userArn is who every caller is that has not assumed a role: there are no users here.
func (c *Cloud) userArn() string {
	return "arn:" + c.partition() + ":iam::" + c.options.Account + ":user/simulator"
}

// partition is how ARNs of the region begin.
func (c *Cloud) partition() string {
	switch region := c.options.Region; {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// Role is a role that callers may assume.
type Role struct {
	// ARN such as arn:aws:iam::123456789012:role/name; of any account, whose resources are those of this one.
	ARN string `json:"arn"`
	// ExternalID must be given by those who assume the role, unless it is empty.
	ExternalID string `json:"externalId,omitempty"`
}

// session is what an access key stands for that was given to somebody who assumed a role.
type session struct {
	arn, userID string
	expires     time.Time
}

func roleARN() *regexp.Regexp {
	return regexp.MustCompile(`^arn:aws[a-z-]*:iam::(\d{12}):role/(?:.*/)?([^/]+)$`)
}

// STS gives credentials for 15 minutes to 12 hours.
const (
	minSession = 900
	maxSession = 43_200
)

type assumeRoleInput struct {
	RoleArn     string `query:"RoleArn"`
	SessionName string `query:"RoleSessionName"`
	Seconds     *int   `query:"DurationSeconds"`
	ExternalID  string `query:"ExternalId"`
}

type assumeRoleReply struct {
	Credentials struct {
		AccessKey  string    `reply:"AccessKeyId"`
		Secret     string    `reply:"SecretAccessKey"`
		Token      string    `reply:"SessionToken"`
		Expiration time.Time `reply:"Expiration"`
	} `reply:"Credentials"`
	User struct {
		ID  string `reply:"AssumedRoleId"`
		Arn string `reply:"Arn"`
	} `reply:"AssumedRoleUser"`
}

// assumeRole gives credentials that expire.
func (c *Cloud) assumeRole(call *call, in *assumeRoleInput) (any, error) {
	parts := roleARN().FindStringSubmatch(in.RoleArn)
	switch {
	case parts == nil:
		return nil, errorf(codeValidation, "%s is invalid", clip(in.RoleArn, 256))
	case !regexp.MustCompile(`^[\w+=,.@-]{2,64}$`).MatchString(in.SessionName):
		return nil, errorf(codeValidation, "The value '%s' at 'roleSessionName' is not 2 to 64 letters, digits or characters of _+=,.@-", clip(in.SessionName, 64))
	}
	seconds := 3600
	if in.Seconds != nil {
		seconds = *in.Seconds
	}
	if seconds < minSession || seconds > maxSession {
		return nil, errorf(codeValidation, "The value %d at 'durationSeconds' is not from 900 to 43200", seconds)
	}
	if !c.assumable(in) {
		return nil, errorf("AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", c.userArn(), in.RoleArn)
	}
	account, name := parts[1], parts[2]
	var reply assumeRoleReply
	reply.User.ID = fmt.Sprintf("AROA%016X:%s", c.random.Uint64(), in.SessionName)
	reply.User.Arn = "arn:" + c.partition() + ":sts::" + account + ":assumed-role/" + name + "/" + in.SessionName
	reply.Credentials.AccessKey = fmt.Sprintf("ASIA%016X", c.random.Uint64())
	reply.Credentials.Secret, reply.Credentials.Token = c.newUUID(), c.newUUID()
	reply.Credentials.Expiration = call.now.Add(time.Duration(seconds) * time.Second)
	c.sessions[reply.Credentials.AccessKey] = session{reply.User.Arn, reply.User.ID, reply.Credentials.Expiration}
	return reply, nil
}

func (c *Cloud) assumable(in *assumeRoleInput) bool {
	if c.options.Roles == nil {
		return true
	}
	for _, r := range c.options.Roles {
		if r.ARN == in.RoleArn {
			return r.ExternalID == "" || r.ExternalID == in.ExternalID
		}
	}
	return false
}

// checkSession refuses credentials of a session that is over, in the service's own words.
func (c *Cloud) checkSession(call *call) error {
	s, ok := c.sessions[call.entry.AccessKey]
	if !ok || call.now.Before(s.expires) {
		return nil
	}
	switch call.entry.Service {
	case serviceEC2:
		return errorf("RequestExpired", "Request has expired.")
	case serviceSSM, serviceSQS:
		return errorf("ExpiredTokenException", "The security token included in the request is expired")
	default:
		return errorf("ExpiredToken", "The security token included in the request is expired")
	}
}
