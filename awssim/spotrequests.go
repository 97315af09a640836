package awssim

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

type describeSpotInstanceRequestsInput struct {
	IDs     []string `query:"SpotInstanceRequestId"`
	Filters []filter `query:"Filter"`
	pageInput
}

type spotRequestReply struct {
	ID            string         `reply:"spotInstanceRequestId"`
	State         string         `reply:"state"`
	Status        spotStatus     `reply:"status"`
	CreateTime    time.Time      `reply:"createTime"`
	InstanceID    string         `reply:"instanceId,omitempty"`
	Zone          string         `reply:"launchedAvailabilityZone,omitempty"`
	SpotPrice     string         `reply:"spotPrice"`
	Type          string         `reply:"type"`
	Product       string         `reply:"productDescription"`
	Interruption  string         `reply:"instanceInterruptionBehavior"`
	Specification spotLaunchSpec `reply:"launchSpecification"`
	Tags          []Tag          `reply:"tagSet,omitempty"`
}

type spotStatus struct {
	Code    string    `reply:"code"`
	Message string    `reply:"message"`
	Updated time.Time `reply:"updateTime"`
}

type spotLaunchSpec struct {
	ImageID      string       `reply:"imageId"`
	InstanceType string       `reply:"instanceType"`
	KeyName      string       `reply:"keyName,omitempty"`
	Groups       []groupReply `reply:"groupSet"`
	SubnetID     string       `reply:"subnetId"`
}

type describeSpotInstanceRequestsReply struct {
	Requests  []spotRequestReply `reply:"spotInstanceRequestSet"`
	NextToken string             `reply:"nextToken,omitempty"`
}

// spotState is the state of the request behind a spot instance, and its status.
func (i *instance) spotState(now time.Time) (state string, status spotStatus) {
	bySpot := i.reason.code == spotTermination
	s := i.state(now)
	switch {
	case s == stateTerminated && bySpot:
		return "closed", spotStatus{"instance-terminated-no-capacity", "Your instance was terminated because there is no Spot capacity available that matches your request.", i.goneAt}
	case s == stateTerminated || s == stateShuttingDown && !bySpot:
		return "closed", spotStatus{"instance-terminated-by-user", "Your Spot instance was terminated due to user-initiated termination.", i.endsAt}
	case !i.endsAt.IsZero() && bySpot:
		return "active", spotStatus{"marked-for-termination", "Your Spot instance is marked for termination.", i.endedSince}
	case i.spotCancelled:
		return "cancelled", spotStatus{"request-canceled-and-instance-running", "Your Spot request is canceled, but your instance is still running.", i.launchedAt}
	default:
		return "active", spotStatus{"fulfilled", "Your spot request is fulfilled.", i.launchedAt}
	}
}

func spotRequestFields(now time.Time) fields[*instance] {
	return fields[*instance]{
		"spot-instance-request-id":   one(func(i *instance) string { return i.spotRequest.id }),
		"instance-id":                one(func(i *instance) string { return i.id }),
		"launched-availability-zone": one(func(i *instance) string { return i.subnet.Zone }),
		"launch.image-id":            one(func(i *instance) string { return i.image.ID }),
		"launch.instance-type":       one(func(i *instance) string { return i.instanceType.Name }),
		"launch.key-name":            one(func(i *instance) string { return i.spec.KeyName }),
		"product-description":        one(func(*instance) string { return spotProduct }),
		"type":                       one(func(*instance) string { return "one-time" }),
		"state": one(func(i *instance) string {
			state, _ := i.spotState(now)
			return state
		}),
		"status-code": one(func(i *instance) string {
			_, status := i.spotState(now)
			return status.Code
		}),
	}
}

const spotProduct = "Linux/UNIX"

// describeSpotInstanceRequests describes a request as long as its instance is described.
func (c *Cloud) describeSpotInstanceRequests(call *call, in *describeSpotInstanceRequestsInput) (any, error) {
	if len(in.IDs) > 0 && in.MaxResults != nil {
		return nil, errorf("InvalidParameterCombination", "The parameter SpotInstanceRequestId cannot be used with the parameter maxResults")
	}
	match, err := compile(in.Filters, spotRequestFields(call.now), func(i *instance) []Tag { return i.spotRequest.tags })
	if err != nil {
		return nil, err
	}
	page, err := in.page(call, 5, 1000)
	if err != nil {
		return nil, err
	}
	missing := map[string]bool{}
	for _, id := range in.IDs {
		missing[id] = true
	}
	asked := maps.Clone(missing)
	var reply describeSpotInstanceRequestsReply
	for _, i := range c.instances.ordered {
		if i.spotRequest == nil || !i.visible(call.now) {
			continue
		}
		wanted := len(asked) == 0 || asked[i.spotRequest.id]
		delete(missing, i.spotRequest.id)
		if wanted && match(i) && page.admit(i.sequence) {
			reply.Requests = append(reply.Requests, c.spotRequestReply(i, call.now))
		}
	}
	if len(missing) > 0 {
		return nil, notFound("InvalidSpotInstanceRequestID.NotFound", "spot instance request", slices.Sorted(maps.Keys(missing)))
	}
	reply.NextToken = page.next()
	return reply, nil
}

func (c *Cloud) spotRequestReply(i *instance, now time.Time) spotRequestReply {
	r := spotRequestReply{
		ID: i.spotRequest.id, CreateTime: i.launchedAt.Truncate(time.Second), InstanceID: i.id, Zone: i.subnet.Zone,
		SpotPrice: strconv.FormatFloat(i.instanceType.Price, 'f', 6, 64), Type: "one-time", Product: spotProduct,
		Interruption: "terminate", Tags: i.spotRequest.tags,
		Specification: spotLaunchSpec{i.image.ID, i.instanceType.Name, i.spec.KeyName, groupReplies(i.groups), i.subnet.ID},
	}
	if i.maxPrice > 0 {
		r.SpotPrice = strconv.FormatFloat(i.maxPrice, 'f', 6, 64)
	}
	r.State, r.Status = i.spotState(now)
	return r
}

type describeSpotPriceHistoryInput struct {
	StartTime     time.Time `query:"StartTime"`
	EndTime       time.Time `query:"EndTime"`
	InstanceTypes []string  `query:"InstanceType"`
	Products      []string  `query:"ProductDescription"`
	Filters       []filter  `query:"Filter"`
	Zone          string    `query:"AvailabilityZone"`
	pageInput
}

type spotPriceReply struct {
	Zone         string    `reply:"availabilityZone"`
	InstanceType string    `reply:"instanceType"`
	Product      string    `reply:"productDescription"`
	Price        string    `reply:"spotPrice"`
	Time         time.Time `reply:"timestamp"`
}

type describeSpotPriceHistoryReply struct {
	Prices    []spotPriceReply `reply:"spotPriceHistorySet"`
	NextToken string           `reply:"nextToken,omitempty"`
}

// describeSpotPriceHistory tells one price per type and zone: prices never change here, so it is that of the start.
func (c *Cloud) describeSpotPriceHistory(call *call, in *describeSpotPriceHistoryInput) (any, error) {
	match, err := compile(in.Filters, fields[spotPriceReply]{
		"availability-zone":   one(func(p spotPriceReply) string { return p.Zone }),
		"instance-type":       one(func(p spotPriceReply) string { return p.InstanceType }),
		"product-description": one(func(p spotPriceReply) string { return p.Product }),
		"spot-price":          one(func(p spotPriceReply) string { return p.Price }),
	}, nil)
	if err != nil {
		return nil, err
	}
	page, err := in.pageOf(call, 1, 1000, 1000)
	if err != nil {
		return nil, err
	}
	at := in.StartTime
	if at.IsZero() {
		at = call.now
	}
	if !in.EndTime.IsZero() && in.EndTime.Before(at) {
		return nil, invalidValue(in.EndTime.Format(time.RFC3339), "EndTime", "Expecting a time after StartTime.")
	}
	var reply describeSpotPriceHistoryReply
	position := 0
	for _, name := range slices.Sorted(maps.Keys(c.types)) {
		for _, zone := range c.options.Zones {
			position++
			p := spotPriceReply{zone, name, spotProduct, strconv.FormatFloat(c.spotPrice(c.types[name], zone), 'f', 6, 64), at.Truncate(time.Second)}
			wanted := (len(in.InstanceTypes) == 0 || slices.Contains(in.InstanceTypes, name)) &&
				(len(in.Products) == 0 || slices.Contains(in.Products, p.Product) || slices.Contains(in.Products, p.Product+" (Amazon VPC)")) &&
				(in.Zone == "" || in.Zone == zone)
			if wanted && match(p) && page.admit(position) {
				reply.Prices = append(reply.Prices, p)
			}
		}
	}
	reply.NextToken = page.next()
	return reply, nil
}
