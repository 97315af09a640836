package launch

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/native"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// documented puts the template's document over the call that is made for an ask.
func documented[T any](ctx context.Context, p Parts, api string, ask Ask, generated *T) (*T, error) {
	d, err := p.documents(api, ask)
	if err != nil {
		return nil, err
	}
	return native.Call(ctx, d, generated)
}

// documents are what the template says in AWS's own words, with what they may be rendered with.
func (p Parts) documents(api string, ask Ask) (native.Documents, error) {
	s := ask.Spec
	userData, err := p.UserData(s)
	if err != nil {
		return native.Documents{}, err
	}
	wanted := target(s, ask.Count, ask.Held)
	return native.Documents{
		Settings: p.Native,
		Path:     p.path,
		Facts: native.Facts{
			Template: ask.Template, Spec: s, API: api, Request: ask.Request, Attempt: ask.Attempt, Count: ask.Count,
			OnDemand: wanted.OnDemand, Spot: wanted.Spot, UserData: userData, Tags: p.owner(ask).Tags(nil, nil),
		},
	}, nil
}

// CheckDocuments renders a template's documents as for a request of one machine, and refuses what EC2 would.
func (p Parts) CheckDocuments(ctx context.Context, api string, t ohfp.Template, s spec.Spec) error {
	if !s.Native.Set() {
		return nil
	}
	const example = "req-00000000-0000-7000-8000-000000000000"
	ask := Ask{Ask: provider.Ask{Request: example, Attempt: 1, Template: t, Count: 1}, Spec: s}
	d, err := p.documents(api, ask)
	if err != nil {
		return err
	}
	if _, err := d.LaunchTemplate(ctx, &types.RequestLaunchTemplateData{ImageId: optional(s.Image)}); err != nil {
		return err
	}
	switch api {
	case APIRunInstances:
		_, err = native.Call(ctx, d, &ec2.RunInstancesInput{})
	case APIEC2Fleet:
		_, err = native.Call(ctx, d, &ec2.CreateFleetInput{})
	case APISpotFleet:
		_, err = native.Call(ctx, d, &types.SpotFleetRequestConfigData{})
	case APIASG:
		_, err = native.Call(ctx, d, &autoscaling.CreateAutoScalingGroupInput{})
	default:
		err = ohfp.Errorf(ohfp.ErrInvalid, "providerApi %s takes no documents", api)
	}
	return err
}
