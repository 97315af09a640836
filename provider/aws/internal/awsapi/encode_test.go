package awsapi

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// TestEncode has what is left out and what is not.
func TestEncode(t *testing.T) {
	t.Parallel()
	input := map[string]any{
		"run": &ec2.RunInstancesInput{
			MinCount: aws.Int32(1), MaxCount: aws.Int32(3), ClientToken: aws.String(""), SecurityGroupIds: []string{"sg-2", "sg-1"},
			LaunchTemplate: &types.LaunchTemplateSpecification{}, BlockDeviceMappings: []types.BlockDeviceMapping{},
			TagSpecifications: []types.TagSpecification{{Tags: []types.Tag{{Key: aws.String("<a>"), Value: aws.String("")}}}},
		},
		"weights": map[string]int{"é": 1, "a<b": 2, "a=b": 3},
		"a":       []any{nil, "", map[string]any{"b": nil}},
	}
	const want = `{"a":[null,"",{}],"run":{"BlockDeviceMappings":[],"LaunchTemplate":{},"MaxCount":3,"MinCount":1,` +
		`"SecurityGroupIds":["sg-2","sg-1"],"TagSpecifications":[{"Tags":[{"Key":"\u003ca\u003e","Value":""}]}]},` +
		`"weights":{"a\u003cb":2,"a=b":3,"é":1}}`
	got, err := Encode(input)
	if err != nil || string(got) != want {
		t.Errorf("Encode = %s, %v; want\n%s", got, err, want)
	}
}

// FuzzEncode holds Encode to a plain way to do the same: decode, drop, encode.
func FuzzEncode(f *testing.F) {
	f.Add([]byte(`{"b": [1, {"d": "", "c": null, "Value": ""}, "x\"]}"], "a": {}, "\u003c": -1e5, "n": {"z": true, "a": [[], ""]}}`))
	f.Add([]byte(`[null, "", "\\", {"": "", "a\"": "}"}]`))
	f.Add([]byte(`5`))
	f.Fuzz(func(t *testing.T, data []byte) {
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		var tree any
		if decoder.Decode(&tree) != nil {
			t.Skip()
		}
		got, err := Encode(tree)
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(dropped(tree))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("Encode(%s) = %s, want %s (%v)", data, got, want, err)
		}
	})
}

// dropped removes what is not sent from a tree.
func dropped(node any) any {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			if value == nil || value == "" && key != "Value" {
				delete(node, key)
			} else {
				node[key] = dropped(value)
			}
		}
	case []any:
		for i := range node {
			node[i] = dropped(node[i])
		}
	}
	return node
}
