package awssim

import "slices"

type templateReference struct {
	ID      string `query:"LaunchTemplateId" reply:"launchTemplateId,omitempty" group:"LaunchTemplateId,omitempty" json:"id,omitempty"`
	Name    string `query:"LaunchTemplateName" reply:"launchTemplateName,omitempty" group:"LaunchTemplateName,omitempty" json:"name,omitempty"`
	Version string `query:"Version" reply:"version,omitempty" group:"Version,omitempty" json:"version,omitempty"`
}

type runInstancesInput struct {
	LaunchSpec
	MinCount    *int               `query:"MinCount"`
	MaxCount    *int               `query:"MaxCount"`
	SubnetID    string             `query:"SubnetId"`
	Template    *templateReference `query:"LaunchTemplate"`
	ClientToken string             `query:"ClientToken"`
}

func (in *runInstancesInput) check() error {
	switch {
	case in.MinCount == nil:
		return missingParameter("MinCount")
	case in.MaxCount == nil:
		return missingParameter("MaxCount")
	case *in.MinCount < 1:
		return invalidValue(*in.MinCount, "MinCount", "Expecting a count of at least 1.")
	case *in.MaxCount < *in.MinCount:
		return invalidValue(*in.MaxCount, "MaxCount", "Expecting at least MinCount.")
	}
	return nil
}

// runInstances launches as many instances as there is room for, from MinCount to MaxCount, of one type in one subnet. A
// call that names neither subnet nor zone goes to the first subnet.
func (c *Cloud) runInstances(call *call, in *runInstancesInput) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	spec, template := in.LaunchSpec, (*templateVersion)(nil)
	if in.Template != nil {
		var err error
		if template, err = c.templateVersion(*in.Template); err != nil {
			return nil, err
		}
		spec = template.spec.overlaid(in.LaunchSpec)
	}
	site, err := c.site(spec, in.SubnetID)
	if err != nil {
		return nil, err
	}
	zone := in.tokenZone(site)
	if use, err := c.replayed(call, zone); err != nil {
		return nil, err
	} else if use != nil {
		return c.reservation(use.made, call), nil
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	if err := c.throttleResources(call, limitRunResources, *in.MaxCount); err != nil {
		return nil, err
	}
	count, short := c.room(site, *in.MaxCount)
	if count < *in.MinCount {
		return nil, short
	}
	if template != nil {
		site.markTemplate(template)
	}
	made := c.launch(call, site, count, nil, 1)
	c.remember(call, zone, tokenUse{made: made})
	return c.reservation(made, call), nil
}

// tokenZone is the zone within which the call's token holds. It holds for the region when neither call nor template
// names a zone or a subnet.
func (in *runInstancesInput) tokenZone(s *site) string {
	named := in.SubnetID != "" || s.zone() != "" || slices.ContainsFunc(s.spec.NetworkInterfaces, func(n NetworkInterface) bool { return n.SubnetID != "" })
	if named {
		return s.subnet.Zone
	}
	return ""
}

// markTemplate gives the tags by which EC2 tells what an instance was launched from.
func (s *site) markTemplate(v *templateVersion) {
	s.spec.Tags = overlaidTags(s.spec.Tags, []TagSpecification{{ResourceType: "instance", Tags: []Tag{
		{"aws:ec2launchtemplate:id", v.template.id}, {"aws:ec2launchtemplate:version", v.label()},
	}}})
}
