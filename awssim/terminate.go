package awssim

import (
	"fmt"
	"time"
)

// TerminateInstances takes 1,000 IDs.
const maxTerminate = 1000

type terminateInstancesInput struct {
	InstanceIDs []string `query:"InstanceId"`
	// SkipShutdown terminates without a shutting-down phase.
	SkipShutdown bool `query:"SkipOsShutdown"`
}

type stateChangeReply struct {
	ID       string     `reply:"instanceId"`
	Current  stateReply `reply:"currentState"`
	Previous stateReply `reply:"previousState"`
}

type terminateInstancesReply struct {
	Instances []stateChangeReply `reply:"instancesSet"`
}

func userInitiated() reason {
	return reason{"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"}
}

// terminateInstances ends all of the instances named, or none when one of them is unknown. Protected instances keep all
// those of their zone alive; the others end all the same.
func (c *Cloud) terminateInstances(call *call, in *terminateInstancesInput) (any, error) {
	if len(in.InstanceIDs) == 0 {
		return nil, missingParameter("InstanceId")
	}
	if len(in.InstanceIDs) > maxTerminate {
		return nil, invalidValue(len(in.InstanceIDs), "InstanceId", "Expecting at most 1000 instances.")
	}
	// Termination needs no visibility: it goes to the instance itself, not to the index that Describe reads.
	found, err := c.find(in.InstanceIDs, func(*instance) bool { return true })
	if err != nil {
		return nil, err
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	if err := c.throttleResources(call, limitTerminateResources, len(found)); err != nil {
		return nil, err
	}
	protected := map[string]string{}
	for _, i := range found {
		if i.forbids(i.noTermination, i.spec.NoTermination) && i.state(call.now) != stateTerminated {
			protected[i.subnet.Zone] = i.id
		}
	}
	var refused string
	var reply terminateInstancesReply
	for _, i := range found {
		if id, ok := protected[i.subnet.Zone]; ok {
			refused = id
			continue
		}
		reply.Instances = append(reply.Instances, c.terminate(call, i, in.SkipShutdown))
	}
	if refused != "" {
		return nil, errorf("OperationNotPermitted", "The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.", refused)
	}
	return reply, nil
}

func (c *Cloud) terminate(call *call, i *instance, skipShutdown bool) stateChangeReply {
	previous := i.state(call.now)
	current := previous
	if previous != stateShuttingDown && previous != stateTerminated {
		delay := c.options.TerminateDelay
		if skipShutdown {
			delay = 0
		}
		c.end(i, call.now, delay, userInitiated())
		call.entry.Terminated = append(call.entry.Terminated, i.id)
		// EC2 answers with shutting-down, however fast it is.
		current = stateShuttingDown
	}
	return stateChangeReply{i.id, newStateReply(current), newStateReply(previous)}
}

// Terminate ends instances as somebody at the console would: it is no call and not in the ledger. An instance that is
// already gone is no error, an unknown one is, and then nothing is terminated.
func (c *Cloud) Terminate(ids ...string) error {
	return c.endOutside(ids, 0, userInitiated())
}

// Interrupt takes spot instances back: after the notice, two minutes in AWS, they shut down and terminate. An instance
// that is unknown, or not spot, is an error, and then nothing is interrupted.
func (c *Cloud) Interrupt(notice time.Duration, ids ...string) error {
	return c.endOutside(ids, notice, reason{spotTermination, spotTermination + ": Spot instance termination"})
}

const spotTermination = "Server.SpotInstanceTermination"

func (c *Cloud) endOutside(ids []string, notice time.Duration, why reason) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.settle(now)
	found, err := c.find(ids, func(*instance) bool { return true })
	if err != nil {
		return fmt.Errorf("awssim: %w", err)
	}
	for _, i := range found {
		if why.code == spotTermination && i.lifecycle != Spot {
			return fmt.Errorf("awssim: instance %s is no spot instance and cannot be interrupted", i.id)
		}
	}
	for _, i := range found {
		if s := i.state(now); s != stateShuttingDown && s != stateTerminated {
			c.end(i, now.Add(notice), c.options.TerminateDelay, why)
			i.endedSince = now
			if why.code == spotTermination {
				c.publishWarning(i, now)
			} else {
				c.publishState(i, stateShuttingDown, now)
			}
			if f, ok := i.owner.(*fleet); ok && notice > 0 && !f.instant() {
				f.record(now, changeOfInstance, "termination_notified", i.id, i.describe())
			}
		}
	}
	return nil
}
