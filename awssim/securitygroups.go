package awssim

import "slices"

type describeSecurityGroupsInput struct {
	GroupIDs   []string `query:"GroupId"`
	GroupNames []string `query:"GroupName"`
	Filters    []filter `query:"Filter"`
	pageInput
}

type securityGroupReply struct {
	ID          string `reply:"groupId"`
	Name        string `reply:"groupName"`
	Description string `reply:"groupDescription"`
	VPC         string `reply:"vpcId"`
	OwnerID     string `reply:"ownerId"`
}

type describeSecurityGroupsReply struct {
	Groups    []securityGroupReply `reply:"securityGroupInfo"`
	NextToken string               `reply:"nextToken,omitempty"`
}

// groupReply is how instances and reservations name their groups.
type groupReply struct {
	ID   string `reply:"groupId"`
	Name string `reply:"groupName"`
}

func (c *Cloud) describeSecurityGroups(call *call, in *describeSecurityGroupsInput) (any, error) {
	wanted, err := c.securityGroups(in.GroupIDs, in.GroupNames)
	if err != nil {
		return nil, err
	}
	if len(wanted) == 0 {
		wanted = c.options.SecurityGroups
	}
	match, err := compile(in.Filters, fields[SecurityGroup]{
		"group-id":   one(func(g SecurityGroup) string { return g.ID }),
		"group-name": one(func(g SecurityGroup) string { return g.Name }),
		"vpc-id":     one(func(g SecurityGroup) string { return g.VPC }),
	}, nil)
	if err != nil {
		return nil, err
	}
	page, err := in.page(call, 5, 1000)
	if err != nil {
		return nil, err
	}
	var reply describeSecurityGroupsReply
	for i, g := range wanted {
		if match(g) && page.admit(i+1) {
			reply.Groups = append(reply.Groups, securityGroupReply{
				ID: g.ID, Name: g.Name, Description: g.Name, VPC: g.VPC, OwnerID: c.options.Account,
			})
		}
	}
	reply.NextToken = page.next()
	return reply, nil
}

// securityGroups resolves groups given by ID and by name.
func (c *Cloud) securityGroups(ids, names []string) ([]SecurityGroup, error) {
	var found []SecurityGroup
	for _, id := range ids {
		group, ok := c.groups[id]
		if !ok {
			return nil, errorf("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
		}
		found = append(found, group)
	}
	for _, name := range names {
		i := slices.IndexFunc(c.options.SecurityGroups, func(g SecurityGroup) bool { return g.Name == name })
		if i < 0 {
			return nil, errorf("InvalidGroup.NotFound", "The security group '%s' does not exist", name)
		}
		found = append(found, c.options.SecurityGroups[i])
	}
	return found, nil
}

func groupReplies(groups []SecurityGroup) []groupReply {
	replies := make([]groupReply, len(groups))
	for i, g := range groups {
		replies[i] = groupReply{g.ID, g.Name}
	}
	return replies
}
