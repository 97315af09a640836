package discovery

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
)

// account answers in pages of one; what is denied is refused.
type account struct {
	awsapi.EC2
	denied  bool
	stuck   bool
	subnets int
	keys    []string
}

func (a *account) DescribeVpcs(context.Context, *ec2.DescribeVpcsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcsOutput, error) {
	if a.denied {
		return nil, &smithy.GenericAPIError{Code: "UnauthorizedOperation", Message: "not you"}
	}
	return &ec2.DescribeVpcsOutput{Vpcs: []types.Vpc{{VpcId: aws.String("vpc-1"), Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("grid")}}}}}, nil
}

func (a *account) DescribeSubnets(_ context.Context, in *ec2.DescribeSubnetsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error) {
	page, _ := strconv.Atoi(aws.ToString(in.NextToken))
	out := &ec2.DescribeSubnetsOutput{Subnets: []types.Subnet{{
		SubnetId: aws.String("subnet-" + strconv.Itoa(a.subnets-page)), VpcId: aws.String("vpc-1"), AvailabilityZone: aws.String("us-east-1a"),
		AvailableIpAddressCount: aws.Int32(251),
	}}}
	if page++; page < a.subnets {
		out.NextToken = aws.String(strconv.Itoa(page))
	}
	if a.stuck {
		out.NextToken = aws.String("1")
	}
	return out, nil
}

func (a *account) DescribeSecurityGroups(context.Context, *ec2.DescribeSecurityGroupsInput, ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error) {
	return &ec2.DescribeSecurityGroupsOutput{}, nil
}

func (a *account) DescribeImages(context.Context, *ec2.DescribeImagesInput, ...func(*ec2.Options)) (*ec2.DescribeImagesOutput, error) {
	return &ec2.DescribeImagesOutput{Images: []types.Image{{ImageId: aws.String("ami-1"), Name: aws.String("golden"), Architecture: types.ArchitectureValuesArm64}}}, nil
}

func (a *account) DescribeKeyPairs(_ context.Context, in *ec2.DescribeKeyPairsInput, _ ...func(*ec2.Options)) (*ec2.DescribeKeyPairsOutput, error) {
	out := &ec2.DescribeKeyPairsOutput{}
	for _, key := range a.keys {
		if len(in.Filters) == 0 || strings.Contains(strings.Join(in.Filters[0].Values, " "), key) {
			out.KeyPairs = append(out.KeyPairs, types.KeyPairInfo{KeyName: aws.String(key), KeyType: types.KeyTypeEd25519})
		}
	}
	return out, nil
}

type identity struct{}

func (identity) GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{Arn: aws.String("arn:aws-cn:sts::123456789012:assumed-role/ops/me")}, nil
}

func of(a *account) Account {
	return Account{API: awsapi.API{Connect: func(context.Context) (awsapi.Clients, error) {
		return awsapi.Clients{EC2: a, STS: identity{}, Region: "cn-north-1"}, nil
	}}}
}

func TestInventory(t *testing.T) {
	t.Parallel()
	all, err := of(&account{subnets: 3, keys: []string{"ops"}, denied: true}).Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range all.Resources {
		got = append(got, r.Kind+" "+r.ID)
	}
	want := "subnet subnet-1, subnet subnet-2, subnet subnet-3, key-pair ops, image ami-1, " +
		"role arn:aws-cn:iam::123456789012:role/aws-service-role/spotfleet.amazonaws.com/AWSServiceRoleForEC2SpotFleet, " +
		"image /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64, image /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
	if strings.Join(got, ", ") != want {
		t.Errorf("found %s\nwant %s", strings.Join(got, ", "), want)
	}
	if len(all.Unread) != 1 || all.Unread[0] != "vpcs: DescribeVpcs: UnauthorizedOperation: not you" || all.Region != "cn-north-1" {
		t.Errorf("in %s, unread is %q", all.Region, all.Unread)
	}
	if subnet := all.Resources[0]; subnet.Details["freeAddresses"] != "251" || subnet.Details["zone"] != "us-east-1a" || subnet.Field != "subnetId" {
		t.Errorf("the subnet is told as %+v", subnet)
	}
}

func TestPagesThatDoNotEnd(t *testing.T) {
	t.Parallel()
	all, err := of(&account{subnets: 3, stuck: true}).Inventory(t.Context())
	if err != nil || len(all.Unread) != 1 || !strings.HasPrefix(all.Unread[0], "subnets: AWS gave the same page twice") {
		t.Errorf("unread is %q, error %v", all.Unread, err)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	a := of(&account{keys: []string{"ops"}, denied: true})
	missing, err := a.Missing(t.Context(), []provider.Resource{{Kind: KindKeyPair, ID: "ops"}, {Kind: KindKeyPair, ID: "dev"}})
	if err != nil || len(missing) != 1 || missing[0].ID != "dev" {
		t.Errorf("missing are %v, error %v", missing, err)
	}
	if _, err := a.Missing(t.Context(), []provider.Resource{{Kind: KindVPC, ID: "vpc-1"}}); !errors.Is(err, ohfp.ErrDenied) {
		t.Errorf("what may not be read ends with %v", err)
	}
	if _, err := a.Missing(t.Context(), []provider.Resource{{Kind: "bucket", ID: "b"}}); !errors.Is(err, ohfp.ErrInvalid) {
		t.Errorf("a kind that is not known ends with %v", err)
	}
}
