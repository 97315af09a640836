package payload

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
)

func decode(text string, into any) error {
	document, err := Parse([]byte(text))
	if err != nil {
		return err
	}
	return Decode(document, into)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	in := &ec2.CreateFleetInput{
		Context: aws.String("stays"), SpotOptions: &types.SpotOptionsRequest{AllocationStrategy: "diversified", MinTargetCapacity: aws.Int32(1)},
		LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{{}, {}},
	}
	before := in.SpotOptions
	err := decode(`{"ValidFrom": "2030-01-31T12:00:00+01:00", "SpotOptions": {"MinTargetCapacity": "7", "SingleInstanceType": true},
		"LaunchTemplateConfigs": [{"Overrides": [{"WeightedCapacity": 1.5, "MaxPrice": 0.25, "InstanceRequirements": {"VCpuCount": {"Min": 2}}}]}],
		"TagSpecifications": null, "Type": "instant"}`, in)
	if err != nil {
		t.Fatal(err)
	}
	override := in.LaunchTemplateConfigs[0].Overrides[0]
	switch {
	case *in.Context != "stays" || in.Type != types.FleetTypeInstant || !in.ValidFrom.Equal(time.Date(2030, 1, 31, 11, 0, 0, 0, time.UTC)):
		t.Errorf("decoded %+v", in)
	case in.SpotOptions.AllocationStrategy != "diversified" || *in.SpotOptions.MinTargetCapacity != 7 || !*in.SpotOptions.SingleInstanceType:
		t.Errorf("the spot options are %+v", in.SpotOptions)
	case *before.MinTargetCapacity != 1 || before.SingleInstanceType != nil:
		t.Errorf("what was there before has changed: %+v", before)
	case len(in.LaunchTemplateConfigs) != 1 || *override.WeightedCapacity != 1.5 || *override.MaxPrice != "0.25" || *override.InstanceRequirements.VCpuCount.Min != 2:
		t.Errorf("the configs are %+v", in.LaunchTemplateConfigs)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"type": "instant"}`:                                               "type is not known to AWS; did you mean Type?",
		`{"ResultMetadata": {}}`:                                            "ResultMetadata is not known to AWS",
		`{"noSmithyDocumentSerde": {}}`:                                     "noSmithyDocumentSerde is not known to AWS",
		`{"SpotOptions": {"MinTargetCapacity": 1.5}}`:                       "SpotOptions.MinTargetCapacity: 1.5 given, want a whole number",
		`{"SpotOptions": {"MinTargetCapacity": 99999999999}}`:               "SpotOptions.MinTargetCapacity: 99999999999 given, want a whole number",
		`{"SpotOptions": {"SingleInstanceType": "yes"}}`:                    "SpotOptions.SingleInstanceType: text given, want true or false",
		`{"SpotOptions": {"SingleInstanceType": 1}}`:                        "SpotOptions.SingleInstanceType: 1 given, want true or false",
		`{"Context": true}`:                                                 "Context: true given, want text in quotes",
		`{"Context": {}}`:                                                   "Context: an object given, want text in quotes",
		`{"ValidFrom": "soon"}`:                                             "ValidFrom: text given, want a time like 2030-01-31T12:00:00Z",
		`{"LaunchTemplateConfigs": [{"Overrides": [{}, {"Subnet": "x"}]}]}`: "LaunchTemplateConfigs[0].Overrides[1].Subnet is not known to AWS; did you mean SubnetId?",
		`{"LaunchTemplateConfigs": [null]}`:                                 "LaunchTemplateConfigs[0]: nothing given, want an object",
		`[]`:                                                                "not a JSON object",
		`{} {}`:                                                             "not a JSON object: something follows it",
	} {
		err := decode(text, &ec2.CreateFleetInput{})
		if !errors.Is(err, ohfp.ErrInvalid) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s is refused with %v, want %s", text, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"SpotOptions": {"MinTargetCapacity": 1}, "LaunchTemplateConfigs": [{"Overrides": [{"WeightedCapacity": 1}]}]}`))
	f.Add([]byte(`{"ValidFrom": "2030-01-31T12:00:00Z", "TagSpecifications": [{"Tags": [{"Key": "a"}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var in ec2.CreateFleetInput
		if err := decode(string(text), &in); err != nil {
			if !errors.Is(err, ohfp.ErrInvalid) {
				t.Errorf("error %v is not ErrInvalid", err)
			}
			return
		}
		if _, err := json.Marshal(in); err != nil {
			t.Errorf("%s was decoded into what cannot be stored: %v", text, err)
		}
	})
}
