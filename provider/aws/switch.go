package aws

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

var _ provider.Switcher = (*Provider)(nil)

// Switch starts instances, or stops them. EC2 does all of a call or nothing, so that a refused call is made again for each
// half of its instances until the one to blame is alone.
func (p *Provider) Switch(ctx context.Context, machines []ohfp.MachineID, on bool) ([]provider.Switched, error) {
	var ids []string
	var done []provider.Switched
	for _, id := range machines {
		if wellFormed(id) {
			ids = append(ids, string(id))
			continue
		}
		done = append(done, provider.Switched{Machine: id, Refused: ohfp.Errorf(ohfp.ErrNotFound, "machine %s has no id of an instance", id)})
	}
	queue := slices.Collect(slices.Chunk(ids, maxTerminate))
	for len(queue) > 0 {
		group := queue[0]
		queue = queue[1:]
		changes, err := p.switchGroup(ctx, group, on)
		switch {
		case err == nil:
			for _, change := range changes {
				s := provider.Switched{Machine: ohfp.MachineID(text(change.InstanceId))}
				if change.CurrentState != nil {
					s.State = ohfp.MachineState(change.CurrentState.Name)
				}
				done = append(done, s)
			}
		case ohfp.OutcomeUnknown(err):
			return done, err
		case len(group) == 1:
			done = append(done, provider.Switched{Machine: ohfp.MachineID(group[0]), Refused: err})
		default:
			queue = append(queue, group[:len(group)/2], group[len(group)/2:])
		}
	}
	return done, nil
}

func (p *Provider) switchGroup(ctx context.Context, group []string, on bool) ([]types.InstanceStateChange, error) {
	if on {
		out, err := p.api.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: group})
		if err != nil {
			return nil, err
		}
		return out.StartingInstances, nil
	}
	out, err := p.api.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: group})
	if err != nil {
		return nil, err
	}
	return out.StoppingInstances, nil
}
