package awssim

import (
	"slices"
	"strconv"
	"strings"
)

// resourceTypeGroup is the only type of resource that Auto Scaling tags.
const resourceTypeGroup = "auto-scaling-group"

// tagWith adds tags, or gives those with the same key another value. Instances that exist keep what they have.
func (g *group) tagWith(tags []groupTag) error {
	merged := slices.Clone(g.tags)
	for _, t := range tags {
		if t.ResourceType != "" && t.ResourceType != resourceTypeGroup {
			return invalidValue(clip(t.ResourceType, 64), "ResourceType", "Expecting "+resourceTypeGroup+".")
		}
		if t.ResourceID != "" && t.ResourceID != g.id {
			return invalidValue(clip(t.ResourceID, 64), "ResourceId", "Expecting the name of the group.")
		}
		t.ResourceID, t.ResourceType = g.id, resourceTypeGroup
		if i := slices.IndexFunc(merged, func(m groupTag) bool { return m.Key == t.Key }); i >= 0 {
			merged[i] = t
		} else {
			merged = append(merged, t)
		}
	}
	own := make([]Tag, len(merged))
	for i, t := range merged {
		own[i] = Tag{t.Key, t.Value}
	}
	if err := checkTags(own); err != nil {
		return err
	}
	g.tags = merged
	return nil
}

type groupTagsInput struct {
	Tags []groupTag `query:"Tags.member"`
}

// taggedGroups finds the groups that tags are for before any of them changes.
func (c *Cloud) taggedGroups(in *groupTagsInput) ([]*group, error) {
	if len(in.Tags) == 0 {
		return nil, missingParameter("Tags")
	}
	groups := make([]*group, len(in.Tags))
	for i, t := range in.Tags {
		var err error
		if groups[i], err = c.group(t.ResourceID); err != nil {
			return nil, err
		}
	}
	return groups, nil
}

func (c *Cloud) createOrUpdateTags(_ *call, in *groupTagsInput) (any, error) {
	groups, err := c.taggedGroups(in)
	if err != nil {
		return nil, err
	}
	for i, g := range groups {
		if err := g.tagWith(in.Tags[i : i+1]); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (c *Cloud) deleteGroupTags(_ *call, in *groupTagsInput) (any, error) {
	groups, err := c.taggedGroups(in)
	if err != nil {
		return nil, err
	}
	for i, g := range groups {
		unwanted := in.Tags[i]
		g.tags = slices.DeleteFunc(slices.Clone(g.tags), func(t groupTag) bool {
			return t.Key == unwanted.Key && (unwanted.Value == "" || unwanted.Value == t.Value)
		})
	}
	return nil, nil
}

type describeGroupTagsInput struct {
	Filters []groupFilter `query:"Filters.member"`
	groupPageInput
}

type describeGroupTagsReply struct {
	Tags      []groupTag `reply:"Tags"`
	NextToken string     `reply:"NextToken,omitempty"`
}

func (c *Cloud) describeGroupTags(call *call, in *describeGroupTagsInput) (any, error) {
	match, err := compile(ec2Filters(in.Filters), fields[groupTag]{
		"auto-scaling-group":  one(func(t groupTag) string { return t.ResourceID }),
		"key":                 one(func(t groupTag) string { return t.Key }),
		"value":               one(func(t groupTag) string { return t.Value }),
		"propagate-at-launch": one(func(t groupTag) string { return strconv.FormatBool(t.Propagate) }),
	}, nil)
	if err != nil {
		return nil, err
	}
	page, err := in.page(call, 50, 100)
	if err != nil {
		return nil, err
	}
	var reply describeGroupTagsReply
	for _, g := range c.asgs {
		if call.now.Before(g.visibleAt) {
			continue
		}
		sorted := slices.Clone(g.tags)
		slices.SortFunc(sorted, func(a, b groupTag) int { return strings.Compare(a.Key, b.Key) })
		for i, t := range sorted {
			// A group has fewer tags than this.
			if match(t) && page.admit(g.sequence*100+i+1) {
				reply.Tags = append(reply.Tags, t)
			}
		}
	}
	reply.NextToken = page.next()
	return reply, nil
}
