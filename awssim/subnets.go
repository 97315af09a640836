package awssim

import (
	"net/netip"
	"slices"
	"strconv"
)

type subnet struct {
	Subnet
	addresses *addresses
}

// newSubnet wants a subnet that Options.check passed. EC2 keeps the first four addresses and the last one of a block.
func newSubnet(s Subnet) *subnet {
	return &subnet{Subnet: s, addresses: newAddresses(netip.MustParsePrefix(s.CIDR), 4)}
}

func (c *Cloud) subnet(id string) (*subnet, error) {
	for _, s := range c.subnets {
		if s.ID == id {
			return s, nil
		}
	}
	return nil, notFound("InvalidSubnetID.NotFound", "subnet", []string{id})
}

// defaultSubnet is the first subnet of a zone, or of all zones when zone is empty.
func (c *Cloud) defaultSubnet(zone string) (*subnet, error) {
	if zone != "" && !slices.Contains(c.options.Zones, zone) {
		return nil, invalidValue(zone, "AvailabilityZone", "Availability zones are: "+joined(c.options.Zones))
	}
	for _, s := range c.subnets {
		if zone == "" || s.Zone == zone {
			return s, nil
		}
	}
	return nil, errorf("MissingInput", "No subnet is in the Availability Zone %s", zone)
}

type describeSubnetsInput struct {
	SubnetIDs []string `query:"SubnetId"`
	Filters   []filter `query:"Filter"`
	pageInput
}

type subnetReply struct {
	SubnetID     string `reply:"subnetId"`
	Arn          string `reply:"subnetArn"`
	State        string `reply:"state"`
	VPC          string `reply:"vpcId"`
	CIDR         string `reply:"cidrBlock"`
	Free         int    `reply:"availableIpAddressCount"`
	Zone         string `reply:"availabilityZone"`
	DefaultForAZ bool   `reply:"defaultForAz"`
	PublicIP     bool   `reply:"mapPublicIpOnLaunch"`
	OwnerID      string `reply:"ownerId"`
}

type describeSubnetsReply struct {
	Subnets   []subnetReply `reply:"subnetSet"`
	NextToken string        `reply:"nextToken,omitempty"`
}

func subnetFields() fields[*subnet] {
	return fields[*subnet]{
		"subnet-id":         one(func(s *subnet) string { return s.ID }),
		"availability-zone": one(func(s *subnet) string { return s.Zone }),
		"vpc-id":            one(func(s *subnet) string { return s.VPC }),
		"cidr-block":        one(func(s *subnet) string { return s.CIDR }),
		"state":             one(func(*subnet) string { return "available" }),
		"available-ip-address-count": one(func(s *subnet) string {
			return strconv.Itoa(s.addresses.free)
		}),
	}
}

func (c *Cloud) describeSubnets(call *call, in *describeSubnetsInput) (any, error) {
	for _, id := range in.SubnetIDs {
		if _, err := c.subnet(id); err != nil {
			return nil, err
		}
	}
	match, err := compile(in.Filters, subnetFields(), nil)
	if err != nil {
		return nil, err
	}
	page, err := in.page(call, 5, 1000)
	if err != nil {
		return nil, err
	}
	var reply describeSubnetsReply
	for i, s := range c.subnets {
		if len(in.SubnetIDs) > 0 && !slices.Contains(in.SubnetIDs, s.ID) || !match(s) {
			continue
		}
		if !page.admit(i + 1) {
			continue
		}
		def, _ := c.defaultSubnet(s.Zone)
		reply.Subnets = append(reply.Subnets, subnetReply{
			SubnetID: s.ID, Arn: c.arn("ec2", "subnet/"+s.ID), State: "available", VPC: s.VPC, CIDR: s.CIDR,
			Free: s.addresses.free, Zone: s.Zone, DefaultForAZ: s == def, PublicIP: s.PublicIP, OwnerID: c.options.Account,
		})
	}
	reply.NextToken = page.next()
	return reply, nil
}

func (c *Cloud) arn(service, resource string) string {
	return "arn:" + c.partition() + ":" + service + ":" + c.options.Region + ":" + c.options.Account + ":" + resource
}
