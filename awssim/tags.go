package awssim

import (
	"slices"
	"strings"
	"time"
)

const (
	// EC2's limits: 50 tags per resource (its own not counted), 1,000 resources per call, keys of 128 and values of 256
	// characters.
	maxTags       = 50
	maxTagged     = 1000
	maxTagKey     = 128
	maxTagValue   = 256
	reservedByAWS = "aws:"
)

// Tag is a tag of a resource.
type Tag struct {
	Key   string `query:"Key" reply:"key" json:"key"`
	Value string `query:"Value" reply:"value" json:"value"`
}

// TagSpecification gives tags to the resources of a type that a call makes.
type TagSpecification struct {
	ResourceType string `query:"ResourceType" reply:"resourceType" json:"resourceType"`
	Tags         []Tag  `query:"Tag" reply:"tagSet" json:"tags"`
}

// resource is anything that has tags.
type resource struct {
	id        string
	kind      string
	sequence  int
	visibleAt time.Time
	// tags are shared by everything launched together: they are replaced, never changed in place.
	tags []Tag
	gone bool
}

func (r *resource) visible(now time.Time) bool { return !r.gone && !now.Before(r.visibleAt) }

// resources are found by ID and listed in the order of their making.
type resources struct {
	byID    map[string]*resource
	ordered []*resource
	dropped int
}

func (r *resources) add(one *resource) {
	r.byID[one.id] = one
	r.ordered = append(r.ordered, one)
}

func (r *resources) drop(one *resource) {
	if one.gone {
		return
	}
	one.gone = true
	delete(r.byID, one.id)
	if r.dropped++; r.dropped > 1000 && r.dropped > len(r.ordered)/2 {
		r.ordered = slices.DeleteFunc(r.ordered, func(each *resource) bool { return each.gone })
		r.dropped = 0
	}
}

// checkTags refuses what EC2 would refuse on a resource with these tags of the user's.
func checkTags(tags []Tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "":
			return errorf("InvalidParameterValue", "Tag key cannot be null or empty")
		case len([]rune(t.Key)) > maxTagKey:
			return errorf("InvalidParameterValue", "Tag key exceeds the maximum length of %d characters", maxTagKey)
		case len([]rune(t.Value)) > maxTagValue:
			return errorf("InvalidParameterValue", "Tag value exceeds the maximum length of %d characters", maxTagValue)
		case strings.HasPrefix(strings.ToLower(t.Key), reservedByAWS):
			return errorf("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
		case seen[t.Key]:
			return errorf("InvalidParameterValue", "Duplicate tag key '%s' specified.", t.Key)
		}
		seen[t.Key] = true
	}
	if len(tags) > maxTags {
		return errorf("TagLimitExceeded", "More than %d tags specified", maxTags)
	}
	return nil
}

// checkSpecifications allows tags on the resource types that a call makes.
func checkSpecifications(specifications []TagSpecification, allowed ...string) error {
	for _, s := range specifications {
		if !slices.Contains(allowed, s.ResourceType) {
			return errorf("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation, or not supported by this simulator.", s.ResourceType)
		}
	}
	for _, kind := range allowed {
		if err := checkTags(tagsFor(specifications, kind)); err != nil {
			return err
		}
	}
	return nil
}

func tagsFor(specifications []TagSpecification, kind string) []Tag {
	var tags []Tag
	for _, s := range specifications {
		if s.ResourceType == kind {
			tags = append(tags, s.Tags...)
		}
	}
	return tags
}

// withTags returns old with the values of set put in; old itself stays as it is.
func withTags(old, set []Tag) []Tag {
	merged := slices.Clone(old)
	for _, t := range set {
		if i := slices.IndexFunc(merged, func(m Tag) bool { return m.Key == t.Key }); i >= 0 {
			merged[i] = t
		} else {
			merged = append(merged, t)
		}
	}
	return merged
}

func ownTags(tags []Tag) []Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t Tag) bool { return strings.HasPrefix(t.Key, reservedByAWS) })
}

func tagValue(tags []Tag, key string) string {
	for _, t := range tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

func tagMap(tags []Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}
