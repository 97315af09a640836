package awssim_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

func TestDescribeInstanceTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{InstanceTypes: []awssim.InstanceType{{Name: "hpc9.huge", VCPUs: 192, MemoryMiB: 786432, Architectures: []string{"arm64"}}}})
	type shape struct {
		VCPUs, Cores, Threads int32
		MiB                   int64
		Arch                  types.ArchitectureType
	}
	// From AWS's instance type pages.
	want := map[string]shape{
		"t2.micro": {1, 1, 1, 1024, "i386"}, "t2.medium": {2, 2, 1, 4096, "i386"}, "t3.nano": {2, 1, 2, 512, "x86_64"},
		"t3.medium": {2, 1, 2, 4096, "x86_64"}, "t3a.2xlarge": {8, 4, 2, 32768, "x86_64"}, "t4g.small": {2, 2, 1, 2048, "arm64"},
		"m5.xlarge": {4, 2, 2, 16384, "x86_64"}, "m5.24xlarge": {96, 48, 2, 393216, "x86_64"}, "m6g.medium": {1, 1, 1, 4096, "arm64"},
		"m7a.large": {2, 2, 1, 8192, "x86_64"}, "c5.9xlarge": {36, 18, 2, 73728, "x86_64"}, "c6i.32xlarge": {128, 64, 2, 262144, "x86_64"},
		"c7g.16xlarge": {64, 64, 1, 131072, "arm64"}, "r5.large": {2, 1, 2, 16384, "x86_64"}, "r7i.48xlarge": {192, 96, 2, 1572864, "x86_64"},
		"hpc9.huge": {192, 192, 1, 786432, "arm64"},
	}
	input := &ec2.DescribeInstanceTypesInput{}
	for name := range want {
		input.InstanceTypes = append(input.InstanceTypes, types.InstanceType(name))
	}
	out, err := w.ec2.DescribeInstanceTypes(t.Context(), input)
	wantCode(t, err, "")
	got := map[string]shape{}
	for _, i := range out.InstanceTypes {
		got[string(i.InstanceType)] = shape{*i.VCpuInfo.DefaultVCpus, *i.VCpuInfo.DefaultCores, *i.VCpuInfo.DefaultThreadsPerCore, *i.MemoryInfo.SizeInMiB, i.ProcessorInfo.SupportedArchitectures[0]}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err = w.ec2.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"m5.large", "m5.enormous"}})
	wantCode(t, err, "InvalidInstanceType")
	_, err = w.ec2.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"m5.large"}, MaxResults: aws.Int32(5)})
	wantCode(t, err, "InvalidParameterCombination")
}

func TestDescribeInstanceTypesPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	pages := ec2.NewDescribeInstanceTypesPaginator(w.ec2, &ec2.DescribeInstanceTypesInput{})
	var names []string
	count := 0
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		wantCode(t, err, "")
		if count++; len(out.InstanceTypes) > 100 {
			t.Errorf("%d types on a page, EC2 gives 100 at most", len(out.InstanceTypes))
		}
		for _, i := range out.InstanceTypes {
			names = append(names, string(i.InstanceType))
		}
	}
	if count < 2 || !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("%d types on %d pages, want each once on several", len(names), count)
	}
	out, err := w.ec2.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{Filters: []types.Filter{
		filterOn("instance-type", "m?g.*"), filterOn("processor-info.supported-architecture", "arm64"), filterOn("vcpu-info.default-vcpus", "4"),
	}})
	wantCode(t, err, "")
	var filtered []types.InstanceType
	for _, i := range out.InstanceTypes {
		filtered = append(filtered, i.InstanceType)
	}
	if diff := cmp.Diff([]types.InstanceType{"m6g.xlarge", "m7g.xlarge"}, filtered); diff != "" {
		t.Error(diff)
	}
}

func TestDescribeImages(t *testing.T) {
	t.Parallel()
	listed := awssim.Image{ID: "ami-0aaaaaaaaaaaaaaa1", Name: "compute", RootDevice: "/dev/sda1", Architecture: "arm64", RootSizeGiB: 30}
	w := newWorld(t, awssim.Options{Images: []awssim.Image{listed}, MissingImages: []string{"ami-0aaaaaaaaaaaaaaa2"}})
	image := func(w *world, id string) (types.Image, error) {
		out, err := w.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{id}})
		if err != nil {
			return types.Image{}, err
		}
		return out.Images[0], nil
	}
	got, err := image(w, listed.ID)
	wantCode(t, err, "")
	if *got.RootDeviceName != "/dev/sda1" || got.Architecture != types.ArchitectureValuesArm64 || *got.BlockDeviceMappings[0].DeviceName != "/dev/sda1" || *got.BlockDeviceMappings[0].Ebs.VolumeSize != 30 || got.State != types.ImageStateAvailable {
		t.Errorf("listed image: %+v", got)
	}
	got, err = image(w, testImage)
	wantCode(t, err, "")
	if *got.RootDeviceName != "/dev/xvda" || got.Architecture != types.ArchitectureValuesX8664 {
		t.Errorf("image that is not listed: %+v", got)
	}
	_, err = image(w, "ami-0aaaaaaaaaaaaaaa2")
	wantCode(t, err, "InvalidAMIID.NotFound")
	_, err = image(w, "ami-x")
	wantCode(t, err, "InvalidAMIID.Malformed")
	_, err = image(w, "resolve:ssm:/site/image")
	wantCode(t, err, "InvalidAMIID.Malformed")
	all, err := w.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{"self"}, Filters: []types.Filter{filterOn("name", "comp*")}})
	wantCode(t, err, "")
	if len(all.Images) != 1 || *all.Images[0].ImageId != listed.ID {
		t.Errorf("images by owner and name: %+v", all.Images)
	}
	strict := newWorld(t, awssim.Options{StrictImages: true})
	_, err = image(strict, testImage)
	wantCode(t, err, "InvalidAMIID.NotFound")
}

func TestDescribeNetworks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.run(t, launchInput(5))
	subnets, err := w.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{subnetA, subnetB}})
	wantCode(t, err, "")
	type row struct {
		ID, Zone, CIDR string
		Free           int32
	}
	var got []row
	for _, s := range subnets.Subnets {
		got = append(got, row{*s.SubnetId, *s.AvailabilityZone, *s.CidrBlock, *s.AvailableIpAddressCount})
	}
	if diff := cmp.Diff([]row{{subnetA, zoneA, "10.0.0.0/20", 4086}, {subnetB, zoneB, "10.0.16.0/20", 4091}}, got); diff != "" {
		t.Error(diff)
	}
	filtered, err := w.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{Filters: []types.Filter{filterOn("availability-zone", zoneC)}})
	wantCode(t, err, "")
	if len(filtered.Subnets) != 1 || *filtered.Subnets[0].SubnetId != subnetC {
		t.Errorf("subnets of %s: %+v", zoneC, filtered.Subnets)
	}
	_, err = w.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{SubnetIds: []string{"subnet-0123456789abcdef0"}})
	wantCode(t, err, "InvalidSubnetID.NotFound")

	groups, err := w.ec2.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupNames: []string{"default"}})
	wantCode(t, err, "")
	vpcs, err := w.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{*groups.SecurityGroups[0].VpcId}})
	wantCode(t, err, "")
	if len(groups.SecurityGroups) != 1 || len(vpcs.Vpcs) != 1 || *vpcs.Vpcs[0].VpcId != *subnets.Subnets[0].VpcId {
		t.Errorf("groups %+v, VPCs %+v", groups.SecurityGroups, vpcs.Vpcs)
	}
	_, err = w.ec2.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{"sg-0123456789abcdef0"}})
	wantCode(t, err, "InvalidGroup.NotFound")
	_, err = w.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-0123456789abcdef0"}})
	wantCode(t, err, "InvalidVpcID.NotFound")
}
