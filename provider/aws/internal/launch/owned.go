package launch

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
)

// Fleets and Spot Fleets are found by DescribeTags: DescribeFleets has no filter for tags, and what they launch carries
// neither the request nor, from an operator's launch template, the installation.

// keepMark is how long it is remembered that an API launches things which go on by themselves: longer than any request
// may wait for the answer to a launch.
const keepMark = 48 * time.Hour

// mark remembers, before a launch that goes on by itself, that there are such: an answer that gets lost is then looked
// for. Installations without them never are.
func (p Parts) mark(ctx context.Context, api string) {
	key := p.Prefix + "launches/" + api
	if _, ok, err := p.Memory.Recall(ctx, key); err != nil || !ok {
		_ = p.Memory.Remember(ctx, key, []byte("1"), keepMark)
	}
}

// Launches lists the APIs that may have launched something that goes on by itself.
func (p Parts) Launches(ctx context.Context) map[string]bool {
	prefix := p.Prefix + "launches/"
	found, err := p.Memory.RecallPrefix(ctx, prefix)
	if err != nil {
		return map[string]bool{APIEC2Fleet: true, APISpotFleet: true, APIASG: true}
	}
	out := map[string]bool{}
	for key := range found {
		out[strings.TrimPrefix(key, prefix)] = true
	}
	return out
}

// OwnFleets finds all fleets and Spot Fleets of this installation that have a request, with their tags.
func (p Parts) OwnFleets(ctx context.Context) ([]Standing, error) { return p.tagged(ctx) }

// FleetsOf finds the fleets and Spot Fleets of requests, but for those that are known.
func (p Parts) FleetsOf(ctx context.Context, requests []string, known func(resource string) bool) ([]Standing, error) {
	var ids []string
	for some := range slices.Chunk(requests, instances.FilterValues-1) {
		tags, err := p.tags(ctx, instances.Filter("key", instances.TagRequest), instances.Filter("value", some...))
		if err != nil {
			return nil, err
		}
		ids = append(ids, sortedKeys(tags)...)
	}
	return p.FleetTags(ctx, slices.DeleteFunc(ids, known))
}

// FleetTags reads the tags of fleets and Spot Fleets; those of other installations are left out.
func (p Parts) FleetTags(ctx context.Context, resources []string) ([]Standing, error) {
	var found []Standing
	for some := range slices.Chunk(resources, instances.FilterValues/2) {
		more, err := p.tagged(ctx, instances.Filter("resource-id", some...))
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// tagged reads what our tags tell of fleets and Spot Fleets that pass the filters.
func (p Parts) tagged(ctx context.Context, filters ...types.Filter) ([]Standing, error) {
	keys := instances.Filter("key", instances.TagInstallation, instances.TagRequest, instances.TagAttempt, instances.TagUntagged, instances.TagWeights+"*")
	tags, err := p.tags(ctx, append(filters, keys)...)
	if err != nil {
		return nil, err
	}
	var found []Standing
	for _, id := range sortedKeys(tags) {
		if tags[id][instances.TagInstallation] == string(p.Installation) && tags[id][instances.TagRequest] != "" {
			found = append(found, Standing{ResourceFacts: ohfp.ResourceFacts{Resource: id}, Tags: tags[id]})
		}
	}
	return found, nil
}

// tags reads tags of fleets and Spot Fleets.
func (p Parts) tags(ctx context.Context, filters ...types.Filter) (map[string]map[string]string, error) {
	kinds := instances.Filter("resource-type", string(types.ResourceTypeFleet), string(types.ResourceTypeSpotFleetRequest))
	in := &ec2.DescribeTagsInput{
		Filters:    append(slices.Clone(filters), kinds),
		MaxResults: aws.Int32(1000), // the most that EC2 returns a page
	}
	found := map[string]map[string]string{}
	for {
		out, err := p.API.DescribeTags(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, tag := range out.Tags {
			id := aws.ToString(tag.ResourceId)
			if found[id] == nil {
				found[id] = map[string]string{}
			}
			found[id][aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
		if aws.ToString(out.NextToken) == "" {
			return found, nil
		}
		in.NextToken = out.NextToken
	}
}

// spentResource turns AWS's refusal of a token that was used before into the resource that it made.
func (p Parts) spentResource(ctx context.Context, c call, refusal error) (provider.Launched, error) {
	found, err := p.FleetsOf(ctx, []string{string(c.Request)}, func(string) bool { return false })
	if err != nil {
		return provider.Launched{}, ohfp.Errorf(ohfp.ErrUnavailable, "the launch was carried out before, but what it made cannot be read: %v", err)
	}
	for _, s := range found {
		if s.Tags[instances.TagAttempt] == attemptTag(c) {
			return p.made(ctx, s.Resource), nil // by its own call, whose answer did not arrive
		}
	}
	if awsapi.Code(refusal) == codeTerminated {
		return provider.Launched{Failures: []ohfp.Failure{failure(refusal, "")}},
			ohfp.Errorf(ohfp.ErrCapacity, "the machines of this launch are gone: %v", refusal)
	}
	return provider.Launched{}, ohfp.Errorf(ohfp.ErrUnavailable, "the launch was carried out before, but what it made does not show yet: %v", refusal)
}
