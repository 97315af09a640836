package awssim

import (
	"maps"
	"slices"
)

type describeOfferingsInput struct {
	LocationType string   `query:"LocationType"`
	Filters      []filter `query:"Filter"`
	pageInput
}

type offeringReply struct {
	InstanceType string `reply:"instanceType"`
	LocationType string `reply:"locationType"`
	Location     string `reply:"location"`
}

type describeOfferingsReply struct {
	Offerings []offeringReply `reply:"instanceTypeOfferingSet"`
	NextToken string          `reply:"nextToken,omitempty"`
}

// describeOfferings tells which types there are in the region, or in which of its zones.
func (c *Cloud) describeOfferings(call *call, in *describeOfferingsInput) (any, error) {
	locations := []string{c.options.Region}
	switch in.LocationType {
	case "", "region":
		in.LocationType = "region"
	case "availability-zone":
		locations = c.options.Zones
	default:
		return nil, unsupported("LocationType '" + clip(in.LocationType, 32) + "'")
	}
	match, err := compile(in.Filters, fields[offeringReply]{
		"instance-type": one(func(o offeringReply) string { return o.InstanceType }),
		"location":      one(func(o offeringReply) string { return o.Location }),
	}, nil)
	if err != nil {
		return nil, err
	}
	page, err := in.pageOf(call, 5, 1000, 1000)
	if err != nil {
		return nil, err
	}
	var reply describeOfferingsReply
	position := 0
	for _, name := range slices.Sorted(maps.Keys(c.types)) {
		for _, location := range locations {
			position++
			o := offeringReply{name, in.LocationType, location}
			if (in.LocationType == "region" || c.types[name].offeredIn(location)) && match(o) && page.admit(position) {
				reply.Offerings = append(reply.Offerings, o)
			}
		}
	}
	reply.NextToken = page.next()
	return reply, nil
}

func (t InstanceType) offeredIn(zone string) bool {
	return len(t.Zones) == 0 || slices.Contains(t.Zones, zone)
}
