package awssim_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

func TestRunInstancesLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{LaunchDelay: 20 * time.Second, AddressDelay: 10 * time.Second, TerminateDelay: 30 * time.Second})
	out, err := w.ec2.RunInstances(t.Context(), launchInput(1))
	wantCode(t, err, "")
	launched := out.Instances[0]
	if launched.State.Name != types.InstanceStateNamePending || aws.ToString(launched.PrivateIpAddress) != "" || *launched.PrivateDnsName != "" {
		t.Errorf("launched in state %s with address %q and name %q, want pending with neither", launched.State.Name, aws.ToString(launched.PrivateIpAddress), *launched.PrivateDnsName)
	}
	if want := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC); !launched.LaunchTime.Equal(want) {
		t.Errorf("launch time %v, want %v", launched.LaunchTime, want)
	}
	id := *launched.InstanceId

	type moment struct{ State, IP, DNS, Subnet string }
	look := func() moment {
		i := w.one(t, id)
		return moment{string(i.State.Name), aws.ToString(i.PrivateIpAddress), *i.PrivateDnsName, aws.ToString(i.SubnetId)}
	}
	steps := []struct {
		wait time.Duration
		want moment
	}{
		{0, moment{"pending", "", "", subnetA}},
		{10 * time.Second, moment{"pending", "10.0.0.4", "ip-10-0-0-4.ec2.internal", subnetA}},
		{10 * time.Second, moment{"running", "10.0.0.4", "ip-10-0-0-4.ec2.internal", subnetA}},
		{time.Hour, moment{"running", "10.0.0.4", "ip-10-0-0-4.ec2.internal", subnetA}},
	}
	for i, step := range steps {
		w.clock.advance(step.wait)
		if diff := cmp.Diff(step.want, look()); diff != "" {
			t.Errorf("step %d: %s", i, diff)
		}
	}
	_, err = w.terminate(t.Context(), id)
	wantCode(t, err, "")
	for i, step := range []struct {
		wait time.Duration
		want moment
	}{
		{0, moment{"shutting-down", "10.0.0.4", "ip-10-0-0-4.ec2.internal", subnetA}},
		{30 * time.Second, moment{"terminated", "", "", ""}},
		{59 * time.Minute, moment{"terminated", "", "", ""}},
	} {
		w.clock.advance(step.wait)
		if diff := cmp.Diff(step.want, look()); diff != "" {
			t.Errorf("after termination, step %d: %s", i, diff)
		}
	}
	w.clock.advance(time.Minute)
	_, err = w.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	wantCode(t, err, "InvalidInstanceID.NotFound")
}

func TestRunInstancesDescribesWhatWasAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Region: "eu-west-1", Zones: []string{"eu-west-1a"}})
	input := launchInput(2)
	input.KeyName = aws.String("operator")
	input.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\necho 'hi' <&>\n")))
	input.EbsOptimized = aws.Bool(true)
	input.Monitoring = &types.RunInstancesMonitoringEnabled{Enabled: aws.Bool(true)}
	input.IamInstanceProfile = &types.IamInstanceProfileSpecification{Name: aws.String("worker")}
	input.Placement = &types.Placement{GroupName: aws.String("cluster"), Tenancy: types.TenancyDedicated}
	input.MetadataOptions = &types.InstanceMetadataOptionsRequest{HttpTokens: types.HttpTokensStateRequired, HttpPutResponseHopLimit: aws.Int32(2)}
	input.CpuOptions = &types.CpuOptionsRequest{CoreCount: aws.Int32(1), ThreadsPerCore: aws.Int32(1)}
	input.BlockDeviceMappings = []types.BlockDeviceMapping{
		{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(20), DeleteOnTermination: aws.Bool(false)}},
		{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(5)}},
	}
	input.TagSpecifications = []types.TagSpecification{sdkTags(types.ResourceTypeInstance, "Name", `a "quoted" <name> & more…`)}
	w.run(t, input)

	first := w.describe(t, &ec2.DescribeInstancesInput{})[0]
	second := w.describe(t, &ec2.DescribeInstancesInput{})[1]
	got := []any{
		*first.KeyName, *first.EbsOptimized, first.Monitoring.State, *first.IamInstanceProfile.Arn, *first.Placement.GroupName, first.Placement.Tenancy,
		first.MetadataOptions.HttpTokens, *first.MetadataOptions.HttpPutResponseHopLimit, *first.CpuOptions.ThreadsPerCore,
		*first.BlockDeviceMappings[0].DeviceName, *first.BlockDeviceMappings[0].Ebs.DeleteOnTermination, *first.BlockDeviceMappings[1].Ebs.DeleteOnTermination,
		*first.Tags[0].Value, *first.PrivateDnsName, *first.RootDeviceName, first.Architecture, *first.AmiLaunchIndex, *second.AmiLaunchIndex, *first.SecurityGroups[0].GroupName,
	}
	want := []any{
		"operator", true, types.MonitoringStateEnabled, "arn:aws:iam::123456789012:instance-profile/worker", "cluster", types.TenancyDedicated,
		types.HttpTokensStateRequired, int32(2), int32(1),
		"/dev/xvda", false, false,
		`a "quoted" <name> & more…`, "ip-10-0-0-4.eu-west-1.compute.internal", "/dev/xvda", types.ArchitectureValuesX8664, int32(0), int32(1), "default",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	snapshot := w.Instances()[0]
	if snapshot.UserData != "#!/bin/sh\necho 'hi' <&>\n" {
		t.Errorf("user data %q", snapshot.UserData)
	}
	if size := snapshot.Spec.BlockDevices[1].EBS.VolumeSize; size == nil || *size != 5 {
		t.Errorf("the launch's spec has volume size %v, want 5", size)
	}
}

func TestRunInstancesRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{
		Images:        []awssim.Image{{ID: "ami-0aaaaaaaaaaaaaaa1", Architecture: "arm64", RootSizeGiB: 30}},
		MissingImages: []string{"ami-0aaaaaaaaaaaaaaa2"},
		KeyPairs:      []string{"known"},
		SecurityGroups: []awssim.SecurityGroup{
			{ID: "sg-00000000000000001", Name: "default"}, {ID: "sg-00000000000000002", Name: "elsewhere", VPC: "vpc-00000000000000009"},
		},
	})
	for name, test := range map[string]struct {
		change func(*ec2.RunInstancesInput)
		code   string
	}{
		"unknown type":       {func(in *ec2.RunInstancesInput) { in.InstanceType = "m5.enormous" }, "InvalidParameterValue"},
		"no type":            {func(in *ec2.RunInstancesInput) { in.InstanceType = "" }, "MissingParameter"},
		"no image":           {func(in *ec2.RunInstancesInput) { in.ImageId = nil }, "MissingParameter"},
		"malformed image":    {func(in *ec2.RunInstancesInput) { in.ImageId = aws.String("ami-nonsense") }, "InvalidAMIID.Malformed"},
		"missing image":      {func(in *ec2.RunInstancesInput) { in.ImageId = aws.String("ami-0aaaaaaaaaaaaaaa2") }, "InvalidAMIID.NotFound"},
		"wrong architecture": {func(in *ec2.RunInstancesInput) { in.ImageId = aws.String("ami-0aaaaaaaaaaaaaaa1") }, "InvalidParameterValue"},
		"unknown subnet":     {func(in *ec2.RunInstancesInput) { in.SubnetId = aws.String("subnet-0123456789abcdef0") }, "InvalidSubnetID.NotFound"},
		"unknown zone": {func(in *ec2.RunInstancesInput) {
			in.SubnetId = nil
			in.Placement = &types.Placement{AvailabilityZone: aws.String("us-east-1x")}
		}, "InvalidParameterValue"},
		"subnet in other zone": {func(in *ec2.RunInstancesInput) { in.Placement = &types.Placement{AvailabilityZone: aws.String(zoneB)} }, "InvalidParameterValue"},
		"unknown group":        {func(in *ec2.RunInstancesInput) { in.SecurityGroupIds = []string{"sg-0123456789abcdef0"} }, "InvalidGroup.NotFound"},
		"group of other VPC":   {func(in *ec2.RunInstancesInput) { in.SecurityGroupIds = []string{"sg-00000000000000002"} }, "InvalidParameter"},
		"unknown key":          {func(in *ec2.RunInstancesInput) { in.KeyName = aws.String("lost") }, "InvalidKeyPair.NotFound"},
		"unknown template": {func(in *ec2.RunInstancesInput) {
			in.LaunchTemplate = &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("none")}
		}, "InvalidLaunchTemplateName.NotFoundException"},
		"unknown template ID": {func(in *ec2.RunInstancesInput) {
			in.LaunchTemplate = &types.LaunchTemplateSpecification{LaunchTemplateId: aws.String("lt-0123456789abcdef0")}
		}, "InvalidLaunchTemplateId.NotFound"},
		"no count":      {func(in *ec2.RunInstancesInput) { in.MinCount = aws.Int32(0) }, "InvalidParameterValue"},
		"max below min": {func(in *ec2.RunInstancesInput) { in.MinCount = aws.Int32(9); in.MaxCount = aws.Int32(1) }, "InvalidParameterValue"},
		"user data":     {func(in *ec2.RunInstancesInput) { in.UserData = aws.String("no base64!") }, "InvalidUserData.Malformed"},
		"long user data": {func(in *ec2.RunInstancesInput) {
			in.UserData = aws.String(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 16<<10+1))))
		}, "InvalidParameterValue"},
		"AWS's own tag": {func(in *ec2.RunInstancesInput) {
			in.TagSpecifications = []types.TagSpecification{sdkTags(types.ResourceTypeInstance, "aws:mine", "x")}
		}, "InvalidParameterValue"},
		"duplicate tag": {func(in *ec2.RunInstancesInput) {
			in.TagSpecifications = []types.TagSpecification{sdkTags(types.ResourceTypeInstance, "a", "x", "a", "y")}
		}, "InvalidParameterValue"},
		"untaggable": {func(in *ec2.RunInstancesInput) {
			in.TagSpecifications = []types.TagSpecification{sdkTags(types.ResourceTypeVpc, "a", "x")}
		}, "InvalidParameterValue"},
		"subnet twice": {func(in *ec2.RunInstancesInput) {
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0), SubnetId: aws.String(subnetA)}}
		}, "InvalidParameterCombination"},
		"groups beside interfaces": {func(in *ec2.RunInstancesInput) {
			in.SubnetId, in.SecurityGroupIds = nil, []string{"sg-00000000000000001"}
			in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0), SubnetId: aws.String(subnetA)}}
		}, "InvalidParameterCombination"},
		"small root volume": {func(in *ec2.RunInstancesInput) {
			in.ImageId, in.InstanceType = aws.String("ami-0aaaaaaaaaaaaaaa1"), types.InstanceTypeM6gLarge
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(8)}}}
		}, "InvalidBlockDeviceMapping"},
		"io2 without iops": {func(in *ec2.RunInstancesInput) {
			in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{VolumeType: types.VolumeTypeIo2}}}
		}, "MissingParameter"},
		"persistent spot": {func(in *ec2.RunInstancesInput) {
			in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot, SpotOptions: &types.SpotMarketOptions{SpotInstanceType: types.SpotInstanceTypePersistent}}
		}, "UnsupportedOperation"},
		"low spot price": {func(in *ec2.RunInstancesInput) {
			in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot, SpotOptions: &types.SpotMarketOptions{MaxPrice: aws.String("0.001")}}
		}, "SpotMaxPriceTooLow"},
		"unsupported parameter": {func(in *ec2.RunInstancesInput) { in.PrivateIpAddress = aws.String("10.0.0.9") }, "UnknownParameter"},
		"long token":            {func(in *ec2.RunInstancesInput) { in.ClientToken = aws.String(strings.Repeat("x", 65)) }, "InvalidParameterValue"},
		"dry run":               {func(in *ec2.RunInstancesInput) { in.DryRun = aws.Bool(true) }, "DryRunOperation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			input := launchInput(1)
			test.change(input)
			_, err := w.ec2.RunInstances(t.Context(), input)
			wantCode(t, err, test.code)
			if n := len(w.Instances()); n != 0 {
				t.Errorf("%d instances exist after the refusal", n)
			}
		})
	}
}

func TestRunInstancesSpot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	input := launchInput(2)
	input.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot, SpotOptions: &types.SpotMarketOptions{MaxPrice: aws.String("1")}}
	input.TagSpecifications = []types.TagSpecification{sdkTags(types.ResourceTypeSpotInstancesRequest, "why", "cheap")}
	ids := w.run(t, input)
	w.run(t, launchInput(1))
	spot := w.describe(t, &ec2.DescribeInstancesInput{Filters: []types.Filter{filterOn("instance-lifecycle", "spot")}})
	if diff := cmp.Diff(ids, instanceIDs(spot)); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(aws.ToString(spot[0].SpotInstanceRequestId), "sir-") {
		t.Errorf("spot request ID %q", aws.ToString(spot[0].SpotInstanceRequestId))
	}
	tags, err := w.ec2.DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: []types.Filter{filterOn("resource-type", "spot-instances-request")}})
	wantCode(t, err, "")
	if len(tags.Tags) != 2 || *tags.Tags[0].Value != "cheap" {
		t.Errorf("tags of the spot requests: %v", tags.Tags)
	}
}

func TestRunInstancesResourceName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	input := launchInput(1)
	input.PrivateDnsNameOptions = &types.PrivateDnsNameOptionsRequest{HostnameType: types.HostnameTypeResourceName}
	id := w.run(t, input)[0]
	if got, want := *w.one(t, id).PrivateDnsName, id+".ec2.internal"; got != want {
		t.Errorf("private DNS name %q, want %q", got, want)
	}
}

func TestRunInstancesPublicAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	input := launchInput(1)
	input.SubnetId = nil
	input.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{
		DeviceIndex: aws.Int32(0), SubnetId: aws.String(subnetB), AssociatePublicIpAddress: aws.Bool(true), Groups: []string{"sg-00000000000000001"},
	}}
	i := w.one(t, w.run(t, input)[0])
	if *i.SubnetId != subnetB || *i.Placement.AvailabilityZone != zoneB || *i.PublicIpAddress != "198.18.0.1" || *i.PublicDnsName != "ec2-198-18-0-1.compute-1.amazonaws.com" {
		t.Errorf("subnet %s, zone %s, public address %s, name %s", *i.SubnetId, *i.Placement.AvailabilityZone, *i.PublicIpAddress, *i.PublicDnsName)
	}
}

func TestRunInstancesImageByParameter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{Parameters: map[string]string{"/site/image": testImage}})
	image := func(name string) string {
		input := launchInput(1)
		input.ImageId = aws.String("resolve:ssm:" + name)
		return *w.one(t, w.run(t, input)[0]).ImageId
	}
	if got := image("/site/image"); got != testImage {
		t.Errorf("listed parameter resolved to %s, want %s", got, testImage)
	}
	first, second, other := image("/aws/x86_64"), image("/aws/x86_64"), image("/aws/other")
	if first != second || first == other || !strings.HasPrefix(first, "ami-0") {
		t.Errorf("unlisted parameters resolved to %s, %s and %s", first, second, other)
	}
	arm := launchInput(1)
	arm.ImageId = aws.String("resolve:ssm:/aws/arm64")
	_, err := w.ec2.RunInstances(t.Context(), arm)
	wantCode(t, err, "InvalidParameterValue")
}
