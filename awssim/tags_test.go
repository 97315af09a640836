package awssim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
)

func pairs(tags ...string) []types.Tag { return sdkTags("", tags...).Tags }

// tagsOf lists tags as key=value by resource.
func (w *world) tagsOf(tb testing.TB, filters ...types.Filter) map[string][]string {
	tb.Helper()
	got := map[string][]string{}
	pages := ec2.NewDescribeTagsPaginator(w.ec2, &ec2.DescribeTagsInput{MaxResults: aws.Int32(5), Filters: filters})
	for pages.HasMorePages() {
		out, err := pages.NextPage(tb.Context())
		wantCode(tb, err, "")
		for _, tag := range out.Tags {
			got[*tag.ResourceId] = append(got[*tag.ResourceId], *tag.Key+"="+*tag.Value)
		}
	}
	return got
}

func TestTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	input := launchInput(2)
	input.TagSpecifications = []types.TagSpecification{sdkTags(types.ResourceTypeInstance, "a", "1", "b", ""), sdkTags(types.ResourceTypeVolume, "v", "1")}
	ids := w.run(t, input)
	_, err := w.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: ids[:1], Tags: pairs("a", "2", "c", "3")})
	wantCode(t, err, "")
	onInstances := filterOn("resource-type", "instance")
	if diff := cmp.Diff(map[string][]string{ids[0]: {"a=2", "b=", "c=3"}, ids[1]: {"a=1", "b="}}, w.tagsOf(t, onInstances)); diff != "" {
		t.Error(diff)
	}
	volume := *w.one(t, ids[0]).BlockDeviceMappings[0].Ebs.VolumeId
	for name, test := range map[string]struct {
		filters []types.Filter
		want    map[string][]string
	}{
		"resource":   {[]types.Filter{filterOn("resource-id", volume)}, map[string][]string{volume: {"v=1"}}},
		"key":        {[]types.Filter{filterOn("key", "c")}, map[string][]string{ids[0]: {"c=3"}}},
		"value":      {[]types.Filter{onInstances, filterOn("value", "1")}, map[string][]string{ids[1]: {"a=1"}}},
		"tag":        {[]types.Filter{filterOn("tag:a", "?")}, map[string][]string{ids[0]: {"a=2"}, ids[1]: {"a=1"}}},
		"no such":    {[]types.Filter{filterOn("key", "nobody")}, map[string][]string{}},
		"everything": {[]types.Filter{filterOn("resource-id", ids...)}, map[string][]string{ids[0]: {"a=2", "b=", "c=3"}, ids[1]: {"a=1", "b="}}},
	} {
		if diff := cmp.Diff(test.want, w.tagsOf(t, test.filters...)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}

	remove := func(tags ...types.Tag) {
		_, err := w.ec2.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: ids, Tags: tags})
		wantCode(t, err, "")
	}
	remove(types.Tag{Key: aws.String("a"), Value: aws.String("1")}, types.Tag{Key: aws.String("b")})
	if diff := cmp.Diff(map[string][]string{ids[0]: {"a=2", "c=3"}}, w.tagsOf(t, onInstances)); diff != "" {
		t.Error(diff)
	}
	remove(types.Tag{Key: aws.String("a"), Value: aws.String("")})
	if diff := cmp.Diff(map[string][]string{ids[0]: {"a=2", "c=3"}}, w.tagsOf(t, onInstances)); diff != "" {
		t.Errorf("an empty value removed more than the tag with an empty value: %s", diff)
	}
	remove()
	if diff := cmp.Diff(map[string][]string{}, w.tagsOf(t, onInstances)); diff != "" {
		t.Error(diff)
	}
	_, err = w.terminate(t.Context(), ids...)
	wantCode(t, err, "")
	if left := w.tagsOf(t, filterOn("resource-type", "volume")); len(left) != 0 {
		t.Errorf("volumes of terminated instances still have tags: %v", left)
	}
}

func TestTagsRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	id := w.run(t, launchInput(1))[0]
	var many []string
	for i := range 51 {
		many = append(many, fmt.Sprint("k", i), "v")
	}
	for name, test := range map[string]struct {
		ids  []string
		tags []types.Tag
		code string
	}{
		"unknown instance": {[]string{id, "i-0123456789abcdef0"}, pairs("a", "b"), "InvalidInstanceID.NotFound"},
		"unknown volume":   {[]string{id, "vol-0123456789abcdef0"}, pairs("a", "b"), "InvalidVolume.NotFound"},
		"unknown template": {[]string{"lt-0123456789abcdef0"}, pairs("a", "b"), "InvalidLaunchTemplateId.NotFound"},
		"no such resource": {[]string{"spaceship"}, pairs("a", "b"), "InvalidID"},
		"reserved":         {[]string{id}, pairs("aws:a", "b"), "InvalidParameterValue"},
		"empty key":        {[]string{id}, pairs("", "b"), "InvalidParameterValue"},
		"long key":         {[]string{id}, pairs(strings.Repeat("k", 129), "b"), "InvalidParameterValue"},
		"long value":       {[]string{id}, pairs("a", strings.Repeat("v", 257)), "InvalidParameterValue"},
		"too many":         {[]string{id}, pairs(many...), "TagLimitExceeded"},
		"none":             {[]string{id}, []types.Tag{}, "MissingParameter"},
	} {
		_, err := w.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: test.ids, Tags: test.tags})
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantCode(t, err, test.code)
	}
	if got := w.tagsOf(t); len(got) != 0 {
		t.Errorf("refused calls left tags: %v", got)
	}
	_, err := w.ec2.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{id}, Tags: pairs("aws:ec2:fleet-id", "x")})
	wantCode(t, err, "InvalidParameterValue")
}
