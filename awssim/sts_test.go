package awssim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/openhostfactory/ohfp/awssim"
)

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	const role, open = "arn:aws:iam::210987654321:role/path/hosts", "arn:aws:iam::123456789012:role/open"
	w := newWorld(t, awssim.Options{Roles: []awssim.Role{{ARN: role, ExternalID: "secret"}, {ARN: open}}})
	assume := func(arn, externalID string) (*sts.AssumeRoleOutput, error) {
		in := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("session"), DurationSeconds: aws.Int32(900)}
		if externalID != "" {
			in.ExternalId = &externalID
		}
		return w.sts.AssumeRole(t.Context(), in)
	}
	for _, refused := range [][2]string{{role, ""}, {role, "guess"}, {"arn:aws:iam::123456789012:role/other", ""}} {
		_, err := assume(refused[0], refused[1])
		wantCode(t, err, "AccessDenied")
	}
	_, err := assume("arn:aws:iam::1:user/x-and-more", "")
	wantCode(t, err, "ValidationError")
	_, err = assume(open, "")
	wantCode(t, err, "")
	out, err := assume(role, "secret")
	wantCode(t, err, "")
	if !out.Credentials.Expiration.Equal(w.clock.Now().Add(15 * time.Minute)) {
		t.Errorf("expiration %v", out.Credentials.Expiration)
	}
	config := awsConfig(w.url, "us-east-1")
	config.Credentials = credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	who, err := sts.NewFromConfig(config).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "")
	if *who.Account != "210987654321" || !strings.HasSuffix(*who.Arn, ":assumed-role/hosts/session") || *who.Arn != *out.AssumedRoleUser.Arn {
		t.Errorf("identity %s in account %s", *who.Arn, *who.Account)
	}
	_, err = ec2.NewFromConfig(config).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	wantCode(t, err, "")
	calls := w.Ledger()
	if last := calls[len(calls)-1]; last.AccessKey != *out.Credentials.AccessKeyId || calls[0].AccessKey != "AKIDEXAMPLE" {
		t.Errorf("ledger: %+v", last)
	}
	w.clock.advance(15 * time.Minute)
	_, err = ec2.NewFromConfig(config).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	wantCode(t, err, "RequestExpired")
	_, err = autoscaling.NewFromConfig(config).DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{})
	wantCode(t, err, "ExpiredToken")
	_, err = ssm.NewFromConfig(config).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String(publicAlias)})
	wantCode(t, err, "ExpiredTokenException")
}

// TestPartitions: ARNs begin as those of the region do.
func TestPartitions(t *testing.T) {
	t.Parallel()
	for region, partition := range map[string]string{
		"eu-west-1": "arn:aws:", "cn-north-1": "arn:aws-cn:", "us-gov-west-1": "arn:aws-us-gov:",
	} {
		w := newWorld(t, awssim.Options{Region: region})
		who, err := w.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		wantCode(t, err, "")
		if arn := aws.ToString(who.Arn); !strings.HasPrefix(arn, partition) {
			t.Errorf("in %s the caller is %s, want %s", region, arn, partition)
		}
		subnets, err := w.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
		wantCode(t, err, "")
		if arn := aws.ToString(subnets.Subnets[0].SubnetArn); !strings.HasPrefix(arn, partition+"ec2:"+region+":") {
			t.Errorf("in %s a subnet is %s", region, arn)
		}
	}
}
