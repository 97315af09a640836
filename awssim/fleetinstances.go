package awssim

type describeFleetInstancesInput struct {
	FleetID string   `query:"FleetId"`
	Filters []filter `query:"Filter"`
	pageInput
}

type activeInstanceReply struct {
	InstanceID   string `reply:"instanceId"`
	InstanceType string `reply:"instanceType"`
	SpotRequest  string `reply:"spotInstanceRequestId,omitempty"`
	Health       string `reply:"instanceHealth"`
}

type fleetInstancesAnswer struct {
	Instances []activeInstanceReply `reply:"activeInstanceSet"`
	NextToken string                `reply:"nextToken,omitempty"`
	FleetID   string                `reply:"fleetId"`
}

func (c *Cloud) describeFleetInstances(call *call, in *describeFleetInstancesInput) (any, error) {
	f, err := c.keepingFleet(call, in.FleetID)
	if err != nil {
		return nil, err
	}
	match, err := compile(in.Filters, fields[*instance]{
		"instance-type": one(func(i *instance) string { return i.instanceType.Name }),
	}, nil)
	if err != nil {
		return nil, err
	}
	instances, next, err := c.activeInstances(call, f, match, in.pageInput)
	if err != nil {
		return nil, err
	}
	return fleetInstancesAnswer{instances, next, f.id}, nil
}

// activeInstances are what a fleet counts towards its target, in pages of up to a thousand.
func (c *Cloud) activeInstances(call *call, f *fleet, match func(*instance) bool, in pageInput) ([]activeInstanceReply, string, error) {
	page, err := in.pageOf(call, 1, 1000, 1000)
	if err != nil {
		return nil, "", err
	}
	var active []activeInstanceReply
	for _, i := range f.members {
		if page.more {
			break
		}
		if !i.serves(call.now) || !i.visible(call.now) || !match(i) || !page.admit(i.sequence) {
			continue
		}
		r := activeInstanceReply{InstanceID: i.id, InstanceType: i.instanceType.Name, Health: "healthy"}
		if i.spotRequest != nil {
			r.SpotRequest = i.spotRequest.id
		}
		active = append(active, r)
	}
	return active, page.next(), nil
}
