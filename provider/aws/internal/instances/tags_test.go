package instances

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"pgregory.net/rapid"

	"github.com/openhostfactory/ohfp"
)

// TestWeightsInTags writes random weights into tags within EC2's limits and reads every one back.
func TestWeightsInTags(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		weights := map[string]int{}
		for i := range rapid.IntRange(1, 60).Draw(t, "types") {
			weights[fmt.Sprintf("m%d.%dxlarge", i%9, i)] = rapid.IntRange(1, 999).Draw(t, "weight")
		}
		if CheckWeights(weights) != nil {
			t.Skip("more than tags can tell")
		}
		tags := map[string]string{}
		for _, tag := range (Owner{Request: "req-1"}).Tags(weights, nil) {
			if tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value); len(aws.ToString(tag.Value)) > 256 {
				t.Fatalf("tag %s has %d characters", *tag.Key, len(*tag.Value))
			}
		}
		for name, weight := range weights {
			got := WeightOf(name, tags)
			if max(got, 1) != weight {
				t.Fatalf("%s has weight %d, want %d; tags %v", name, got, weight, tags)
			}
		}
	})
}

func TestTooManyWeights(t *testing.T) {
	t.Parallel()
	weights := map[string]int{}
	for i := range 200 {
		weights[fmt.Sprintf("x%d.large", i)] = 2
	}
	if err := CheckWeights(weights); !errors.Is(err, ohfp.ErrInvalid) {
		t.Errorf("200 weights are accepted: %v", err)
	}
}
