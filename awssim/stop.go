package awssim

import (
	"net/netip"
	"time"
)

// States of instances that are not there but come back.
const (
	stateStopping = "stopping"
	stateStopped  = "stopped"
)

type stopInstancesInput struct {
	InstanceIDs []string `query:"InstanceId"`
	Force       bool     `query:"Force"`
	// SkipShutdown stops without a stopping phase.
	SkipShutdown bool `query:"SkipOsShutdown"`
}

// stopInstances stops all of the instances named or none. A stopped instance keeps its private address, and gives its
// place in the pool and its public address back.
func (c *Cloud) stopInstances(call *call, in *stopInstancesInput) (any, error) {
	found, err := c.findToChange(in.InstanceIDs)
	if err != nil {
		return nil, err
	}
	for _, i := range found {
		switch s := i.state(call.now); {
		case i.lifecycle == Spot:
			return nil, errorf("UnsupportedOperation", "You can't stop the Spot Instance '%s' because it is associated with a one-time Spot Instance request. You can only stop Spot Instances associated with persistent Spot Instance requests.", i.id)
		case i.forbids(i.noStop, i.spec.NoStop):
			return nil, errorf("OperationNotPermitted", "The instance '%s' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.", i.id)
		case s != stateRunning && s != stateStopping && s != stateStopped:
			return nil, errorf("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be stopped.", i.id)
		}
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	if err := c.throttleResources(call, limitTerminateResources, len(found)); err != nil {
		return nil, err
	}
	var reply terminateInstancesReply
	for _, i := range found {
		previous := i.state(call.now)
		if previous == stateRunning {
			i.stopsAt, i.stoppedAt = call.now, call.now.Add(c.options.TerminateDelay)
			if in.SkipShutdown || in.Force {
				i.stoppedAt = call.now
			}
			c.park(i)
			if i.owner != nil {
				i.owner.lose(c, i, call.now)
			}
		}
		current := i.state(call.now)
		if previous == stateRunning {
			// EC2 answers with stopping, however fast it is.
			current = stateStopping
		}
		reply.Instances = append(reply.Instances, stateChangeReply{i.id, newStateReply(current), newStateReply(previous)})
	}
	return reply, nil
}

func (c *Cloud) park(i *instance) {
	i.parked = true
	c.giveBack(i.pool())
	c.publicIPs.release(i.publicIP)
	i.publicIP = netip.Addr{}
}

type startInstancesInput struct {
	InstanceIDs []string `query:"InstanceId"`
}

// startInstances starts all of the instances named or none.
func (c *Cloud) startInstances(call *call, in *startInstancesInput) (any, error) {
	found, err := c.findToChange(in.InstanceIDs)
	if err != nil {
		return nil, err
	}
	wanted := map[Pool]int{}
	for _, i := range found {
		switch i.state(call.now) {
		case stateStopped:
			wanted[i.pool()]++
		case stateRunning, statePending:
		default:
			return nil, errorf("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be started.", i.id)
		}
	}
	for pool, n := range wanted {
		if left, limited := c.capacity[pool]; limited && left < n {
			return nil, errorf("InsufficientInstanceCapacity", "We currently do not have sufficient %s capacity in the Availability Zone you requested (%s).", pool.InstanceType, pool.Zone)
		}
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	if err := c.throttleResources(call, limitRunResources, len(found)); err != nil {
		return nil, err
	}
	var reply terminateInstancesReply
	for _, i := range found {
		previous := i.state(call.now)
		if previous == stateStopped {
			i.stopsAt, i.parked = time.Time{}, false
			i.restartedAt = call.now.Add(c.options.LaunchDelay)
			c.takeCapacity(i.pool(), 1)
			if i.site.publicIP {
				i.publicIP = c.publicIPs.take()
			}
		}
		current := i.state(call.now)
		if previous == stateStopped {
			current = statePending
		}
		reply.Instances = append(reply.Instances, stateChangeReply{i.id, newStateReply(current), newStateReply(previous)})
	}
	return reply, nil
}

// findToChange finds the instances of a call that changes them, visible or not.
func (c *Cloud) findToChange(ids []string) ([]*instance, error) {
	if len(ids) == 0 {
		return nil, missingParameter("InstanceId")
	}
	return c.find(ids, func(*instance) bool { return true })
}

type modifyInstanceAttributeInput struct {
	InstanceID    string    `query:"InstanceId"`
	Attribute     string    `query:"Attribute"`
	Value         string    `query:"Value"`
	NoStop        *flagAttr `query:"DisableApiStop"`
	NoTermination *flagAttr `query:"DisableApiTermination"`
}

type flagAttr struct {
	Value *bool `query:"Value"`
}

// modifyInstanceAttribute protects an instance, or no longer, from termination and from being stopped.
func (c *Cloud) modifyInstanceAttribute(call *call, in *modifyInstanceAttributeInput) (any, error) {
	if in.InstanceID == "" {
		return nil, missingParameter("InstanceId")
	}
	found, err := c.findToChange([]string{in.InstanceID})
	if err != nil {
		return nil, err
	}
	noStop, noTermination := value(in.NoStop).Value, value(in.NoTermination).Value
	if in.Attribute != "" {
		if in.Value != "true" && in.Value != "false" {
			return nil, invalidValue(clip(in.Value, 32), "Value", "Expecting true or false.")
		}
		on := in.Value == "true"
		switch in.Attribute {
		case "disableApiStop":
			noStop = &on
		case "disableApiTermination":
			noTermination = &on
		default:
			return nil, unsupported("The attribute '" + clip(in.Attribute, 64) + "'")
		}
	}
	if noStop == nil && noTermination == nil {
		return nil, missingParameter("DisableApiTermination")
	}
	i := found[0]
	if noTermination != nil && *noTermination && i.lifecycle == Spot {
		return nil, errorf("UnsupportedOperation", "You can't modify the attribute 'disableApiTermination' of the Spot Instance '%s'.", i.id)
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	if noStop != nil {
		i.noStop = noStop
	}
	if noTermination != nil {
		i.noTermination = noTermination
	}
	return doneReply{true}, nil
}

// forbids says whether an attribute is set, which is what the launch said until it was modified.
func (i *instance) forbids(modified, launched *bool) bool {
	if modified != nil {
		return *modified
	}
	return value(launched)
}
