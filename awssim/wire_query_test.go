package awssim

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

type querySample struct {
	Name   string    `query:"Name"`
	Count  *int      `query:"Count"`
	Price  float64   `query:"Price"`
	On     *bool     `query:"On"`
	Until  time.Time `query:"Until"`
	Values []string  `query:"Value"`
	Inner  *struct {
		Tags []Tag `query:"Tag"`
	} `query:"Inner"`
	pageInput
}

func TestDecodeQuery(t *testing.T) {
	t.Parallel()
	var got querySample
	form := url.Values{
		"Action": {"Sample"}, "Name": {"n"}, "Count": {"0"}, "Price": {"1.5"}, "On": {"false"}, "Until": {"2026-01-02T03:04:05Z"},
		"Value.10": {"third"}, "Value.2": {"second"}, "Value.1": {"first"},
		"Inner.Tag.1.Key": {"k"}, "Inner.Tag.1.Value": {""}, "NextToken": {"x"},
	}
	if err := decodeQuery(form, &got, "Action"); err != nil {
		t.Fatal(err)
	}
	want := querySample{
		Name: "n", Count: new(int), Price: 1.5, On: new(bool), Until: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Values: []string{"first", "second", "third"}, pageInput: pageInput{NextToken: "x"},
	}
	want.Inner = &struct {
		Tags []Tag `query:"Tag"`
	}{[]Tag{{"k", ""}}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(querySample{})); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeQueryRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		form url.Values
		code string
		says string
	}{
		"unknown parameter":          {url.Values{"Nme": {"x"}}, "UnknownParameter", "Nme"},
		"unknown member":             {url.Values{"Inner.Tag.1.Kye": {"x"}}, "UnknownParameter", "Inner.Tag.1.Kye"},
		"list without index":         {url.Values{"Value": {"x"}}, "UnknownParameter", "Value"},
		"index zero":                 {url.Values{"Value.0": {"x"}}, "UnknownParameter", "Value.0"},
		"index with a leading zero":  {url.Values{"Value.01": {"x"}}, "UnknownParameter", "Value.01"},
		"structure given as a value": {url.Values{"Inner": {"x"}}, "UnknownParameter", "Inner"},
		"value given as a structure": {url.Values{"Name.First": {"x"}}, "UnknownParameter", "Name.First"},
		"number":                     {url.Values{"Count": {"many"}}, "InvalidParameterValue", "Count"},
		"empty number":               {url.Values{"Count": {""}}, "InvalidParameterValue", "Count"},
		"bool":                       {url.Values{"On": {"True"}}, "InvalidParameterValue", "On"},
		"time":                       {url.Values{"Until": {"tomorrow"}}, "InvalidParameterValue", "Until"},
		"twice":                      {url.Values{"Name": {"a", "b"}}, "InvalidParameterValue", "Name"},
		"empty part":                 {url.Values{"Inner..Tag": {"a"}}, "UnknownParameter", "Inner..Tag"},
		"too deep":                   {url.Values{strings.Repeat("a.", 99) + "a": {"a"}}, "UnknownParameter", "a.a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var into querySample
			err := decodeQuery(test.form, &into)
			var got *apiError
			if !errors.As(err, &got) || got.Code != test.code || !strings.Contains(got.Message, test.says) {
				t.Errorf("got %v, want %s about %s", err, test.code, test.says)
			}
		})
	}
}

// decodedInputs are the operations whose decoders the SDK's own recorded requests test.
func decodedInputs() map[operationName]any {
	all := map[operationName]any{}
	for service, inputs := range map[string]map[string]any{serviceEC2: ec2Inputs(), serviceASG: asgInputs(), serviceSTS: stsInputs(), serviceSSM: ssmInputs(), serviceSQS: sqsInputs()} {
		for action, in := range inputs {
			all[operationName{service, action}] = in
		}
	}
	return all
}

func stsInputs() map[string]any {
	return map[string]any{
		"GetCallerIdentity": &getCallerIdentityInput{}, "AssumeRole": &assumeRoleInput{},
	}
}

func ssmInputs() map[string]any {
	return map[string]any{
		"GetParameter": &getParameterInput{}, "GetParameters": &getParametersInput{},
	}
}

func sqsInputs() map[string]any {
	return map[string]any{
		"GetQueueUrl": &getQueueURLInput{}, "CreateQueue": &createQueueInput{}, "SendMessage": &sendMessageInput{},
		"ReceiveMessage": &receiveMessageInput{}, "DeleteMessage": &deleteMessageInput{}, "DeleteMessageBatch": &deleteMessageBatchInput{},
	}
}

func asgInputs() map[string]any {
	return map[string]any{
		"CreateAutoScalingGroup": &createGroupInput{}, "UpdateAutoScalingGroup": &updateGroupInput{}, "DeleteAutoScalingGroup": &deleteGroupInput{},
		"SetDesiredCapacity": &setDesiredCapacityInput{}, "SetInstanceProtection": &setInstanceProtectionInput{},
		"SuspendProcesses": &processesInput{}, "ResumeProcesses": &processesInput{}, "DetachInstances": &detachInstancesInput{},
		"TerminateInstanceInAutoScalingGroup": &terminateInGroupInput{}, "CreateOrUpdateTags": &groupTagsInput{},
		"DeleteTags": &groupTagsInput{}, "DescribeTags": &describeGroupTagsInput{},
		"DescribeAutoScalingGroups": &describeGroupsInput{}, "DescribeAutoScalingInstances": &describeGroupInstancesInput{},
		"DescribeScalingActivities": &describeScalingActivitiesInput{},
	}
}

func ec2Inputs() map[string]any {
	return map[string]any{
		"RunInstances": &runInstancesInput{}, "TerminateInstances": &terminateInstancesInput{},
		"DescribeInstances": &describeInstancesInput{}, "DescribeInstanceStatus": &describeInstanceStatusInput{},
		"CreateFleet": &createFleetInput{}, "DescribeFleets": &describeFleetsInput{}, "DeleteFleets": &deleteFleetsInput{},
		"DescribeFleetInstances": &describeFleetInstancesInput{}, "DescribeFleetHistory": &describeFleetHistoryInput{}, "ModifyFleet": &modifyFleetInput{},
		"RequestSpotFleet": &requestSpotFleetInput{}, "DescribeSpotFleetRequests": &describeSpotFleetRequestsInput{},
		"DescribeSpotFleetInstances": &describeSpotFleetInstancesInput{}, "DescribeSpotFleetRequestHistory": &describeSpotFleetRequestHistoryInput{},
		"ModifySpotFleetRequest": &modifySpotFleetRequestInput{}, "CancelSpotFleetRequests": &cancelSpotFleetRequestsInput{},
		"DescribeSpotInstanceRequests": &describeSpotInstanceRequestsInput{}, "DescribeSpotPriceHistory": &describeSpotPriceHistoryInput{},
		"CreateLaunchTemplate": &createLaunchTemplateInput{}, "CreateLaunchTemplateVersion": &createLaunchTemplateVersionInput{},
		"ModifyLaunchTemplate": &modifyLaunchTemplateInput{}, "DeleteLaunchTemplate": &deleteLaunchTemplateInput{},
		"DescribeLaunchTemplates": &describeLaunchTemplatesInput{}, "DescribeLaunchTemplateVersions": &describeLaunchTemplateVersionsInput{},
		"GetInstanceTypesFromInstanceRequirements": &requirementsInput{}, "DescribeInstanceTypeOfferings": &describeOfferingsInput{},
		"DescribeKeyPairs": &describeKeyPairsInput{}, "StopInstances": &stopInstancesInput{}, "StartInstances": &startInstancesInput{},
		"ModifyInstanceAttribute": &modifyInstanceAttributeInput{},
		"CreateTags":              &createTagsInput{}, "DeleteTags": &deleteTagsInput{}, "DescribeTags": &describeTagsInput{},
		"DescribeInstanceTypes": &describeInstanceTypesInput{}, "DescribeImages": &describeImagesInput{},
		"DescribeSubnets": &describeSubnetsInput{}, "DescribeVpcs": &describeVPCsInput{},
		"DescribeSecurityGroups": &describeSecurityGroupsInput{},
	}
}

// TestRecordedRequests decodes the requests that the SDK's modules carry as snapshots: every parameter of every operation.
// What is decoded must encode to the same parameters again; what is refused is listed in a golden file.
func TestRecordedRequests(t *testing.T) {
	t.Parallel()
	inputs := decodedInputs()
	for action := range operations() {
		if inputs[action] == nil {
			t.Errorf("operation %s is not tested", action)
		}
	}
	var refused strings.Builder
	directories := map[string]string{}
	for _, service := range []string{serviceEC2, serviceASG, serviceSTS, serviceSSM, serviceSQS} {
		directories[service] = moduleDirectory(t, "github.com/aws/aws-sdk-go-v2/service/"+service)
	}
	actions := slices.Collect(maps.Keys(inputs))
	slices.SortFunc(actions, func(a, b operationName) int { return strings.Compare(a.service+" "+a.action, b.service+" "+b.action) })
	for _, action := range actions {
		form := recordedRequest(t, directories[action.service], action.action)
		into, unsupported := decodeSupported(t, form, inputs[action])
		for _, name := range unsupported {
			fmt.Fprintf(&refused, "%s %s %s\n", action.service, action.action, name)
		}
		got := url.Values{}
		encodeQuery(got, form, "", reflect.ValueOf(into).Elem())
		for _, name := range []string{"Action", "Version", "DryRun"} {
			form.Del(name)
		}
		if diff := cmp.Diff(form, got); diff != "" {
			t.Errorf("%s: parameters decoded and encoded again differ (-recorded +got):\n%s", action, diff)
		}
	}
	golden := filepath.Join("testdata", "refused_parameters.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(refused.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), refused.String()); diff != "" {
		t.Errorf("refused parameters differ from %s (rewrite with -update):\n%s", golden, diff)
	}
}

func moduleDirectory(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("go list -m %s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
}

func recordedRequest(t *testing.T, directory, action string) url.Values {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(directory, "request_snapshot", action+".request.snap"))
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"AmazonSSM." + action, "AmazonSQS." + action} {
		head, body, found := bytes.Cut(text, []byte("\n\n{"))
		if !found || !bytes.Contains(head, []byte("X-Amz-Target: "+target)) {
			continue
		}
		body = append([]byte("{"), body...)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Amz-Target", target)
		form, err := readJSON(request)
		if err != nil {
			t.Fatal(err)
		}
		return form
	}
	_, body, found := bytes.Cut(text, []byte("x-www-form-urlencoded\n\n"))
	if !found {
		t.Fatalf("%s: the recorded request has no form", action)
	}
	form, err := url.ParseQuery(string(bytes.TrimSpace(body)))
	if err != nil {
		t.Fatal(err)
	}
	return form
}

// decodeSupported deletes what is refused from form until the rest decodes.
func decodeSupported(t *testing.T, form url.Values, into any) (decoded any, refused []string) {
	t.Helper()
	all, gone := names(form), map[string]bool{}
	for {
		fresh := reflect.New(reflect.TypeOf(into).Elem()).Interface()
		err := decodeQuery(form, fresh, "Action", "Version", "DryRun")
		if err == nil {
			return fresh, collapsed(all, gone)
		}
		var e *apiError
		if !errors.As(err, &e) || e.Code != "UnknownParameter" {
			t.Fatalf("%s: %v", form.Get("Action"), err)
		}
		name := strings.Fields(e.Message)[2]
		if !form.Has(name) {
			t.Fatalf("%s: the error names %q, which is no parameter", form.Get("Action"), name)
		}
		form.Del(name)
		gone[name] = true
	}
}

// collapsed names the roots below which everything is refused, with N for indices.
func collapsed(all []string, gone map[string]bool) []string {
	kept := func(prefix string) bool {
		return slices.ContainsFunc(all, func(name string) bool { return !gone[name] && strings.HasPrefix(name+".", prefix+".") })
	}
	index := regexp.MustCompile(`\.\d+(\.|$)`)
	roots := map[string]bool{}
	for name := range gone {
		root := name
		for {
			i := strings.LastIndex(root, ".")
			if i < 0 || kept(root[:i]) {
				break
			}
			root = root[:i]
		}
		roots[index.ReplaceAllString(root, ".N$1")] = true
	}
	list := make([]string, 0, len(roots))
	for root := range roots {
		list = append(list, root)
	}
	slices.Sort(list)
	return list
}

func names(form url.Values) []string {
	list := make([]string, 0, len(form))
	for name := range form {
		list = append(list, name)
	}
	return list
}

// encodeQuery is the way back, for the test above.
func encodeQuery(form, recorded url.Values, name string, v reflect.Value) {
	join := func(part string) string { return strings.TrimPrefix(name+"."+part, ".") }
	if v.Type() == reflect.TypeFor[time.Time]() {
		form.Set(name, v.Interface().(time.Time).UTC().Format(time.RFC3339)) //nolint:errcheck // its type was just looked at
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			encodeQuery(form, recorded, name, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if field.Anonymous {
				encodeQuery(form, recorded, name, v.Field(i))
			} else if part := field.Tag.Get("query"); part != "" && (!v.Field(i).IsZero()) {
				encodeQuery(form, recorded, spelled(recorded, join, part), v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			encodeQuery(form, recorded, join(strconv.Itoa(i+1)), v.Index(i))
		}
	default:
		form.Set(name, fmt.Sprint(v.Interface()))
	}
}

// spelled chooses of several names the one that was recorded.
func spelled(recorded url.Values, join func(string) string, names string) string {
	for name := range strings.SplitSeq(names, "|") {
		for key := range recorded {
			if strings.HasPrefix(key+".", join(name)+".") {
				return join(name)
			}
		}
	}
	first, _, _ := strings.Cut(names, "|")
	return join(first)
}

func FuzzDecodeQuery(f *testing.F) {
	f.Add("Action=RunInstances&MinCount=1&MaxCount=2&TagSpecification.1.Tag.2.Key=k&TagSpecification.1.ResourceType=instance")
	f.Add("NetworkInterface.1.SecurityGroupId.1=sg-1&BlockDeviceMapping.3.Ebs.VolumeSize=8&Placement.AvailabilityZone=a")
	f.Add("SecurityGroupId=&SecurityGroupId.1.2=x&Monitoring=true&.=.&InstanceMarketOptions.SpotOptions.MaxPrice=NaN")
	f.Add("UserData=%ff&MinCount=99999999999999999999&EbsOptimized=true")
	f.Fuzz(func(t *testing.T, body string) {
		form, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		var in runInstancesInput
		err = decodeQuery(form, &in, "Action", "Version", "DryRun")
		if err != nil {
			var e *apiError
			if !errors.As(err, &e) || e.Code == "" || e.Status != 400 {
				t.Fatalf("error %v is no AWS client error", err)
			}
			return
		}
		// What was taken encodes to parameters that decode to the same. Empty values say as much as absent ones.
		again, third := url.Values{}, url.Values{}
		encodeQuery(again, form, "", reflect.ValueOf(&in).Elem())
		var second runInstancesInput
		if err := decodeQuery(again, &second); err != nil {
			t.Fatalf("decoding %v again: %v", again, err)
		}
		encodeQuery(third, form, "", reflect.ValueOf(&second).Elem())
		for name, values := range third {
			if !slices.Equal(values, again[name]) {
				t.Fatalf("%s is %q, and decoded again %q", name, again[name], values)
			}
		}
	})
}
