package awssim

import (
	"slices"
	"strconv"
	"time"
)

// Auto Scaling describes 50 instances per call.
const maxGroupInstances = 50

// groupFilter is a filter as Auto Scaling writes it.
type groupFilter struct {
	Name   string   `query:"Name"`
	Values []string `query:"Values.member"`
}

func ec2Filters(filters []groupFilter) []filter {
	converted := make([]filter, len(filters))
	for i, f := range filters {
		converted[i] = filter(f)
	}
	return converted
}

type describeGroupsInput struct {
	Names   []string      `query:"AutoScalingGroupNames.member"`
	Filters []groupFilter `query:"Filters.member"`
	// Instances leaves them out when it is false.
	Instances *bool `query:"IncludeInstances"`
	groupPageInput
}

type groupReplyASG struct {
	Name       string             `reply:"AutoScalingGroupName"`
	Arn        string             `reply:"AutoScalingGroupARN"`
	Template   *templateReference `reply:"LaunchTemplate,omitempty"`
	Mixed      *mixedPolicy       `reply:"MixedInstancesPolicy,omitempty"`
	Min        int                `reply:"MinSize"`
	Max        int                `reply:"MaxSize"`
	Desired    int                `reply:"DesiredCapacity"`
	Zones      []string           `reply:"AvailabilityZones"`
	Instances  []memberReply      `reply:"Instances"`
	Created    time.Time          `reply:"CreatedTime"`
	Suspended  []suspendedReply   `reply:"SuspendedProcesses"`
	Subnets    string             `reply:"VPCZoneIdentifier"`
	Status     string             `reply:"Status,omitempty"`
	Tags       []groupTag         `reply:"Tags"`
	ProtectNew bool               `reply:"NewInstancesProtectedFromScaleIn"`
	Context    string             `reply:"Context,omitempty"`
	describedSettings
}

type suspendedReply struct {
	Name   string `reply:"ProcessName"`
	Reason string `reply:"SuspensionReason"`
}

type memberReply struct {
	ID        string            `reply:"InstanceId"`
	Type      string            `reply:"InstanceType"`
	Group     string            `reply:"AutoScalingGroupName,omitempty"`
	Zone      string            `reply:"AvailabilityZone"`
	State     string            `reply:"LifecycleState"`
	Health    string            `reply:"HealthStatus"`
	Template  templateReference `reply:"LaunchTemplate"`
	Protected bool              `reply:"ProtectedFromScaleIn"`
	Weight    string            `reply:"WeightedCapacity,omitempty"`
}

type describeGroupsReply struct {
	Groups    []groupReplyASG `reply:"AutoScalingGroups"`
	NextToken string          `reply:"NextToken,omitempty"`
}

func (g *group) ec2Tags() []Tag {
	var tags []Tag
	for _, t := range g.tags {
		tags = append(tags, Tag{t.Key, t.Value})
	}
	return tags
}

// describeGroups leaves out groups that do not exist.
func (c *Cloud) describeGroups(call *call, in *describeGroupsInput) (any, error) {
	match, err := compile(ec2Filters(in.Filters), fields[*group]{
		"tag-value": many(func(g *group) []string {
			var values []string
			for _, t := range g.tags {
				values = append(values, t.Value)
			}
			return values
		}),
	}, (*group).ec2Tags)
	if err != nil {
		return nil, err
	}
	page, err := in.page(call, 50, 100)
	if err != nil {
		return nil, err
	}
	var reply describeGroupsReply
	for _, g := range c.asgs {
		if call.now.Before(g.visibleAt) || len(in.Names) > 0 && !slices.Contains(in.Names, g.id) || !match(g) || !page.admit(g.sequence) {
			continue
		}
		reply.Groups = append(reply.Groups, c.groupReply(g, in.Instances == nil || *in.Instances, call.now))
	}
	reply.NextToken = page.next()
	return reply, nil
}

func (c *Cloud) groupReply(g *group, instances bool, now time.Time) groupReplyASG {
	s := g.settings
	r := groupReplyASG{
		Name: g.id, Arn: c.groupArn(g), Template: s.template, Mixed: s.mixed, Min: s.min, Max: s.max, Desired: s.desired,
		Created: g.createdAt, Subnets: s.zoneList, Status: g.status(), Tags: g.tags, ProtectNew: s.protectNew, Context: s.context,
		describedSettings: s.described,
	}
	if r.Cooldown == nil {
		usual := 300
		r.Cooldown = &usual
	}
	setDefault(&r.HealthCheck, "EC2")
	if len(r.Policies) == 0 {
		r.Policies = []string{"Default"}
	}
	for _, subnet := range s.subnets {
		if !slices.Contains(r.Zones, subnet.Zone) {
			r.Zones = append(r.Zones, subnet.Zone)
		}
	}
	for _, name := range g.suspended {
		r.Suspended = append(r.Suspended, suspendedReply{name, "User suspended"})
	}
	for _, m := range g.members {
		if instances && !now.Before(m.visibleAt) {
			r.Instances = append(r.Instances, g.memberReply(m, now))
		}
	}
	return r
}

func (g *group) memberReply(m *managed, now time.Time) memberReply {
	r := memberReply{
		ID: m.id, Type: m.instanceType.Name, Zone: m.subnet.Zone, State: m.lifecycleState(now), Health: m.health(now),
		Template:  templateReference{ID: tagValue(m.tags, "aws:ec2launchtemplate:id"), Version: tagValue(m.tags, "aws:ec2launchtemplate:version")},
		Protected: m.protected,
	}
	if len(g.settings.overrides) > 0 && g.settings.overrides[0].Weight != "" {
		r.Weight = strconv.Itoa(int(m.weight))
	}
	return r
}

type describeGroupInstancesInput struct {
	IDs []string `query:"InstanceIds.member"`
	groupPageInput
}

type describeGroupInstancesReply struct {
	Instances []memberReply `reply:"AutoScalingInstances"`
	NextToken string        `reply:"NextToken,omitempty"`
}

// describeGroupInstances leaves out instances that are of no group.
func (c *Cloud) describeGroupInstances(call *call, in *describeGroupInstancesInput) (any, error) {
	if len(in.IDs) > maxGroupInstances {
		return nil, invalidValue(len(in.IDs), "InstanceIds", "Expecting at most 50 instances.")
	}
	page, err := in.page(call, maxGroupInstances, maxGroupInstances)
	if err != nil {
		return nil, err
	}
	type of struct {
		*managed
		group *group
	}
	var all []of
	for _, g := range c.asgs {
		for _, m := range g.members {
			if !call.now.Before(m.visibleAt) && (len(in.IDs) == 0 || slices.Contains(in.IDs, m.id)) {
				all = append(all, of{m, g})
			}
		}
	}
	slices.SortFunc(all, func(a, b of) int { return a.sequence - b.sequence })
	var reply describeGroupInstancesReply
	for _, m := range all {
		if page.admit(m.sequence) {
			r := m.group.memberReply(m.managed, call.now)
			r.Group = m.group.id
			reply.Instances = append(reply.Instances, r)
		}
	}
	reply.NextToken = page.next()
	return reply, nil
}
