// Package instances reads EC2 instances as machines: by filters, page by page.
// It refuses to name instances in a call that fails as a whole when one of them is unknown; filters return what exists.
package instances

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
)

const (
	pageSize = 1000 // DescribeInstances returns at most so many instances a page
	// FilterValues is how many values the filters of one call take together.
	FilterValues = 200
)

// Reader reads the instances of one account and region.
type Reader struct {
	API      awsapi.API
	Provider string // the provider instance's name
	Names    NameRule
}

// Filter makes a filter of DescribeInstances.
func Filter(name string, values ...string) types.Filter {
	return types.Filter{Name: aws.String(name), Values: values}
}

// Tagged filters by a tag's value.
func Tagged(key string, values ...string) types.Filter { return Filter("tag:"+key, values...) }

// Alive filters for machines that have not ended and do not end.
func Alive() types.Filter {
	return Filter("instance-state-name", string(ohfp.MachinePending), string(ohfp.MachineRunning), string(ohfp.MachineStopping), string(ohfp.MachineStopped))
}

// Find returns the machines that pass all of the filters. Beside an error it returns the pages that arrived.
func (r Reader) Find(ctx context.Context, filters ...types.Filter) ([]ohfp.Machine, error) {
	var machines []ohfp.Machine
	in := &ec2.DescribeInstancesInput{Filters: filters, MaxResults: aws.Int32(pageSize)}
	for {
		out, err := r.API.DescribeInstances(ctx, in)
		if err != nil {
			return machines, err
		}
		machines = append(machines, r.machines(out)...)
		if aws.ToString(out.NextToken) == "" {
			return machines, nil
		}
		in.NextToken = out.NextToken
	}
}

// Page returns the first page of the machines that pass all of the filters, and whether there are more.
func (r Reader) Page(ctx context.Context, filters ...types.Filter) (machines []ohfp.Machine, more bool, err error) {
	out, err := r.API.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: filters, MaxResults: aws.Int32(pageSize)})
	if err != nil {
		return nil, false, err
	}
	return r.machines(out), aws.ToString(out.NextToken) != "", nil
}

func (r Reader) machines(out *ec2.DescribeInstancesOutput) []ohfp.Machine {
	var machines []ohfp.Machine
	for _, reservation := range out.Reservations {
		for _, instance := range reservation.Instances {
			machines = append(machines, r.Machine(instance, aws.ToString(reservation.ReservationId)))
		}
	}
	return machines
}

// Machine is an instance in our words.
func (r Reader) Machine(i types.Instance, reservation string) ohfp.Machine {
	tags := make(map[string]string, len(i.Tags))
	for _, tag := range i.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	m := ohfp.Machine{
		Provider:  r.Provider,
		ID:        ohfp.MachineID(aws.ToString(i.InstanceId)),
		Request:   ohfp.RequestID(tags[TagRequest]),
		Template:  ohfp.TemplateID(tags[TagTemplate]),
		Resource:  reservation,
		Name:      r.Names.Of(i, tags),
		PrivateIP: aws.ToString(i.PrivateIpAddress),
		PublicIP:  aws.ToString(i.PublicIpAddress),
		Type:      string(i.InstanceType),
		Subnet:    aws.ToString(i.SubnetId),
		Image:     aws.ToString(i.ImageId),
		Lifecycle: ohfp.OnDemand,
		Tags:      operatorTags(tags),
		Weight:    WeightOf(string(i.InstanceType), tags),
	}
	// A group launches by a fleet of its own, which then is on its machines too.
	for _, key := range []string{TagFleet, TagSpotFleet, TagGroup} {
		if launcher := tags[key]; launcher != "" {
			m.Resource = launcher
		}
	}
	if i.InstanceLifecycle == types.InstanceLifecycleTypeSpot {
		m.Lifecycle = ohfp.Spot
	}
	if i.Placement != nil {
		m.Zone = aws.ToString(i.Placement.AvailabilityZone)
	}
	if i.State != nil {
		m.State = ohfp.MachineState(i.State.Name)
	}
	if i.LaunchTime != nil {
		m.LaunchedAt = i.LaunchTime.UTC()
	}
	m.StateReason = stateReason(i.StateReason)
	return m
}

// stateReason is "code: message"; EC2 mostly begins the message with the code itself.
func stateReason(reason *types.StateReason) string {
	if reason == nil {
		return ""
	}
	code, message := aws.ToString(reason.Code), aws.ToString(reason.Message)
	switch {
	case message == "":
		return code
	case strings.HasPrefix(message, code):
		return message
	default:
		return code + ": " + message
	}
}
