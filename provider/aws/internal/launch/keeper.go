package launch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	autoscaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
)

// Keeper looks after resources that launch by themselves: fleets, Spot Fleets, groups.
type Keeper interface {
	// Look reads resources, in as few calls as AWS allows. Those that AWS does not know are gone, see absent.go.
	Look(ctx context.Context, resources []string) ([]Standing, error)
	// Retarget makes resources have at most what the targets say and end nothing themselves.
	Retarget(ctx context.Context, targets []ohfp.ResourceTarget) Outcome
	// Reasons tells why a resource has fewer machines than it should, newest first.
	Reasons(ctx context.Context, s Standing) ([]ohfp.Failure, error)
	// Tag is the tag that AWS puts on the machines of a resource.
	Tag() string
}

// Standing is what AWS tells of a resource.
type Standing struct {
	ohfp.ResourceFacts
	Instant   bool  // launches nothing by itself
	Unseen    bool  // so new that AWS does not show it yet; nothing else is known of it
	Doubt     error // why it is not believed that AWS leaves it out; nothing else is known of it
	Keeps     bool  // replaces what it loses
	Fulfilled int   // units that it holds, as AWS counts them
	Since     time.Time
	Tags      map[string]string
	policy    *autoscaling.MixedInstancesPolicy // of a group that may have spot machines
}

// mayLaunch says whether a resource that exists may still launch: one that keeps its target may as long as it has one.
func (s Standing) mayLaunch(filled bool) bool {
	if s.Keeps {
		return total(s.Target) > 0
	}
	return !filled
}

// Short says whether the resource has less than it was told to have and may still get it.
func (s Standing) Short(holds int) bool { return s.Active && holds < total(s.Target) }

const (
	// lookChunk is how many resources are read by one call. DescribeAutoScalingGroups takes at most 100 names,
	// and DeleteFleets and CancelSpotFleetRequests that many ids.
	lookChunk = 100
	// maxReasons is how many different reasons are worth telling.
	maxReasons = 10
)

// lookUp reads resources by their ids. AWS refuses a call in which one is unknown; those it names are set aside as gone
// and the rest is read again. omitted tells of those that an answer leaves out.
func (p Parts) lookUp(
	ctx context.Context, ids []string, read func(ids []string) ([]Standing, error), isUnknown func(error) bool, omitted func(ctx context.Context, id string) Standing,
) ([]Standing, error) {
	var found []Standing
	queue := slices.Collect(slices.Chunk(ids, lookChunk))
	for len(queue) > 0 {
		group := queue[0]
		queue = queue[1:]
		some, err := read(group)
		switch {
		case err == nil:
			found = append(found, some...)
			known := map[string]bool{}
			for _, s := range some {
				known[s.Resource] = true
			}
			for _, id := range group {
				if !known[id] {
					found = append(found, omitted(ctx, id))
				}
			}
		case !isUnknown(err):
			return found, err
		default:
			named := namedIn(err, group)
			rest := slices.DeleteFunc(slices.Clone(group), func(id string) bool { return slices.Contains(named, id) })
			switch {
			case len(group) == 1 || len(rest) == 0:
				named = group
			case len(named) == 0:
				queue = append(queue, group[:len(group)/2], group[len(group)/2:])
			default:
				queue = append(queue, rest)
			}
			for _, id := range named {
				found = append(found, p.denied(ctx, id))
			}
		}
	}
	p.recallFilled(ctx, found)
	return found, nil
}

// keepFilled outlives what most fleets serve for. After that, a fleet that was filled is stopped once more than needed.
const keepFilled = 30 * 24 * time.Hour

// recallFilled corrects what fleets of type request look like that have lost machines: as if they had not launched all
// that they were told. Such a fleet launches nothing more once it has been filled.
func (p Parts) recallFilled(ctx context.Context, standings []Standing) {
	for i := range standings {
		s := &standings[i]
		if s.Keeps || s.Instant || s.Gone || s.Unseen || s.Doubt != nil || total(s.Target) == 0 {
			continue
		}
		key := p.Prefix + "filled/" + s.Resource
		_, known, err := p.Memory.Recall(ctx, key)
		switch {
		case err != nil:
			return
		case s.Active && known:
			s.Active = false
		case !s.Active && !known:
			// What cannot be remembered costs calls when machines of it have ended.
			_ = p.Memory.Remember(ctx, key, []byte("1"), keepFilled)
		}
	}
}

// namedIn lists the resources that a refusal is about.
func namedIn(err error, ids []string) []string {
	var cloud *ohfp.CloudError
	if !errors.As(err, &cloud) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !strings.Contains(cloud.Message, id) })
}

// tagMap turns the tags of a resource into a map.
func tagMap(tags []types.Tag) map[string]string {
	out := make(map[string]string, len(tags))
	for _, tag := range tags {
		out[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return out
}
