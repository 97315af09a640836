package launch

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
)

// Tag implements [Keeper].
func (l EC2Fleet) Tag() string { return instances.TagFleet }

// Look implements [Keeper].
func (l EC2Fleet) Look(ctx context.Context, fleets []string) ([]Standing, error) {
	return l.lookUp(ctx, fleets, func(ids []string) ([]Standing, error) {
		var found []Standing
		in := &ec2.DescribeFleetsInput{FleetIds: ids}
		for {
			out, err := l.API.DescribeFleets(ctx, in)
			if err != nil {
				return nil, err
			}
			for _, f := range out.Fleets {
				found = append(found, fleetStanding(f))
			}
			if aws.ToString(out.NextToken) == "" {
				return found, nil
			}
			in.NextToken = out.NextToken
		}
	}, isNoFleet, l.omittedFleet)
}

func fleetStanding(f types.FleetData) Standing {
	s := Standing{
		Instant: f.Type == types.FleetTypeInstant, Keeps: f.Type == types.FleetTypeMaintain,
		Fulfilled: int(aws.ToFloat64(f.FulfilledCapacity)), Since: aws.ToTime(f.CreateTime), Tags: tagMap(f.Tags),
	}
	s.Resource = aws.ToString(f.FleetId)
	if t := f.TargetCapacitySpecification; t != nil {
		s.Target = ohfp.Target{OnDemand: int(aws.ToInt32(t.OnDemandTargetCapacity)), Spot: int(aws.ToInt32(t.SpotTargetCapacity))}
		rest := int(aws.ToInt32(t.TotalTargetCapacity)) - total(s.Target)
		if t.DefaultTargetCapacityType == types.DefaultTargetCapacityTypeSpot {
			s.Target.Spot += rest
		} else {
			s.Target.OnDemand += rest
		}
	}
	switch f.FleetState {
	case types.FleetStateCodeDeleted, types.FleetStateCodeDeletedRunning, types.FleetStateCodeDeletedTerminatingInstances,
		types.FleetStateCodeFailed:
		s.Gone = true
	case types.FleetStateCodeModifying:
		s.Busy = true
	case types.FleetStateCodeSubmitted, types.FleetStateCodeActive: // it is there, and takes changes
	}
	filled := f.ActivityStatus == types.FleetActivityStatusFulfilled || s.Fulfilled >= total(s.Target)
	s.Active = !s.Gone && !s.Instant && s.mayLaunch(filled)
	return s
}

// Retarget implements [Keeper].
func (l EC2Fleet) Retarget(ctx context.Context, targets []ohfp.ResourceTarget) Outcome {
	return l.retargetFleets(ctx, l, targets, func(s Standing, to ohfp.Target) error {
		_, err := l.API.ModifyFleet(ctx, &ec2.ModifyFleetInput{
			FleetId:                         aws.String(s.Resource),
			ExcessCapacityTerminationPolicy: types.FleetExcessCapacityTerminationPolicyNoTermination,
			TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{
				TotalTargetCapacity: units(total(to)), OnDemandTargetCapacity: units(to.OnDemand), SpotTargetCapacity: units(to.Spot),
			},
		})
		return err
	}, l.delete)
}

// delete removes fleets, with their machines or without, and returns those that it could not remove.
func (l EC2Fleet) delete(ctx context.Context, fleets []string, machines bool) map[string]error {
	refused := map[string]error{}
	out, err := l.API.DeleteFleets(ctx, &ec2.DeleteFleetsInput{FleetIds: fleets, TerminateInstances: aws.Bool(machines)})
	switch {
	case isNoFleet(err):
		return refused
	case err != nil:
		for _, fleet := range fleets {
			refused[fleet] = err
		}
		return refused
	}
	for _, failed := range out.UnsuccessfulFleetDeletions {
		if failed.Error == nil {
			continue
		}
		switch failed.Error.Code {
		case types.DeleteFleetErrorCodeFleetIdDoesNotExist, types.DeleteFleetErrorCodeFleetNotInDeletableState:
			// It is gone, or about to be.
		default:
			refused[aws.ToString(failed.FleetId)] = awsapi.Refused("DeleteFleets", string(failed.Error.Code), aws.ToString(failed.Error.Message), "")
		}
	}
	return refused
}

// Reasons implements [Keeper].
func (l EC2Fleet) Reasons(ctx context.Context, s Standing) ([]ohfp.Failure, error) {
	out, err := l.API.DescribeFleetHistory(ctx, &ec2.DescribeFleetHistoryInput{
		FleetId: aws.String(s.Resource), StartTime: aws.Time(l.reasonsSince(s)), EventType: types.FleetEventTypeServiceError,
	})
	if err != nil {
		return nil, err
	}
	told := reasons{parts: l.Parts}
	for _, event := range slices.Backward(out.HistoryRecords) {
		if event.EventInformation == nil {
			continue
		}
		words := aws.ToString(event.EventInformation.EventDescription)
		told.add(ctx, aws.ToTime(event.Timestamp), aws.ToString(event.EventInformation.EventSubType), words, lifecycleOf(words, s.Target))
	}
	return told.failures(), nil
}
