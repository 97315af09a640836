package launch

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/store/memory"
)

// identity is whose credentials are in use.
type identity struct{ arn string }

func (i identity) GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{Arn: aws.String(i.arn), Account: aws.String("123456789012")}, nil
}

// TestFleetRole expands names of roles in the partition and account in use.
func TestFleetRole(t *testing.T) {
	t.Parallel()
	const linked = ":iam::123456789012:role/aws-service-role/spotfleet.amazonaws.com/AWSServiceRoleForEC2SpotFleet"
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-eusc"} {
		l := SpotFleet{Parts{Memory: memory.New(time.Now), API: awsapi.API{Connect: func(context.Context) (awsapi.Clients, error) {
			return awsapi.Clients{STS: identity{"arn:" + partition + ":sts::123456789012:assumed-role/ops/me"}}, nil
		}}}}
		for name, want := range map[string]string{
			"":                              "arn:" + partition + linked,
			"AWSServiceRoleForEC2SpotFleet": "arn:" + partition + linked,
			"AWSServiceRoleForEC2Fleet":     "arn:" + partition + linked,
			"arn:" + partition + ":iam::123456789012:role/aws-service-role/ec2fleet.amazonaws.com/AWSServiceRoleForEC2Fleet": "arn:" + partition + linked,
			"fleets":           "arn:" + partition + ":iam::123456789012:role/fleets",
			"role/team/fleets": "arn:" + partition + ":iam::123456789012:role/team/fleets",
			"arn:" + partition + ":iam::210987654321:role/fleets": "arn:" + partition + ":iam::210987654321:role/fleets",
		} {
			if got, err := l.role(t.Context(), name); err != nil || got != want {
				t.Errorf("in %s, %q is %s, error %v; want %s", partition, name, got, err, want)
			}
		}
	}
}
