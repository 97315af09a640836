package instances

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// The tags by which we know what is ours. Operators' own tags may not begin like them.
const (
	TagPrefix       = "ohfp:"
	TagInstallation = TagPrefix + "installation"
	TagRequest      = TagPrefix + "request-id"
	TagTemplate     = TagPrefix + "template-id"
	TagManagedBy    = TagPrefix + "managed-by"
	ManagedBy       = "ohfp" // the value of TagManagedBy
	TagAttempt      = TagPrefix + "attempt"
	// TagWeights tells the units that machines of each type count for, "c5.xlarge=2 c5.2xlarge=4", where any counts for
	// more than one, so that a machine found again counts right. What does not fit goes on in ohfp:weights-2 and so on.
	TagWeights = TagPrefix + "weights"

	// TagUntagged is on fleets whose machines carry no tag of ours, because an operator's launch template made them.
	TagUntagged = TagPrefix + "untagged-machines"

	// Tags that AWS sets on the machines of a fleet, a Spot Fleet and an Auto Scaling group.
	TagFleet     = "aws:ec2:fleet-id"
	TagSpotFleet = "aws:ec2spot:fleet-request-id"
	TagGroup     = "aws:autoscaling:groupName"

	maxValue   = 256 // characters in a tag's value
	maxWeights = 5   // tags that weights may take
)

// Owner says for whom something is made.
type Owner struct {
	Installation ohfp.InstallationID
	Template     ohfp.TemplateID
	Request      ohfp.RequestID
	Attempt      int
}

// SharedTags are for what several requests of a template use together.
func (o Owner) SharedTags() []types.Tag {
	return sorted(map[string]string{
		TagInstallation: string(o.Installation),
		TagTemplate:     string(o.Template),
		TagManagedBy:    ManagedBy,
	})
}

// TemplateTags are for the machines that a fleet launches from a launch template that several requests share: the shared
// ones, the weights, then the operator's.
func (o Owner) TemplateTags(weights map[string]int, own spec.Tags) []types.Tag {
	ours := map[string]string{
		TagInstallation: string(o.Installation),
		TagTemplate:     string(o.Template),
		TagManagedBy:    ManagedBy,
	}
	for i, value := range encodeWeights(weights) {
		ours[weightsKey(i)] = value
	}
	return withOwn(sorted(ours), own)
}

// Tags are for the machines of one attempt and what belongs to them: ours, then the operator's.
func (o Owner) Tags(weights map[string]int, own spec.Tags) []types.Tag {
	ours := map[string]string{
		TagInstallation: string(o.Installation),
		TagTemplate:     string(o.Template),
		TagRequest:      string(o.Request),
		TagAttempt:      strconv.Itoa(o.Attempt),
		TagManagedBy:    ManagedBy,
	}
	for i, value := range encodeWeights(weights) {
		ours[weightsKey(i)] = value
	}
	return withOwn(sorted(ours), own)
}

func withOwn(tags []types.Tag, own spec.Tags) []types.Tag {
	for _, tag := range own {
		tags = append(tags, types.Tag{Key: aws.String(tag.Key), Value: aws.String(tag.Value)})
	}
	return tags
}

// FleetTags are for a fleet that launches by itself. untagged says that its machines carry none of them.
func (o Owner) FleetTags(weights map[string]int, own spec.Tags, untagged bool) []types.Tag {
	tags := o.Tags(weights, own)
	if untagged {
		tags = append(tags, types.Tag{Key: aws.String(TagUntagged), Value: aws.String("true")})
	}
	return tags
}

// CheckWeights refuses more weights than the tags of a machine can tell.
func CheckWeights(weights map[string]int) error {
	if len(encodeWeights(weights)) > maxWeights {
		return ohfp.Errorf(ohfp.ErrInvalid, "vmTypes has too many types with weights; use fewer, or capacityUnit machines")
	}
	return nil
}

func encodeWeights(weights map[string]int) []string {
	var values []string
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		if weights[name] <= 1 {
			continue
		}
		entry := fmt.Sprintf("%s=%d", name, weights[name])
		if last := len(values) - 1; last >= 0 && len(values[last])+1+len(entry) <= maxValue {
			values[last] += " " + entry
		} else {
			values = append(values, entry)
		}
	}
	return values
}

// WeightOf finds the units of a machine in its tags, or in those of what launched it; 0 is unknown.
func WeightOf(machineType string, tags map[string]string) int {
	for i := range maxWeights {
		value, ok := tags[weightsKey(i)]
		if !ok && i == 0 {
			return 0
		}
		for entry := range strings.FieldsSeq(value) {
			name, number, _ := strings.Cut(entry, "=")
			if weight, err := strconv.Atoi(number); name == machineType && err == nil && weight > 0 {
				return weight
			}
		}
	}
	return 1
}

func weightsKey(i int) string {
	if i == 0 {
		return TagWeights
	}
	return fmt.Sprintf("%s-%d", TagWeights, i+1)
}

func sorted(tags map[string]string) []types.Tag {
	out := make([]types.Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out
}

// operatorTags are those that are neither ours nor AWS's, as k=v;k=v sorted by key.
func operatorTags(tags map[string]string) string {
	var own spec.Tags
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if !strings.HasPrefix(key, TagPrefix) && !strings.HasPrefix(key, "aws:") {
			own = append(own, spec.Tag{Key: key, Value: tags[key]})
		}
	}
	return own.String()
}
