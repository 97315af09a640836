package awssim

import (
	"slices"
	"strings"
)

type createTagsInput struct {
	ResourceIDs []string `query:"ResourceId"`
	Tags        []Tag    `query:"Tag"`
}

type deleteTagsInput struct {
	ResourceIDs []string `query:"ResourceId"`
	Tags        []struct {
		Key string `query:"Key"`
		// Nil deletes the tag whatever its value.
		Value *string `query:"Value"`
	} `query:"Tag"`
}

// doneReply is the answer of calls that have nothing to tell.
type doneReply struct {
	Return bool `reply:"return"`
}

func (c *Cloud) createTags(call *call, in *createTagsInput) (any, error) {
	found, err := c.taggable(in.ResourceIDs)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, missingParameter("Tag")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	for _, r := range found {
		if len(ownTags(withTags(r.tags, in.Tags))) > maxTags {
			return nil, errorf("TagLimitExceeded", "The maximum number of tags for resource '%s' has been reached", r.id)
		}
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	for _, r := range found {
		r.tags = withTags(r.tags, in.Tags)
	}
	return doneReply{true}, nil
}

func (c *Cloud) deleteTags(call *call, in *deleteTagsInput) (any, error) {
	found, err := c.taggable(in.ResourceIDs)
	if err != nil {
		return nil, err
	}
	for _, t := range in.Tags {
		if strings.HasPrefix(strings.ToLower(t.Key), reservedByAWS) {
			return nil, errorf("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
		}
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	for _, r := range found {
		if len(in.Tags) == 0 {
			// EC2 then deletes all tags that are the user's.
			r.tags = slices.DeleteFunc(slices.Clone(r.tags), func(t Tag) bool { return !strings.HasPrefix(t.Key, reservedByAWS) })
			continue
		}
		r.tags = slices.DeleteFunc(slices.Clone(r.tags), func(t Tag) bool {
			for _, unwanted := range in.Tags {
				if unwanted.Key == t.Key && (unwanted.Value == nil || *unwanted.Value == t.Value) {
					return true
				}
			}
			return false
		})
	}
	return doneReply{true}, nil
}

func (c *Cloud) taggable(ids []string) ([]*resource, error) {
	if len(ids) == 0 {
		return nil, missingParameter("ResourceId")
	}
	if len(ids) > maxTagged {
		return nil, invalidValue(len(ids), "ResourceId", "Expecting at most 1000 resources.")
	}
	found := make([]*resource, 0, len(ids))
	for _, id := range ids {
		r := c.resources.byID[id]
		if r == nil {
			return nil, unknownResource(id)
		}
		found = append(found, r)
	}
	return found, nil
}

func unknownResource(id string) error {
	kind, _, _ := strings.Cut(id, "-")
	switch kind {
	case "i":
		return notFound("InvalidInstanceID.NotFound", "instance", []string{id})
	case "vol":
		return errorf("InvalidVolume.NotFound", "The volume '%s' does not exist.", id)
	case "lt":
		return errorf("InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID %s, does not exist.", id)
	case "sfr":
		return errorf("InvalidSpotFleetRequestId.NotFound", "The spot fleet request ID '%s' does not exist", id)
	case "fleet":
		return notFound("InvalidFleetId.NotFound", "fleet", []string{id})
	default:
		return errorf("InvalidID", "The ID '%s' is not valid", id)
	}
}

type describeTagsInput struct {
	Filters []filter `query:"Filter"`
	pageInput
}

type tagReply struct {
	ResourceID   string `reply:"resourceId"`
	ResourceType string `reply:"resourceType"`
	Tag
}

type describeTagsReply struct {
	Tags      []tagReply `reply:"tagSet"`
	NextToken string     `reply:"nextToken,omitempty"`
}

// taggedWith is one tag of one resource, which is what DescribeTags counts and filters.
type taggedWith struct {
	*resource
	tag Tag
}

func tagFields() fields[taggedWith] {
	return fields[taggedWith]{
		"key":           one(func(t taggedWith) string { return t.tag.Key }),
		"value":         one(func(t taggedWith) string { return t.tag.Value }),
		"resource-id":   one(func(t taggedWith) string { return t.id }),
		"resource-type": one(func(t taggedWith) string { return t.kind }),
	}
}

func (c *Cloud) describeTags(call *call, in *describeTagsInput) (any, error) {
	match, err := compile(in.Filters, tagFields(), func(t taggedWith) []Tag { return []Tag{t.tag} })
	if err != nil {
		return nil, err
	}
	page, err := in.page(call, 5, 1000)
	if err != nil {
		return nil, err
	}
	var reply describeTagsReply
	for _, r := range c.resources.ordered {
		if !r.visible(call.now) {
			continue
		}
		for i, t := range r.tags {
			// A resource has fewer tags than this, EC2's own included.
			position := r.sequence*100 + i + 1
			if match(taggedWith{r, t}) && page.admit(position) {
				reply.Tags = append(reply.Tags, tagReply{r.id, r.kind, t})
			}
		}
	}
	reply.NextToken = page.next()
	return reply, nil
}
