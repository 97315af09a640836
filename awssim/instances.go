package awssim

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// State names as EC2 has them.
const (
	statePending      = "pending"
	stateRunning      = "running"
	stateShuttingDown = "shutting-down"
	stateTerminated   = "terminated"
)

// instance is a machine. What changes with time alone is computed when asked for, from the moments kept here.
type instance struct {
	resource
	*launch
	// index is the position within the launch.
	index       int
	ip          netip.Addr
	publicIP    netip.Addr
	volumes     []volume
	spotRequest *resource
	// owner is the fleet or group that the instance belongs to, nil when nothing looks after it.
	owner owner

	// endsAt is when shutting-down begins, zero when nothing ends the instance; it lies ahead after an interruption
	// notice. goneAt is when it is terminated.
	endsAt, goneAt time.Time
	reason         reason
	// endedSince is when the end was decided, which is when an interruption notice shows.
	endedSince time.Time
	// stopsAt is when it began to stop, zero when it is not stopped; stoppedAt is when it was; restartedAt is when it runs
	// again. A parked instance holds no place in its pool.
	stopsAt, stoppedAt, restartedAt time.Time
	parked                          bool
	// noStop and noTermination are nil while they are as the launch said.
	noStop, noTermination *bool
	// events are the maintenance that is announced.
	events []scheduledEvent
	// spotCancelled is set when the spot request is gone and the instance is not.
	spotCancelled bool
}

// launch is what the instances of one reservation share.
type launch struct {
	*site
	reservation string
	clientToken string
	launchedAt  time.Time
	runningAt   time.Time
	addressedAt time.Time
	// weight is how many units of its owner's target an instance fulfils.
	weight float64
}

// owner keeps a number of instances.
type owner interface {
	// lose tells that one of them ends at a moment, which may lie ahead.
	lose(c *Cloud, i *instance, at time.Time)
	// name fills in the field of a snapshot that names the owner.
	name(snapshot *Instance)
}

type volume struct {
	*resource
	device string
	keep   bool
}

// reason says why an instance ended.
type reason struct{ code, message string }

type instances struct {
	byID    map[string]*instance
	ordered []*instance
	// ending are those with an end, until what they hold is released; ended those still described after it.
	ending, ended []*instance
}

func (i *instance) state(now time.Time) string {
	switch {
	case !i.endsAt.IsZero() && !now.Before(i.goneAt):
		return stateTerminated
	case !i.endsAt.IsZero() && !now.Before(i.endsAt):
		return stateShuttingDown
	case !i.stopsAt.IsZero() && now.Before(i.stoppedAt):
		return stateStopping
	case !i.stopsAt.IsZero():
		return stateStopped
	case now.Before(i.runningAt) || now.Before(i.restartedAt):
		return statePending
	default:
		return stateRunning
	}
}

// addressed reports whether the addresses show.
func (i *instance) addressed(now time.Time) bool {
	return !now.Before(i.addressedAt) && i.state(now) != stateTerminated
}

// launch makes count instances; callers made sure that there is room. The owner is nil when there is none.
func (c *Cloud) launch(call *call, s *site, count int, owner owner, weight float64) []*instance {
	l := &launch{
		site: s, reservation: c.newID("r"), clientToken: call.entry.ClientToken, weight: weight,
		launchedAt: call.now, runningAt: call.now.Add(c.options.LaunchDelay), addressedAt: call.now.Add(c.options.AddressDelay),
	}
	devices := l.devices()
	volumeTags, requestTags := tagsFor(s.spec.Tags, "volume"), tagsFor(s.spec.Tags, "spot-instances-request")
	tags := tagsFor(s.spec.Tags, "instance")
	c.takeCapacity(s.pool(), count)
	made := make([]*instance, count)
	for index := range made {
		i := &instance{launch: l, index: index, owner: owner, resource: c.newResource(call, c.newID("i"), "instance", tags)}
		i.ip, i.publicIP = c.addressOf(s)
		c.resources.add(&i.resource)
		if s.lifecycle == Spot {
			request := c.newResource(call, c.newSpotRequestID(), "spot-instances-request", requestTags)
			i.spotRequest = &request
			c.resources.add(i.spotRequest)
		}
		for _, d := range devices {
			r := c.newResource(call, c.newID("vol"), "volume", volumeTags)
			d.resource = &r
			i.volumes = append(i.volumes, d)
			c.resources.add(d.resource)
		}
		c.instances.byID[i.id] = i
		c.instances.ordered = append(c.instances.ordered, i)
		call.entry.Launched = append(call.entry.Launched, i.id)
		made[index] = i
	}
	return made
}

func (c *Cloud) newResource(call *call, id, kind string, tags []Tag) resource {
	return resource{id: id, kind: kind, sequence: c.next(), visibleAt: call.now.Add(c.options.DescribeLag), tags: tags}
}

// devices are the volumes of each instance: the image's root device, and what the launch adds or takes away.
func (l *launch) devices() []volume {
	root := volume{device: l.image.RootDevice}
	var others []volume
	for _, d := range l.spec.BlockDevices {
		switch {
		case d.Device == root.device:
			root.keep = d.EBS != nil && d.EBS.DeleteOnTermination != nil && !*d.EBS.DeleteOnTermination
		case d.NoDevice == nil && d.EBS != nil:
			// Volumes beside the root stay unless the launch says otherwise.
			others = append(others, volume{device: d.Device, keep: d.EBS.DeleteOnTermination == nil || !*d.EBS.DeleteOnTermination})
		}
	}
	return append([]volume{root}, others...)
}

// end schedules the end of an instance. The earlier end wins, with its reason.
func (c *Cloud) end(i *instance, at time.Time, shutdown time.Duration, why reason) {
	if i.endsAt.IsZero() {
		c.instances.ending = append(c.instances.ending, i)
	} else if !at.Before(i.endsAt) {
		return
	}
	i.endsAt, i.goneAt, i.reason = at, at.Add(shutdown), why
	if i.owner != nil {
		i.owner.lose(c, i, at)
	}
}

// serves reports whether the instance counts for its owner: it is there, and nothing has begun to end it.
func (i *instance) serves(now time.Time) bool {
	s := i.state(now)
	return s == statePending || s == stateRunning
}

// settleInstances releases what terminated instances held, and forgets those that EC2 would no longer describe.
func (c *Cloud) settleInstances(now time.Time) {
	c.instances.ending = slices.DeleteFunc(c.instances.ending, func(i *instance) bool {
		if now.Before(i.goneAt) {
			return false
		}
		c.release(i)
		return true
	})
	forgotten := 0
	c.instances.ended = slices.DeleteFunc(c.instances.ended, func(i *instance) bool {
		if now.Before(i.goneAt.Add(c.options.TerminatedVisible)) {
			return false
		}
		delete(c.instances.byID, i.id)
		c.resources.drop(&i.resource)
		forgotten++
		return true
	})
	if forgotten > 0 {
		c.instances.ordered = slices.DeleteFunc(c.instances.ordered, func(i *instance) bool { return i.gone })
	}
}

func (c *Cloud) release(i *instance) {
	i.subnet.addresses.release(i.ip)
	if !i.parked {
		c.publicIPs.release(i.publicIP)
		c.giveBack(i.pool())
	}
	if i.spotRequest != nil {
		c.resources.drop(i.spotRequest)
	}
	for _, v := range i.volumes {
		if !v.keep {
			c.resources.drop(v.resource)
		}
	}
	c.instances.ended = append(c.instances.ended, i)
}

// privateDNSName is made of the address, or of the ID when the launch chose resource names.
func (c *Cloud) privateDNSName(i *instance) string {
	domain := c.options.Region + ".compute.internal"
	if c.options.Region == "us-east-1" {
		domain = "ec2.internal"
	}
	if n := i.spec.PrivateDNSName; n != nil && n.HostnameType == "resource-name" {
		return i.id + "." + domain
	}
	return "ip-" + strings.ReplaceAll(i.ip.String(), ".", "-") + "." + domain
}

func (c *Cloud) publicDNSName(i *instance) string {
	domain := c.options.Region + ".compute.amazonaws.com"
	if c.options.Region == "us-east-1" {
		domain = "compute-1.amazonaws.com"
	}
	return "ec2-" + strings.ReplaceAll(i.publicIP.String(), ".", "-") + "." + domain
}

// find returns the instances with these IDs in the order of their launch. One that is unknown spoils the call, as in EC2.
func (c *Cloud) find(ids []string, known func(*instance) bool) ([]*instance, error) {
	var found []*instance
	var missing []string
	seen := map[string]bool{}
	for _, id := range ids {
		if !wellFormedID("i", id) {
			return nil, errorf("InvalidInstanceID.Malformed", "Invalid id: \"%s\"", clip(id, 64))
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		if i := c.instances.byID[id]; i != nil && known(i) {
			found = append(found, i)
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		return nil, notFound("InvalidInstanceID.NotFound", "instance", missing)
	}
	slices.SortFunc(found, func(a, b *instance) int { return a.sequence - b.sequence })
	return found, nil
}
