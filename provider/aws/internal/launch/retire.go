package launch

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
)

// How the names of resources begin.
const (
	FleetPrefix     = "fleet-"
	SpotFleetPrefix = "sfr-"
	GroupPrefix     = "ohfp-req-"
)

// checkDead refuses while a machine of a resource is alive. It returns whether EC2 shows machines of it at all.
//
// Most have no more machines than a page, which is then all that is read; of a larger one, only those alive.
func (p Parts) checkDead(ctx context.Context, tag, resource string) (shown bool, err error) {
	machines, more, err := p.Reader.Page(ctx, instances.Tagged(tag, resource))
	if err == nil {
		err = stillAlive(resource, machines)
	}
	if err != nil || !more {
		return len(machines) > 0, err
	}
	machines, err = p.Reader.Find(ctx, instances.Tagged(tag, resource), instances.Alive())
	if err != nil {
		return true, err
	}
	return true, stillAlive(resource, machines)
}

func stillAlive(resource string, machines []ohfp.Machine) error {
	alive := slices.DeleteFunc(slices.Clone(machines), func(m ohfp.Machine) bool { return !m.Alive() })
	if len(alive) == 0 {
		return nil
	}
	return ohfp.Errorf(ohfp.ErrConflict, "%s still has %s alive, %s first of all; end what it has first", resource, ohfp.Count(len(alive), "machine"), alive[0].ID)
}

// Retire deletes a fleet none of whose machines is alive. Deleting an instant fleet ends what it still has, which is why
// EC2 is asked first.
func (l EC2Fleet) Retire(ctx context.Context, fleet string) error {
	shown, err := l.checkDead(ctx, instances.TagFleet, fleet)
	if err != nil {
		return err
	}
	if !shown {
		// Either all of them ended long ago, or the tag is not there to find them by.
		machines, err := l.members(ctx, fleet)
		if isNoFleet(err) {
			return l.unseen(ctx, fleet)
		} else if err != nil {
			return err
		}
		if err := stillAlive(fleet, machines); err != nil {
			return err
		}
	}
	return l.remove(ctx, fleet)
}

// members reads the machines that the fleet itself lists. Only an instant fleet lists them; another one counts.
func (l EC2Fleet) members(ctx context.Context, fleet string) ([]ohfp.Machine, error) {
	out, err := l.API.DescribeFleets(ctx, &ec2.DescribeFleetsInput{FleetIds: []string{fleet}})
	if err != nil {
		return nil, err
	}
	if len(out.Fleets) == 0 {
		return nil, notBelieved("EC2", fleet)
	}
	var ids []string
	for _, found := range out.Fleets {
		if s := fleetStanding(found); !s.Instant && s.Fulfilled > 0 {
			return nil, stillHolds(s)
		}
		for _, group := range found.Instances {
			ids = append(ids, group.InstanceIds...)
		}
	}
	var machines []ohfp.Machine
	for some := range slices.Chunk(ids, instances.FilterValues) {
		found, err := l.Reader.Find(ctx, instances.Filter("instance-id", some...))
		if err != nil {
			return nil, err
		}
		machines = append(machines, found...)
	}
	return machines, nil
}

func stillHolds(s Standing) error {
	return ohfp.Errorf(ohfp.ErrConflict, "%s still holds %s, whose machines do not show yet; end them first", s.Resource, ohfp.Count(s.Fulfilled, "unit"))
}

// remove deletes a fleet without machines. Should one come up just now, nobody would know of it: it ends with the fleet.
func (l EC2Fleet) remove(ctx context.Context, fleet string) error {
	return l.delete(ctx, []string{fleet}, true)[fleet]
}

// isNoFleet says whether EC2 does not know a fleet.
func isNoFleet(err error) bool { return strings.HasPrefix(awsapi.Code(err), "InvalidFleetId") }
