package awssim

import (
	"slices"
	"strings"
	"time"
)

// Request buckets by name.
const (
	limitRunInstances    = "RunInstances"
	limitTerminate       = "TerminateInstances"
	limitStart           = "StartInstances"
	limitTags            = "CreateTags"
	limitTemplateVersion = "CreateLaunchTemplateVersion"
	limitMutate          = "mutating"
	limitDescribe        = "describe"
	limitSpotFleets      = "DescribeSpotFleetRequests"
	limitSpotFleetReads  = "DescribeSpotFleetInstances"
	limitUnfiltered      = "unfiltered describe"
	// Resource buckets, one token per instance.
	limitRunResources       = "RunInstances resources"
	limitTerminateResources = "TerminateInstances resources"
)

// bucket is a token bucket.
type bucket struct {
	size, perSecond, tokens float64
	filled                  time.Time
}

// newBucket knows EC2's default limits per account and region
// (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html).
func newBucket(name string, now time.Time) *bucket {
	var size, perSecond float64
	switch name {
	case limitRunInstances, limitStart:
		size, perSecond = 5, 2
	case limitTerminate:
		size, perSecond = 100, 5
	case limitTags:
		size, perSecond = 100, 10
	case limitTemplateVersion:
		size, perSecond = 100, 5
	case limitSpotFleets:
		size, perSecond = 50, 3
	case limitSpotFleetReads:
		size, perSecond = 100, 5
	case limitMutate:
		size, perSecond = 50, 5
	case limitUnfiltered:
		size, perSecond = 50, 10
	case limitRunResources:
		size, perSecond = 1000, 2
	case limitTerminateResources:
		size, perSecond = 1000, 20
	default:
		size, perSecond = 100, 20
	}
	return &bucket{size: size, perSecond: perSecond, tokens: size, filled: now}
}

func (b *bucket) take(n float64, now time.Time) bool {
	if elapsed := now.Sub(b.filled).Seconds(); elapsed > 0 {
		b.tokens = min(b.size, b.tokens+elapsed*b.perSecond)
		b.filled = now
	}
	if b.tokens < n {
		return false
	}
	b.tokens -= n
	return true
}

// throttleRequest takes the token that each call costs. Buckets are per action, even where actions share their size.
func (c *Cloud) throttleRequest(call *call, operation operation) error {
	if !c.options.Throttle || call.entry.Service != serviceEC2 {
		return nil
	}
	limit := operation.limit
	if limit == limitDescribe && slices.Contains([]string{"DescribeInstances", "DescribeInstanceStatus", "DescribeSpotInstanceRequests"}, call.entry.Action) && unfiltered(call) {
		limit = limitUnfiltered
	}
	return c.throttle(call, limit, 1)
}

// throttleResources takes the tokens that the instances of a call cost. A call that asks for more than are there is
// refused as a whole.
func (c *Cloud) throttleResources(call *call, limit string, n int) error {
	if !c.options.Throttle {
		return nil
	}
	return c.throttle(call, limit, n)
}

func (c *Cloud) throttle(call *call, limit string, n int) error {
	key := limit + " " + call.entry.Action
	if c.buckets[key] == nil {
		c.buckets[key] = newBucket(limit, call.now)
	}
	if !c.buckets[key].take(float64(n), call.now) {
		return errorf("RequestLimitExceeded", "Request limit exceeded.")
	}
	return nil
}

func unfiltered(call *call) bool {
	for name := range call.form {
		if name == "MaxResults" || strings.HasPrefix(name, "Filter.") || strings.HasPrefix(name, "InstanceId.") || strings.HasPrefix(name, "SpotInstanceRequestId.") {
			return false
		}
	}
	return true
}
