package aws

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
)

// maxTerminate is how many instances one TerminateInstances call takes.
const maxTerminate = 1000

var (
	// instanceIDs finds instance ids in EC2's sentences, quoted or inside an ARN.
	instanceIDs = regexp.MustCompile(`\bi-[0-9a-f]+`)
	instanceID  = regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)
)

// wellFormed says whether an id could name an instance. One that could not, as of another cloud, spoils calls.
func wellFormed(id ohfp.MachineID) bool { return instanceID.MatchString(string(id)) }

// How long a resource that is being changed is left alone before it is told again, and how often: together half a minute,
// within the time that the caller has.
const (
	firstPause = 500 * time.Millisecond
	lastPause  = 5 * time.Second
	maxPauses  = 9
)

// Terminate ends machines. First, what launches by itself is told to have fewer, so that it replaces none of them; where
// that fails, its machines are left alone. EC2 ends none of a call in which one is unknown, and says which; those are set
// aside and the rest is ended.
func (p *Provider) Terminate(ctx context.Context, machines []ohfp.Machine, targets []ohfp.ResourceTarget) ([]provider.Ended, error) {
	e := &ending{Provider: p, machines: map[string]ohfp.Machine{}, ordered: map[ohfp.MachineID]bool{}, refused: map[string]bool{}}
	for _, m := range machines {
		e.machines[string(m.ID)] = m
	}
	wait := firstPause
	for pauses := 0; ; pauses++ {
		busy := e.retarget(ctx, targets)
		e.endAll(ctx, machines, busy)
		if len(busy) == 0 {
			break
		}
		if pauses == maxPauses || p.pause(ctx, wait) != nil {
			for _, t := range busy {
				e.problems = append(e.problems, ohfp.Errorf(ohfp.ErrTimeout, "%s is being changed and takes no other target yet; its machines end when it does", t.Resource))
			}
			break
		}
		targets, wait = busy, min(2*wait, lastPause)
	}
	return e.ended, errors.Join(e.problems...)
}

// pause waits, but not beyond the time that there is.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// retarget lowers targets, and returns those that must wait.
func (e *ending) retarget(ctx context.Context, targets []ohfp.ResourceTarget) []ohfp.ResourceTarget {
	var busy []ohfp.ResourceTarget
	for _, k := range e.keepers {
		own := slices.DeleteFunc(slices.Clone(targets), func(t ohfp.ResourceTarget) bool { return !k.keeps(t.Resource) })
		if len(own) == 0 {
			continue
		}
		outcome := k.Retarget(ctx, own)
		busy = append(busy, outcome.Busy...)
		for _, resource := range slices.Sorted(maps.Keys(outcome.Refused)) {
			e.refused[resource] = true
			e.problems = append(e.problems, outcome.Refused[resource])
		}
	}
	return busy
}

// endAll ends what is not ended yet and belongs to nothing that still has too high a target.
func (e *ending) endAll(ctx context.Context, machines []ohfp.Machine, busy []ohfp.ResourceTarget) {
	waits := maps.Clone(e.refused)
	for _, t := range busy {
		waits[t.Resource] = true
	}
	var ids []string
	for _, m := range machines {
		switch {
		case e.ordered[m.ID] || waits[m.Resource]:
			continue
		case wellFormed(m.ID):
			ids = append(ids, string(m.ID))
		default:
			e.ended = append(e.ended, provider.Ended{Machine: m.ID, State: ohfp.MachineTerminated})
		}
		e.ordered[m.ID] = true
	}
	e.queue = slices.Collect(slices.Chunk(ids, maxTerminate))
	for len(e.queue) > 0 {
		group := e.queue[0]
		e.queue = e.queue[1:]
		if !e.end(ctx, group) {
			break
		}
	}
}

// ending is a Terminate under way.
type ending struct {
	*Provider
	machines map[string]ohfp.Machine
	ordered  map[ohfp.MachineID]bool
	refused  map[string]bool // resources that could not be told
	queue    [][]string
	ended    []provider.Ended
	problems []error
}

// end orders the end of one group. It returns false when there is no use in going on now.
func (e *ending) end(ctx context.Context, group []string) bool {
	out, err := e.api.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: group})
	if err == nil {
		for _, change := range out.TerminatingInstances {
			state := ohfp.MachineShuttingDown
			if change.CurrentState != nil && ohfp.MachineState(change.CurrentState.Name) == ohfp.MachineTerminated {
				state = ohfp.MachineTerminated
			}
			e.ended = append(e.ended, provider.Ended{Machine: ohfp.MachineID(text(change.InstanceId)), State: state})
		}
		return true
	}
	named := namedIn(err, group)
	switch {
	case ohfp.Retryable(err):
		e.problems = append(e.problems, err)
		return false
	case len(named) > 0:
		for _, id := range named {
			e.setAside(id, err)
		}
		rest := slices.DeleteFunc(slices.Clone(group), func(id string) bool { return slices.Contains(named, id) })
		if len(rest) > 0 {
			e.queue = append(e.queue, rest)
		}
	case isUnknown(err):
		// One of them is to blame and EC2 does not say which.
		e.queue = append(e.queue, group[:len(group)/2], group[len(group)/2:])
	default:
		e.problems = append(e.problems, err)
	}
	return true
}

// namedIn are the machines of the group that a refusal is about.
func namedIn(err error, group []string) []string {
	if len(group) == 1 && isUnknown(err) {
		return group
	}
	var cloud *ohfp.CloudError
	if !errors.As(err, &cloud) {
		return nil
	}
	var named []string
	for _, id := range instanceIDs.FindAllString(cloud.Message, -1) {
		if slices.Contains(group, id) && !slices.Contains(named, id) {
			named = append(named, id)
		}
	}
	return named
}

// setAside records what is known of a machine that EC2 refused to end. EC2 may not know a new instance for a while, so
// only an old one that it does not know is gone; a new one is ended again when it shows.
func (e *ending) setAside(id string, err error) {
	m := e.machines[id]
	switch young := !m.LaunchedAt.IsZero() && e.now().Sub(m.LaunchedAt) < ohfp.GoneAfter; {
	case !isUnknown(err):
		e.problems = append(e.problems, err)
	case young:
		e.ended = append(e.ended, provider.Ended{Machine: m.ID, State: ohfp.MachineShuttingDown})
	default:
		e.ended = append(e.ended, provider.Ended{Machine: m.ID, State: ohfp.MachineTerminated})
	}
}

// isUnknown says whether EC2 does not know an instance.
func isUnknown(err error) bool {
	code := awsapi.Code(err)
	return code == "InvalidInstanceID.NotFound" || code == "InvalidInstanceID.Malformed"
}
