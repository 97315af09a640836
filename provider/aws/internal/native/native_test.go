package native

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	groups "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// documents are those of a template with the given fields.
func documents(t *testing.T, mode Mode, fields string) Documents {
	t.Helper()
	s, err := spec.Decode(json.RawMessage(fields), nil)
	if err != nil {
		t.Fatal(err)
	}
	return Documents{
		Settings: Settings{Mode: mode},
		Facts: Facts{
			Template: ohfp.Template{ID: "compute"}, Spec: s, API: "EC2Fleet", Request: "req-1", Attempt: 1, Count: 4, OnDemand: 1, Spot: 3,
			UserData: base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n")),
			Tags:     []types.Tag{{Key: aws.String("ohfp:request-id"), Value: aws.String("req-1")}},
		},
		Path: func(path string) string { return path },
	}
}

func encoded(t *testing.T, input any) string {
	t.Helper()
	text, err := awsapi.Encode(input)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const typed = `"imageId": "ami-1", "vmTypes": {"m5.large": 2, "m5.xlarge": 4}, "priceType": "spot"`

func fleet() *ec2.CreateFleetInput {
	return &ec2.CreateFleetInput{
		ClientToken: aws.String("token"), Type: types.FleetTypeInstant,
		TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{TotalTargetCapacity: aws.Int32(4)},
		LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{{
			LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{LaunchTemplateName: aws.String("ohfp-1"), Version: aws.String("1")},
			Overrides: []types.FleetLaunchTemplateOverridesRequest{
				{InstanceType: "m5.large", WeightedCapacity: aws.Float64(2), SubnetId: aws.String("subnet-1")},
				{InstanceType: "m5.xlarge", WeightedCapacity: aws.Float64(4), SubnetId: aws.String("subnet-1")},
			},
		}},
		SpotOptions: &types.SpotOptionsRequest{AllocationStrategy: types.SpotAllocationStrategyPriceCapacityOptimized},
	}
}

func TestFleet(t *testing.T) {
	t.Parallel()
	const config = `{"LaunchTemplateSpecification":{"LaunchTemplateName":"ohfp-1","Version":"1"},"Overrides":`
	const original = config + `[{"InstanceType":"m5.large","SubnetId":"subnet-1","WeightedCapacity":2},{"InstanceType":"m5.xlarge","SubnetId":"subnet-1","WeightedCapacity":4}]}`
	const target = `"TargetCapacitySpecification":{"TotalTargetCapacity":4},"Type":"instant"}`
	for name, test := range map[string]struct {
		mode       Mode
		spec, want string
	}{
		"merge": {
			Merge, `{"SpotOptions": {"MinTargetCapacity": "{{ requested_count // 2 }}", "SingleInstanceType": true}, "Context": "{{ request_id }}"}`,
			`{"ClientToken":"token","Context":"req-1","LaunchTemplateConfigs":[` + original +
				`],"SpotOptions":{"AllocationStrategy":"price-capacity-optimized","MinTargetCapacity":2,"SingleInstanceType":true},` + target,
		},
		"merge takes away": {
			Merge, `{"SpotOptions": {"AllocationStrategy": null}}`,
			`{"ClientToken":"token","LaunchTemplateConfigs":[` + original + `],"SpotOptions":{},` + target,
		},
		"merge a list": {
			Merge, `{"LaunchTemplateConfigs": [{"Overrides": [{"InstanceType": "m5.large", "SubnetId": "subnet-2", "Priority": 1}]}]}`,
			`{"ClientToken":"token","LaunchTemplateConfigs":[` + config + `[{"InstanceType":"m5.large","Priority":1,"SubnetId":"subnet-2","WeightedCapacity":2}]}` +
				`],"SpotOptions":{"AllocationStrategy":"price-capacity-optimized"},` + target,
		},
		"replace": {
			Replace, `{"SpotOptions": {"AllocationStrategy": "diversified"}}`,
			`{"ClientToken":"token","LaunchTemplateConfigs":[` + original + `],"SpotOptions":{"AllocationStrategy":"diversified"},` + target,
		},
		"text": {
			Replace, `"{ {% if has_subnets %}\"Context\": 1{% else %}\"Context\": {{ template_id|tojson }}{% endif %} }"`,
			`{"ClientToken":"token","Context":"compute","LaunchTemplateConfigs":[` + original + `],` + target,
		},
	} {
		generated := fleet()
		got, err := Call(t.Context(), documents(t, test.mode, `{`+typed+`, "provider_api_spec": `+test.spec+`}`), generated)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(test.want, encoded(t, got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(fleet(), generated, cmpopts.IgnoreUnexported(ec2.CreateFleetInput{}, types.TargetCapacitySpecificationRequest{},
			types.FleetLaunchTemplateConfigRequest{}, types.FleetLaunchTemplateSpecificationRequest{}, types.FleetLaunchTemplateOverridesRequest{},
			types.SpotOptionsRequest{})); diff != "" {
			t.Errorf("%s changed the generated call (-before +after):\n%s", name, diff)
		}
	}
}

func TestNoDocument(t *testing.T) {
	t.Parallel()
	generated := fleet()
	d := documents(t, Merge, `{`+typed+`}`)
	d.Off = true
	if got, err := Call(t.Context(), d, generated); err != nil || got != generated {
		t.Errorf("without a document the call is %v, error %v", got, err)
	}
	content := &types.RequestLaunchTemplateData{}
	if got, err := d.LaunchTemplate(t.Context(), content); err != nil || got != content {
		t.Errorf("without a document the launch template is %v, error %v", got, err)
	}
}

func TestLaunchTemplate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const document = `{
		"UserData": "{{ (user_data ~ 'echo ' ~ template_id) | b64encode }}",
		"MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
		"BlockDeviceMappings": [{% for size in [10, 20] %}{"DeviceName": "/dev/sd{{ 'bc'[loop.index0] }}", "Ebs": {"VolumeSize": {{ size }}}}{{ ',' if not loop.last }}{% endfor %}]
	}`
	if err := os.WriteFile(filepath.Join(dir, "content.json"), []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	d := documents(t, Merge, `{`+typed+`, "launchTemplateSpecFile": "content.json"}`)
	d.Base = dir
	generated := &types.RequestLaunchTemplateData{ImageId: aws.String("ami-1"), KeyName: aws.String("key")}
	got, err := d.LaunchTemplate(t.Context(), generated)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"BlockDeviceMappings":[{"DeviceName":"/dev/sdb","Ebs":{"VolumeSize":10}},{"DeviceName":"/dev/sdc","Ebs":{"VolumeSize":20}}],"ImageId":"ami-1",` +
		`"KeyName":"key","MetadataOptions":{"HttpPutResponseHopLimit":2,"HttpTokens":"required"},` +
		`"UserData":"` + base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\necho compute")) + `"}`
	if diff := cmp.Diff(want, encoded(t, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	d.Mode = Replace
	if _, err := d.LaunchTemplate(t.Context(), generated); err == nil || !strings.Contains(err.Error(), "launch_template_spec_file: the launch template has no ImageId") {
		t.Errorf("a launch template without an image is refused with %v", err)
	}
}

func TestRunInstancesInterfaces(t *testing.T) {
	t.Parallel()
	generated := &ec2.RunInstancesInput{
		ClientToken: aws.String("token"), MinCount: aws.Int32(1), MaxCount: aws.Int32(4), InstanceType: "m5.large", SubnetId: aws.String("subnet-1"),
		SecurityGroupIds: []string{"sg-1"}, LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("ohfp-1")},
	}
	const head = `{"ClientToken":"token","InstanceType":"m5.large","LaunchTemplate":{"LaunchTemplateName":"ohfp-1"},"MaxCount":4,"MinCount":1,`
	for fields, want := range map[string]string{
		`{"NetworkInterfaces": [{"InterfaceType": "efa"}]}`: head +
			`"NetworkInterfaces":[{"DeviceIndex":0,"Groups":["sg-1"],"InterfaceType":"efa","SubnetId":"subnet-1"}]}`,
		`{"Placement": {"GroupName": "near"}}`: head + `"Placement":{"GroupName":"near"},"SubnetId":"subnet-1"}`,
	} {
		got, err := Call(t.Context(), documents(t, Replace, `{"imageId": "ami-1", "vmType": "m5.large", "provider_api_spec": `+fields+`}`), generated)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, encoded(t, got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", fields, diff)
		}
	}
}

// TestNothingIsReplaced: what makes AWS replace machines by itself is refused, what says that it does not is taken.
func TestNothingIsReplaced(t *testing.T) {
	t.Parallel()
	const rebalance = `{"CapacityRebalance": {"ReplacementStrategy": "launch"}}`
	for document, want := range map[string]string{
		`{"CapacityRebalance": true}`:  "CapacityRebalance may not be set: it would replace machines in use",
		`{"HealthCheckType": "ELB"}`:   "HealthCheckType may not be set: it would replace machines in use",
		`{"CapacityRebalance": false}`: "",
		`{"HealthCheckType": "EC2"}`:   "",
	} {
		_, err := Call(t.Context(), documents(t, Merge, `{`+typed+`, "provider_api_spec": `+document+`}`), &autoscaling.CreateAutoScalingGroupInput{})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s is refused with %v, want %q", document, err, want)
		}
	}
	d := documents(t, Replace, `{`+typed+`, "provider_api_spec": {"SpotOptions": {"MaintenanceStrategies": `+rebalance+`}}}`)
	if _, err := Call(t.Context(), d, fleet()); err == nil || !strings.Contains(err.Error(), "SpotOptions.MaintenanceStrategies may not be set") {
		t.Errorf("a fleet that rebalances is refused with %v", err)
	}
	d = documents(t, Merge, `{`+typed+`, "provider_api_spec": {"SpotMaintenanceStrategies": `+rebalance+`}}`)
	if _, err := Call(t.Context(), d, &types.SpotFleetRequestConfigData{}); err == nil || !strings.Contains(err.Error(), "SpotMaintenanceStrategies may not be set") {
		t.Errorf("a Spot Fleet that rebalances is refused with %v", err)
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	generated := &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("g"), MinSize: aws.Int32(0), MaxSize: aws.Int32(4),
		MixedInstancesPolicy: &groups.MixedInstancesPolicy{LaunchTemplate: &groups.LaunchTemplate{
			LaunchTemplateSpecification: &groups.LaunchTemplateSpecification{LaunchTemplateName: aws.String("ohfp-1")},
			Overrides:                   []groups.LaunchTemplateOverrides{{InstanceType: aws.String("m5.large"), WeightedCapacity: aws.String("2")}},
		}},
	}
	got, err := Call(t.Context(), documents(t, Merge, `{`+typed+`, "provider_api_spec": {"DefaultCooldown": 60,
		"MixedInstancesPolicy": {"LaunchTemplate": {"Overrides": [{"InstanceType": "m5.large"}, {"InstanceType": "m5.large"}]}}}}`), generated)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"AutoScalingGroupName":"g","DefaultCooldown":60,"MaxSize":4,"MinSize":0,"MixedInstancesPolicy":{"LaunchTemplate":{` +
		`"LaunchTemplateSpecification":{"LaunchTemplateName":"ohfp-1"},"Overrides":[{"InstanceType":"m5.large","WeightedCapacity":"2"},` +
		`{"InstanceType":"m5.large","WeightedCapacity":"2"}]}}}`
	if diff := cmp.Diff(want, encoded(t, got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]string{
		`"provider_api_spec": {"Contxt": "x"}`:               "provider_api_spec: Contxt is not known to AWS; did you mean Context?",
		`"provider_api_spec": {"SpotOptions": {"xyz": 1}}`:   "provider_api_spec: SpotOptions.xyz is not known to AWS; remove it",
		`"provider_api_spec": {"SpotOptions": []}`:           "provider_api_spec: SpotOptions: a list given, want an object",
		`"provider_api_spec": {"LaunchTemplateConfigs": {}}`: "provider_api_spec: LaunchTemplateConfigs: an object given, want a list",
		`"provider_api_spec": {"Context": "{{ nobody }}"}`:   "provider_api_spec: Context: template: line 1: nobody is undefined",
		`"provider_api_spec": "{{ 1 }}"`:                     "provider_api_spec: what was rendered is not a JSON object",
		`"provider_api_spec": "{\"Context\": 1"`:             "provider_api_spec: what was rendered is not a JSON object",
		`"provider_api_spec": [1]`:                           "provider_api_spec: not a JSON object",
		`"provider_api_spec_file": "/does/not/exist"`:        "provider_api_spec_file: open /does/not/exist",
		`"provider_api_spec": {"ClientToken": "x"}`:          "provider_api_spec: ClientToken may not be set: it makes the call safe to repeat",
		`"provider_api_spec": {"Type": null}`:                "provider_api_spec: Type may not be set: use fleetType",
		`"provider_api_spec": {"LaunchTemplateConfigs": [{"LaunchTemplateSpecification": {"LaunchTemplateId": "lt-1"}}]}`:        "LaunchTemplateConfigs[].LaunchTemplateSpecification may not be set: use launchTemplateId",
		`"provider_api_spec": {"LaunchTemplateConfigs": [{"Overrides": [{"InstanceType": "m5.large", "WeightedCapacity": 1}]}]}`: "LaunchTemplateConfigs[].Overrides[].WeightedCapacity may not be set: use vmTypes",
		`"provider_api_spec": {"LaunchTemplateConfigs": [{"Overrides": [{"InstanceType": "c5.large"}]}]}`:                        `LaunchTemplateConfigs[].Overrides: the machine type "c5.large" has no weight; add it to vmTypes`,
		`"launch_template_spec": {"InstanceType": "m5.large"}`:                                                                   "launch_template_spec: InstanceType and InstanceRequirements have no effect beside vmType",
		`"launch_template_spec": {"InstanceMarketOptions": {"MarketType": "spot"}}`:                                              "launch_template_spec: InstanceMarketOptions may not be set: use priceType",
		`"launch_template_spec": {"NetworkInterfaces": [{"SubnetId": "subnet-1"}]}`:                                              "launch_template_spec: NetworkInterfaces[].SubnetId may not be set: use subnetId",
		`"launch_template_spec": {"TagSpecifications": []}`:                                                                      "launch_template_spec: TagSpecifications may not be set: use instanceTags",
		`"launch_template_spec": {"NetworkInterfaces": [{}], "SecurityGroupIds": ["sg-1"]}`:                                      "launch_template_spec: NetworkInterfaces and securityGroupIds rule each other out",
	} {
		d := documents(t, Merge, `{`+typed+`, `+fields+`}`)
		_, err := Call(t.Context(), d, fleet())
		if err == nil {
			_, err = d.LaunchTemplate(t.Context(), &types.RequestLaunchTemplateData{ImageId: aws.String("ami-1")})
		}
		if err == nil || !errors.Is(err, ohfp.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is refused with %v, want %s", fields, err, want)
		}
		d.Off = true
		if _, err := Call(t.Context(), d, fleet()); err == nil {
			_, err = d.LaunchTemplate(t.Context(), &types.RequestLaunchTemplateData{})
			if err == nil || !strings.Contains(err.Error(), "documents are switched off") {
				t.Errorf("switched off, %s gives %v", fields, err)
			}
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Settings{
		`{}`: {Mode: Merge},
		`{"enabled": false, "merge_mode": "replace", "spec_file_base_path": "specs/aws"}`: {Off: true, Mode: Replace, Base: "specs/aws"},
	} {
		var got Settings
		if err := json.Unmarshal([]byte(in), &got); err != nil || got != want {
			t.Errorf("%s is read as %+v, error %v", in, got, err)
		}
	}
	for in, want := range map[string]string{
		`{"merge_mode": "append"}`: `merge_mode "append" is not known; use merge or replace`,
		`{"mergemode": "merge"}`:   "mergemode is not known; did you mean merge_mode?",
	} {
		if err := json.Unmarshal([]byte(in), new(Settings)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is refused with %v, want %s", in, err, want)
		}
	}
}

// TestReference: what documents may be rendered with is written down.
func TestReference(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "reference", "aws.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, variables, found := strings.Cut(string(page), "## Documents")
	if !found {
		t.Fatal("the page has no part about documents")
	}
	known, err := Facts{}.variables()
	if err != nil {
		t.Fatal(err)
	}
	for name := range known {
		if !strings.Contains(variables, "`"+name+"`") {
			t.Errorf("the variable %s is not in the reference", name)
		}
	}
}
