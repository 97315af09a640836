package awssim

import (
	"slices"
	"time"
)

type describeInstancesInput struct {
	InstanceIDs []string `query:"InstanceId"`
	Filters     []filter `query:"Filter"`
	pageInput
}

type describeInstancesReply struct {
	Reservations []reservationReply `reply:"reservationSet"`
	NextToken    string             `reply:"nextToken,omitempty"`
}

// instanceFields are the filters on instances at one moment.
func (c *Cloud) instanceFields(now time.Time) fields[*instance] {
	// What a terminated instance no longer has matches nothing.
	attached := func(get func(*instance) string) field[*instance] {
		return func(i *instance, match func(string) bool) bool {
			return i.state(now) != stateTerminated && match(get(i))
		}
	}
	addressed := func(get func(*instance) string) field[*instance] {
		return func(i *instance, match func(string) bool) bool { return i.addressed(now) && match(get(i)) }
	}
	return fields[*instance]{
		"instance-id":                 one(func(i *instance) string { return i.id }),
		"instance-state-name":         one(func(i *instance) string { return i.state(now) }),
		"reservation-id":              one(func(i *instance) string { return i.reservation }),
		"availability-zone":           one(func(i *instance) string { return i.subnet.Zone }),
		"instance-type":               one(func(i *instance) string { return i.instanceType.Name }),
		"image-id":                    one(func(i *instance) string { return i.image.ID }),
		"key-name":                    one(func(i *instance) string { return i.spec.KeyName }),
		"client-token":                one(func(i *instance) string { return i.clientToken }),
		"root-device-name":            one(func(i *instance) string { return i.image.RootDevice }),
		"subnet-id":                   attached(func(i *instance) string { return i.subnet.ID }),
		"network-interface.subnet-id": attached(func(i *instance) string { return i.subnet.ID }),
		"vpc-id":                      attached(func(i *instance) string { return i.subnet.VPC }),
		"private-dns-name":            addressed(c.privateDNSName),
		"private-ip-address":          addressed(func(i *instance) string { return i.ip.String() }),
		"ip-address":                  addressed(func(i *instance) string { return i.publicIP.String() }),
		"instance.group-id": func(i *instance, match func(string) bool) bool {
			for _, g := range i.groups {
				if match(g.ID) {
					return true
				}
			}
			return false
		},
		// Only spot instances have a lifecycle to filter by.
		"instance-lifecycle": func(i *instance, match func(string) bool) bool { return i.lifecycle == Spot && match(Spot) },
		"spot-instance-request-id": func(i *instance, match func(string) bool) bool {
			return i.spotRequest != nil && match(i.spotRequest.id)
		},
	}
}

func instanceTags(i *instance) []Tag { return i.tags }

func (c *Cloud) describeInstances(call *call, in *describeInstancesInput) (any, error) {
	found, page, err := c.selectInstances(call, in, c.instanceFields(call.now))
	if err != nil {
		return nil, err
	}
	reply := describeInstancesReply{NextToken: page.next()}
	// Neighbours of one launch share an answer; a launch cut by a page shows on both pages.
	for start := 0; start < len(found); {
		end := start + 1
		for end < len(found) && found[end].launch == found[start].launch {
			end++
		}
		reply.Reservations = append(reply.Reservations, c.reservation(found[start:end], call))
		start = end
	}
	return reply, nil
}

func (c *Cloud) selectInstances(call *call, in *describeInstancesInput, filters fields[*instance]) ([]*instance, *page, error) {
	if len(in.InstanceIDs) > 0 && in.MaxResults != nil {
		return nil, nil, errorf("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults")
	}
	match, err := compile(in.Filters, filters, instanceTags)
	if err != nil {
		return nil, nil, err
	}
	page, err := in.page(call, 5, 1000)
	if err != nil {
		return nil, nil, err
	}
	visible := func(i *instance) bool { return i.visible(call.now) }
	candidates := c.instances.ordered
	if len(in.InstanceIDs) > 0 {
		if candidates, err = c.find(in.InstanceIDs, visible); err != nil {
			return nil, nil, err
		}
	}
	var found []*instance
	for _, i := range candidates {
		if page.more {
			break
		}
		if i.sequence > page.after && visible(i) && match(i) && page.admit(i.sequence) {
			found = append(found, i)
		}
	}
	return found, page, nil
}

type describeInstanceStatusInput struct {
	describeInstancesInput
	All bool `query:"IncludeAllInstances"`
}

type instanceStatusReply struct {
	ID       string           `reply:"instanceId"`
	Zone     string           `reply:"availabilityZone"`
	Events   []scheduledEvent `reply:"eventsSet,omitempty"`
	State    stateReply       `reply:"instanceState"`
	Instance statusSummary    `reply:"instanceStatus"`
	System   statusSummary    `reply:"systemStatus"`
}

type statusSummary struct {
	Status  string         `reply:"status"`
	Details []statusDetail `reply:"details,omitempty"`
}

type statusDetail struct {
	Name   string `reply:"name"`
	Status string `reply:"status"`
}

type describeInstanceStatusReply struct {
	Statuses  []instanceStatusReply `reply:"instanceStatusSet"`
	NextToken string                `reply:"nextToken,omitempty"`
}

// maxStatusIDs is EC2's limit for explicit IDs.
const maxStatusIDs = 100

// describeInstanceStatus answers for running instances unless asked for all. Nothing is ever impaired here.
func (c *Cloud) describeInstanceStatus(call *call, in *describeInstanceStatusInput) (any, error) {
	if len(in.InstanceIDs) > maxStatusIDs {
		return nil, invalidValue(len(in.InstanceIDs), "InstanceId", "Expecting at most 100 instances.")
	}
	if !in.All {
		in.Filters = append(in.Filters, filter{Name: "instance-state-name", Values: []string{stateRunning}})
	}
	filters := c.instanceFields(call.now)
	filters["event.code"] = func(i *instance, match func(string) bool) bool {
		return slices.ContainsFunc(i.events, func(e scheduledEvent) bool { return match(e.Code) })
	}
	found, page, err := c.selectInstances(call, &in.describeInstancesInput, filters)
	if err != nil {
		return nil, err
	}
	reply := describeInstanceStatusReply{NextToken: page.next()}
	for _, i := range found {
		state := i.state(call.now)
		summary := statusSummary{Status: "not-applicable"}
		if state == stateRunning {
			summary = statusSummary{"ok", []statusDetail{{"reachability", "passed"}}}
		}
		reply.Statuses = append(reply.Statuses, instanceStatusReply{i.id, i.subnet.Zone, i.events, newStateReply(state), summary, summary})
	}
	return reply, nil
}
