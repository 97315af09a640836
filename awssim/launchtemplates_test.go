package awssim_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openhostfactory/ohfp/awssim"
)

func fullTemplate() *types.RequestLaunchTemplateData {
	return &types.RequestLaunchTemplateData{
		ImageId: aws.String("resolve:ssm:/aws/x86_64"), InstanceType: types.InstanceTypeM5Large, KeyName: aws.String("k"), UserData: aws.String("aGVsbG8="),
		EbsOptimized: aws.Bool(true), DisableApiTermination: aws.Bool(false), InstanceInitiatedShutdownBehavior: types.ShutdownBehaviorTerminate,
		IamInstanceProfile: &types.LaunchTemplateIamInstanceProfileSpecificationRequest{Arn: aws.String("arn:aws:iam::123456789012:instance-profile/w")},
		Monitoring:         &types.LaunchTemplatesMonitoringRequest{Enabled: aws.Bool(true)},
		BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMappingRequest{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.LaunchTemplateEbsBlockDeviceRequest{
			VolumeSize: aws.Int32(30), VolumeType: types.VolumeTypeGp3, Iops: aws.Int32(3000), Throughput: aws.Int32(125), Encrypted: aws.Bool(true), DeleteOnTermination: aws.Bool(true), KmsKeyId: aws.String("key"),
		}}},
		NetworkInterfaces: []types.LaunchTemplateInstanceNetworkInterfaceSpecificationRequest{{
			DeviceIndex: aws.Int32(0), SubnetId: aws.String(subnetB), Groups: []string{"sg-00000000000000001"}, AssociatePublicIpAddress: aws.Bool(false), InterfaceType: aws.String("efa"),
		}},
		MetadataOptions:       &types.LaunchTemplateInstanceMetadataOptionsRequest{HttpTokens: types.LaunchTemplateHttpTokensStateRequired, HttpPutResponseHopLimit: aws.Int32(3)},
		Placement:             &types.LaunchTemplatePlacementRequest{GroupName: aws.String("pg"), Tenancy: types.TenancyDefault},
		InstanceMarketOptions: &types.LaunchTemplateInstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot, SpotOptions: &types.LaunchTemplateSpotMarketOptionsRequest{MaxPrice: aws.String("0.5")}},
		TagSpecifications:     []types.LaunchTemplateTagSpecificationRequest{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("template")}, {Key: aws.String("b"), Value: aws.String("template")}}}},
		CreditSpecification:   &types.CreditSpecificationRequest{CpuCredits: aws.String("unlimited")},
		LicenseSpecifications: []types.LaunchTemplateLicenseConfigurationRequest{{LicenseConfigurationArn: aws.String("arn:license")}},
		PrivateDnsNameOptions: &types.LaunchTemplatePrivateDnsNameOptionsRequest{HostnameType: types.HostnameTypeIpName, EnableResourceNameDnsARecord: aws.Bool(true)},
	}
}

func TestLaunchTemplateComesBackAsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	_, err := w.ec2.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("full"), VersionDescription: aws.String("first"), LaunchTemplateData: fullTemplate()})
	wantCode(t, err, "")
	out, err := w.ec2.DescribeLaunchTemplateVersions(t.Context(), &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateName: aws.String("full"), Versions: []string{"$Default"}})
	wantCode(t, err, "")
	sent := fullTemplate()
	want := &types.ResponseLaunchTemplateData{
		ImageId: sent.ImageId, InstanceType: sent.InstanceType, KeyName: sent.KeyName, UserData: sent.UserData, EbsOptimized: sent.EbsOptimized,
		DisableApiTermination: sent.DisableApiTermination, InstanceInitiatedShutdownBehavior: sent.InstanceInitiatedShutdownBehavior,
		IamInstanceProfile: &types.LaunchTemplateIamInstanceProfileSpecification{Arn: sent.IamInstanceProfile.Arn},
		Monitoring:         &types.LaunchTemplatesMonitoring{Enabled: aws.Bool(true)},
		BlockDeviceMappings: []types.LaunchTemplateBlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.LaunchTemplateEbsBlockDevice{
			VolumeSize: aws.Int32(30), VolumeType: types.VolumeTypeGp3, Iops: aws.Int32(3000), Throughput: aws.Int32(125), Encrypted: aws.Bool(true), DeleteOnTermination: aws.Bool(true), KmsKeyId: aws.String("key"),
		}}},
		NetworkInterfaces: []types.LaunchTemplateInstanceNetworkInterfaceSpecification{{
			DeviceIndex: aws.Int32(0), SubnetId: aws.String(subnetB), Groups: []string{"sg-00000000000000001"}, AssociatePublicIpAddress: aws.Bool(false), InterfaceType: aws.String("efa"),
		}},
		MetadataOptions:       &types.LaunchTemplateInstanceMetadataOptions{HttpTokens: types.LaunchTemplateHttpTokensStateRequired, HttpPutResponseHopLimit: aws.Int32(3)},
		Placement:             &types.LaunchTemplatePlacement{GroupName: aws.String("pg"), Tenancy: types.TenancyDefault},
		InstanceMarketOptions: &types.LaunchTemplateInstanceMarketOptions{MarketType: types.MarketTypeSpot, SpotOptions: &types.LaunchTemplateSpotMarketOptions{MaxPrice: aws.String("0.5")}},
		TagSpecifications:     []types.LaunchTemplateTagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: sent.TagSpecifications[0].Tags}},
		CreditSpecification:   &types.CreditSpecification{CpuCredits: aws.String("unlimited")},
		LicenseSpecifications: []types.LaunchTemplateLicenseConfiguration{{LicenseConfigurationArn: aws.String("arn:license")}},
		PrivateDnsNameOptions: &types.LaunchTemplatePrivateDnsNameOptions{HostnameType: types.HostnameTypeIpName, EnableResourceNameDnsARecord: aws.Bool(true)},
	}
	if diff := cmp.Diff(want, out.LaunchTemplateVersions[0].LaunchTemplateData, cmpopts.IgnoreUnexported(templateTypes()...)); diff != "" {
		t.Error(diff)
	}
	if d := aws.ToString(out.LaunchTemplateVersions[0].VersionDescription); d != "first" {
		t.Errorf("description %q, want first", d)
	}
}

func TestLaunchTemplateVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	id := w.template(t, "workers")
	_, err := w.ec2.CreateLaunchTemplateVersion(t.Context(), &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: aws.String(id), SourceVersion: aws.String("1"), LaunchTemplateData: &types.RequestLaunchTemplateData{InstanceType: types.InstanceTypeC5Xlarge},
	})
	wantCode(t, err, "")
	launched := func(version string) string {
		out, err := w.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
			LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("workers"), Version: aws.String(version)}, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		})
		wantCode(t, err, "")
		return string(out.Instances[0].InstanceType)
	}
	got := []string{launched(""), launched("$Default"), launched("$Latest"), launched("1"), launched("2")}
	if diff := cmp.Diff([]string{"m5.large", "m5.large", "c5.xlarge", "m5.large", "c5.xlarge"}, got); diff != "" {
		t.Error(diff)
	}
	_, err = w.ec2.ModifyLaunchTemplate(t.Context(), &ec2.ModifyLaunchTemplateInput{LaunchTemplateId: aws.String(id), DefaultVersion: aws.String("2")})
	wantCode(t, err, "")
	if got := launched("$Default"); got != "c5.xlarge" {
		t.Errorf("default version launches %s after it was changed, want c5.xlarge", got)
	}
	for _, test := range []struct {
		input ec2.DescribeLaunchTemplateVersionsInput
		want  []int64
		code  string
	}{
		{ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(id)}, []int64{1, 2}, ""},
		{ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(id), MinVersion: aws.String("2")}, []int64{2}, ""},
		{ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(id), MaxVersion: aws.String("1")}, []int64{1}, ""},
		{ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(id), Versions: []string{"$Latest", "2"}}, []int64{2}, ""},
		{ec2.DescribeLaunchTemplateVersionsInput{Versions: []string{"$Default"}}, []int64{2}, ""},
		{ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(id), Filters: []types.Filter{filterOn("is-default-version", "false")}}, []int64{1}, ""},
		{ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(id), Versions: []string{"3"}}, nil, "InvalidLaunchTemplateId.VersionNotFound"},
		{ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: aws.String(id), Versions: []string{"new"}}, nil, "InvalidParameterValue"},
		{ec2.DescribeLaunchTemplateVersionsInput{}, nil, "MissingParameter"},
	} {
		out, err := w.ec2.DescribeLaunchTemplateVersions(t.Context(), &test.input)
		wantCode(t, err, test.code)
		var numbers []int64
		if err == nil {
			for _, v := range out.LaunchTemplateVersions {
				numbers = append(numbers, *v.VersionNumber)
			}
		}
		if diff := cmp.Diff(test.want, numbers); diff != "" {
			t.Errorf("versions of %+v: %s", test.input, diff)
		}
	}
	snapshot := w.LaunchTemplates()
	if len(snapshot) != 1 || len(snapshot[0].Versions) != 2 || snapshot[0].DefaultVersion != 2 || snapshot[0].Versions[1].Spec.ImageID != testImage {
		t.Errorf("snapshot %+v", snapshot)
	}
}

func TestRunInstancesOverridesTemplate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	_, err := w.ec2.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("full"), LaunchTemplateData: fullTemplate()})
	wantCode(t, err, "")
	for range 2 {
		// Twice, because the first launch must not have changed the template.
		out, err := w.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
			LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("full")}, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
			InstanceType: types.InstanceTypeM5Xlarge, Placement: &types.Placement{Tenancy: types.TenancyDedicated},
			BlockDeviceMappings: []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(99)}}},
			TagSpecifications:   []types.TagSpecification{sdkTags(types.ResourceTypeInstance, "b", "call", "c", "call")},
		})
		wantCode(t, err, "")
		i := out.Instances[0]
		got := map[string]string{"type": string(i.InstanceType), "group": *i.Placement.GroupName, "tenancy": string(i.Placement.Tenancy), "subnet": *i.SubnetId, "lifecycle": string(i.InstanceLifecycle)}
		for _, tag := range i.Tags {
			got[*tag.Key] = *tag.Value
		}
		want := map[string]string{
			"type": "m5.xlarge", "group": "pg", "tenancy": "dedicated", "subnet": subnetB, "lifecycle": "spot", "a": "template", "b": "call", "c": "call",
			"aws:ec2launchtemplate:id": w.LaunchTemplates()[0].ID, "aws:ec2launchtemplate:version": "1",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	device := w.Instances()[1].Spec.BlockDevices[0].EBS
	if *device.VolumeSize != 99 || *device.IOPS != 3000 {
		t.Errorf("root volume %d GiB with %d IOPS, want the call's 99 and the template's 3000", *device.VolumeSize, *device.IOPS)
	}
	if spec := w.LaunchTemplates()[0].Versions[0].Spec; spec.Placement.Tenancy != "default" || *spec.BlockDevices[0].EBS.VolumeSize != 30 || len(spec.Tags[0].Tags) != 2 {
		t.Errorf("the launch changed the template: %+v", spec)
	}
}

func TestLaunchTemplateNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	create := func(name, token, kind string) (string, error) {
		out, err := w.ec2.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{
			LaunchTemplateName: aws.String(name), ClientToken: aws.String(token), LaunchTemplateData: &types.RequestLaunchTemplateData{InstanceType: types.InstanceType(kind)},
			TagSpecifications: []types.TagSpecification{sdkTags(types.ResourceTypeLaunchTemplate, "owner", name)},
		})
		if err != nil {
			return "", err
		}
		return *out.LaunchTemplate.LaunchTemplateId, nil
	}
	first, err := create("one", "t1", "m5.large")
	wantCode(t, err, "")
	again, err := create("one", "t1", "m5.large")
	wantCode(t, err, "")
	if first != again {
		t.Errorf("templates %s and %s from one token", first, again)
	}
	_, err = create("one", "t1", "m5.xlarge")
	wantCode(t, err, "IdempotentParameterMismatch")
	_, err = create("one", "t2", "m5.large")
	wantCode(t, err, "InvalidLaunchTemplateName.AlreadyExistsException")
	_, err = create("a", "t3", "m5.large")
	wantCode(t, err, "InvalidLaunchTemplateName.MalformedException")
	_, err = create("two", "t4", "m5.large")
	wantCode(t, err, "")

	for _, test := range []struct {
		input ec2.DescribeLaunchTemplatesInput
		want  []string
		code  string
	}{
		{ec2.DescribeLaunchTemplatesInput{}, []string{"one", "two"}, ""},
		{ec2.DescribeLaunchTemplatesInput{LaunchTemplateNames: []string{"two"}}, []string{"two"}, ""},
		{ec2.DescribeLaunchTemplatesInput{LaunchTemplateIds: []string{first}}, []string{"one"}, ""},
		{ec2.DescribeLaunchTemplatesInput{Filters: []types.Filter{filterOn("tag:owner", "tw*")}}, []string{"two"}, ""},
		{ec2.DescribeLaunchTemplatesInput{Filters: []types.Filter{filterOn("launch-template-name", "o*")}}, []string{"one"}, ""},
		{ec2.DescribeLaunchTemplatesInput{LaunchTemplateNames: []string{"one", "three"}}, nil, "InvalidLaunchTemplateName.NotFoundException"},
		{ec2.DescribeLaunchTemplatesInput{LaunchTemplateIds: []string{"lt-0123456789abcdef0"}}, nil, "InvalidLaunchTemplateId.NotFound"},
		{ec2.DescribeLaunchTemplatesInput{LaunchTemplateIds: []string{"one"}}, nil, "InvalidLaunchTemplateId.Malformed"},
	} {
		out, err := w.ec2.DescribeLaunchTemplates(t.Context(), &test.input)
		wantCode(t, err, test.code)
		var names []string
		if err == nil {
			for _, l := range out.LaunchTemplates {
				names = append(names, *l.LaunchTemplateName)
			}
		}
		if diff := cmp.Diff(test.want, names); diff != "" {
			t.Errorf("templates of %+v: %s", test.input, diff)
		}
	}

	var paged []string
	pages := ec2.NewDescribeLaunchTemplatesPaginator(w.ec2, &ec2.DescribeLaunchTemplatesInput{MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		wantCode(t, err, "")
		paged = append(paged, *out.LaunchTemplates[0].LaunchTemplateName)
	}
	if diff := cmp.Diff([]string{"one", "two"}, paged); diff != "" {
		t.Error(diff)
	}

	_, err = w.ec2.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{LaunchTemplateName: aws.String("one")})
	wantCode(t, err, "")
	_, err = w.ec2.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: aws.String(first)})
	wantCode(t, err, "InvalidLaunchTemplateId.NotFound")
	_, err = create("one", "t5", "m5.large")
	wantCode(t, err, "")
}

// templateTypes are those whose unexported marker cmp must not look at.
func templateTypes() []any {
	return []any{
		types.ResponseLaunchTemplateData{},
		types.LaunchTemplateIamInstanceProfileSpecification{},
		types.LaunchTemplatesMonitoring{},
		types.LaunchTemplateBlockDeviceMapping{},
		types.LaunchTemplateEbsBlockDevice{},
		types.LaunchTemplateInstanceNetworkInterfaceSpecification{},
		types.LaunchTemplateInstanceMetadataOptions{},
		types.LaunchTemplatePlacement{},
		types.LaunchTemplateInstanceMarketOptions{},
		types.LaunchTemplateSpotMarketOptions{},
		types.LaunchTemplateTagSpecification{},
		types.Tag{},
		types.CreditSpecification{},
		types.LaunchTemplateLicenseConfiguration{},
		types.LaunchTemplatePrivateDnsNameOptions{},
	}
}
