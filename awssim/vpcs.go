package awssim

import "slices"

type describeVPCsInput struct {
	VPCIDs  []string `query:"VpcId"`
	Filters []filter `query:"Filter"`
	pageInput
}

type vpcReply struct {
	ID        string `reply:"vpcId"`
	OwnerID   string `reply:"ownerId"`
	State     string `reply:"state"`
	Tenancy   string `reply:"instanceTenancy"`
	IsDefault bool   `reply:"isDefault"`
}

type describeVPCsReply struct {
	VPCs      []vpcReply `reply:"vpcSet"`
	NextToken string     `reply:"nextToken,omitempty"`
}

// describeVPCs knows the VPCs that subnets name; they have no addresses of their own.
func (c *Cloud) describeVPCs(call *call, in *describeVPCsInput) (any, error) {
	var ids []string
	for _, s := range c.subnets {
		if !slices.Contains(ids, s.VPC) {
			ids = append(ids, s.VPC)
		}
	}
	for _, id := range in.VPCIDs {
		if !slices.Contains(ids, id) {
			return nil, notFound("InvalidVpcID.NotFound", "vpc", []string{id})
		}
	}
	match, err := compile(in.Filters, fields[string]{
		"vpc-id": one(func(id string) string { return id }),
		"state":  one(func(string) string { return "available" }),
	}, nil)
	if err != nil {
		return nil, err
	}
	page, err := in.page(call, 5, 1000)
	if err != nil {
		return nil, err
	}
	var reply describeVPCsReply
	for i, id := range ids {
		if len(in.VPCIDs) > 0 && !slices.Contains(in.VPCIDs, id) || !match(id) || !page.admit(i+1) {
			continue
		}
		reply.VPCs = append(reply.VPCs, vpcReply{
			ID: id, OwnerID: c.options.Account, State: "available", Tenancy: "default", IsDefault: i == 0,
		})
	}
	reply.NextToken = page.next()
	return reply, nil
}
