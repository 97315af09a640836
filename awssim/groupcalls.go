package awssim

import (
	"fmt"
	"slices"
	"time"
)

// DetachInstances takes 20 instances, SetInstanceProtection 50.
const (
	maxDetach  = 20
	maxProtect = 50
)

func (c *Cloud) createGroup(call *call, in *createGroupInput) (any, error) {
	switch {
	case in.Name == "":
		return nil, missingParameter("AutoScalingGroupName")
	case in.Min == nil:
		return nil, missingParameter("MinSize")
	case in.Max == nil:
		return nil, missingParameter("MaxSize")
	}
	if _, err := c.group(in.Name); err == nil {
		return nil, errorf("AlreadyExists", "AutoScalingGroup by this name already exists - A group with the name %s already exists", in.Name)
	}
	settings, err := c.changedSettings(groupSettings{}, &in.groupChange)
	if err != nil {
		return nil, err
	}
	g := &group{
		id: in.Name, sequence: c.next(), createdAt: call.now, visibleAt: call.now.Add(c.options.DescribeLag), settings: settings,
	}
	if err := g.tagWith(in.Tags); err != nil {
		return nil, err
	}
	g.wake(call.now.Add(c.options.FleetDelay))
	c.asgs = append(c.asgs, g)
	return nil, nil
}

type updateGroupInput struct {
	Name string `query:"AutoScalingGroupName"`
	groupChange
}

func (c *Cloud) updateGroup(call *call, in *updateGroupInput) (any, error) {
	g, err := c.groupToChange(in.Name)
	if err != nil {
		return nil, err
	}
	if g.settings, err = c.updated(g, &in.groupChange); err != nil {
		return nil, err
	}
	g.wake(call.now.Add(c.options.FleetDelay))
	return nil, nil
}

// updated returns the old settings with an error.
func (c *Cloud) updated(g *group, change *groupChange) (groupSettings, error) {
	settings, err := c.changedSettings(g.settings, change)
	if err != nil {
		return g.settings, err
	}
	return settings, nil
}

func (c *Cloud) groupToChange(name string) (*group, error) {
	g, err := c.group(name)
	if err != nil {
		return nil, err
	}
	if g.deleting {
		return nil, invalidGroup("AutoScalingGroup '%s' is pending delete", g.id)
	}
	return g, nil
}

type setDesiredCapacityInput struct {
	Name    string `query:"AutoScalingGroupName"`
	Desired *int   `query:"DesiredCapacity"`
	// Cooldowns are not simulated: nothing scales by itself, so that there is never one under way to honor.
	HonorCooldown bool `query:"HonorCooldown"`
}

func (c *Cloud) setDesiredCapacity(call *call, in *setDesiredCapacityInput) (any, error) {
	g, err := c.groupToChange(in.Name)
	if err != nil {
		return nil, err
	}
	s := &g.settings
	switch {
	case in.Desired == nil:
		return nil, missingParameter("DesiredCapacity")
	case *in.Desired > s.max:
		return nil, invalidGroup("New SetDesiredCapacity value %d is above max value %d for the AutoScalingGroup.", *in.Desired, s.max)
	case *in.Desired < s.min:
		return nil, invalidGroup("New SetDesiredCapacity value %d is below min value %d for the AutoScalingGroup.", *in.Desired, s.min)
	}
	s.desired = *in.Desired
	g.wake(call.now.Add(c.options.FleetDelay))
	return nil, nil
}

type setInstanceProtectionInput struct {
	Name      string   `query:"AutoScalingGroupName"`
	IDs       []string `query:"InstanceIds.member"`
	Protected *bool    `query:"ProtectedFromScaleIn"`
}

// emptyReply is for calls that answer with a result without members.
type emptyReply struct{}

func (c *Cloud) setInstanceProtection(_ *call, in *setInstanceProtectionInput) (any, error) {
	g, err := c.groupToChange(in.Name)
	switch {
	case err != nil:
		return nil, err
	case in.Protected == nil:
		return nil, missingParameter("ProtectedFromScaleIn")
	case len(in.IDs) == 0 || len(in.IDs) > maxProtect:
		return nil, invalidValue(len(in.IDs), "InstanceIds", "Expecting 1 to 50 instances.")
	}
	members, err := g.inService(in.IDs)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		m.protected = *in.Protected
	}
	return emptyReply{}, nil
}

// inService finds members that the group has not given up. One that is none spoils the call.
func (g *group) inService(ids []string) ([]*managed, error) {
	var members []*managed
	for _, id := range ids {
		m := g.member(id)
		if m == nil || m.lost {
			return nil, invalidGroup("The instance %s is not part of Auto Scaling group %s.", clip(id, 64), g.id)
		}
		if !slices.Contains(members, m) {
			members = append(members, m)
		}
	}
	return members, nil
}

type processesInput struct {
	Name      string   `query:"AutoScalingGroupName"`
	Processes []string `query:"ScalingProcesses.member"`
}

// named are the processes of a call, all when it names none.
func (in *processesInput) named() ([]string, error) {
	if len(in.Processes) == 0 {
		return processes(), nil
	}
	for _, p := range in.Processes {
		if !slices.Contains(processes(), p) {
			return nil, invalidValue(clip(p, 64), "ScalingProcesses", "Expecting one of "+joined(processes())+".")
		}
	}
	return in.Processes, nil
}

func (c *Cloud) suspendProcesses(_ *call, in *processesInput) (any, error) {
	g, err := c.groupToChange(in.Name)
	if err != nil {
		return nil, err
	}
	named, err := in.named()
	if err != nil {
		return nil, err
	}
	g.suspended = append(g.suspended, named...)
	slices.Sort(g.suspended)
	g.suspended = slices.Compact(g.suspended)
	return nil, nil
}

func (c *Cloud) resumeProcesses(call *call, in *processesInput) (any, error) {
	g, err := c.groupToChange(in.Name)
	if err != nil {
		return nil, err
	}
	named, err := in.named()
	if err != nil {
		return nil, err
	}
	g.suspended = slices.DeleteFunc(g.suspended, func(p string) bool { return slices.Contains(named, p) })
	g.wake(call.now.Add(c.options.FleetDelay))
	return nil, nil
}

type detachInstancesInput struct {
	Name      string   `query:"AutoScalingGroupName"`
	IDs       []string `query:"InstanceIds.member"`
	Decrement *bool    `query:"ShouldDecrementDesiredCapacity"`
}

type activitiesReply struct {
	Activities []activityReply `reply:"Activities"`
}

// detachInstances lets instances go on without the group.
func (c *Cloud) detachInstances(call *call, in *detachInstancesInput) (any, error) {
	g, err := c.groupToChange(in.Name)
	switch {
	case err != nil:
		return nil, err
	case in.Decrement == nil:
		return nil, missingParameter("ShouldDecrementDesiredCapacity")
	case len(in.IDs) == 0 || len(in.IDs) > maxDetach:
		return nil, invalidValue(len(in.IDs), "InstanceIds", "Expecting 1 to 20 instances.")
	}
	members, err := g.inService(in.IDs)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.state(call.now) != stateRunning {
			return nil, invalidGroup("The instance %s is not in InService or Standby.", m.id)
		}
	}
	if err := g.decrement(members, *in.Decrement, "detach"); err != nil {
		return nil, err
	}
	var reply activitiesReply
	for _, m := range members {
		m.owner = nil
		m.tags = slices.DeleteFunc(slices.Clone(m.tags), func(t Tag) bool { return t.Key == "aws:autoscaling:groupName" })
		g.members = slices.DeleteFunc(g.members, func(each *managed) bool { return each == m })
		a := g.tell(c, activity{
			start: call.now, end: call.now, description: "Detaching EC2 instance: " + m.id, zone: m.subnet.Zone,
			cause: fmt.Sprintf("At %s instance %s was detached in response to a user request.", call.now.Format(time.RFC3339), m.id),
		})
		reply.Activities = append(reply.Activities, c.activityReply(g, a, call.now))
	}
	g.wake(call.now.Add(c.options.FleetDelay))
	return reply, nil
}

// decrement lowers what is desired by what members weigh, unless that would go below the minimum.
func (g *group) decrement(members []*managed, wanted bool, verb string) error {
	if !wanted {
		return nil
	}
	left := g.settings.desired
	for _, m := range members {
		left -= int(m.weight)
	}
	if left < g.settings.min {
		return invalidGroup("AutoScalingGroup %s has min-size=%d, max-size=%d, and desired-size=%d. To %s %d instance, please update the AutoScalingGroup sizes appropriately.",
			g.id, g.settings.min, g.settings.max, g.settings.desired, verb, len(members))
	}
	g.settings.desired = left
	return nil
}

type terminateInGroupInput struct {
	ID        string `query:"InstanceId"`
	Decrement *bool  `query:"ShouldDecrementDesiredCapacity"`
}

type groupActivityReply struct {
	Activity activityReply `reply:"Activity"`
}

func (c *Cloud) terminateInGroup(call *call, in *terminateInGroupInput) (any, error) {
	switch {
	case in.ID == "":
		return nil, missingParameter("InstanceId")
	case in.Decrement == nil:
		return nil, missingParameter("ShouldDecrementDesiredCapacity")
	}
	for _, g := range c.asgs {
		m := g.member(in.ID)
		if m == nil || m.lost {
			continue
		}
		if err := g.decrement([]*managed{m}, *in.Decrement, "terminate"); err != nil {
			return nil, err
		}
		m.lost = true
		c.terminate(call, m.instance, false)
		a := g.tellEnd(c, call.now, m, fmt.Sprintf("At %s instance %s was taken out of service in response to a user request.", call.now.Format(time.RFC3339), m.id))
		g.wake(call.now.Add(c.options.FleetDelay))
		return groupActivityReply{c.activityReply(g, a, call.now)}, nil
	}
	return nil, invalidGroup("Instance Id not found - No managed instance found for instance ID: %s", clip(in.ID, 64))
}

type deleteGroupInput struct {
	Name  string `query:"AutoScalingGroupName"`
	Force bool   `query:"ForceDelete"`
}

// deleteGroup deletes an empty group at once, and by force any group together with its instances, once they are gone.
func (c *Cloud) deleteGroup(call *call, in *deleteGroupInput) (any, error) {
	g, err := c.group(in.Name)
	if err != nil {
		return nil, err
	}
	if !in.Force && !g.deleting {
		for _, m := range g.members {
			if !m.lost {
				return nil, errorf("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.")
			}
		}
		for _, m := range g.members {
			if m.state(call.now) != stateTerminated {
				return nil, errorf("ScalingActivityInProgress", "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.")
			}
		}
	}
	g.deleting = true
	for _, m := range g.members {
		if !m.lost && m.serves(call.now) {
			m.lost = true
			c.terminate(call, m.instance, false)
		}
		m.lost = true
	}
	g.wake(call.now)
	return nil, nil
}
