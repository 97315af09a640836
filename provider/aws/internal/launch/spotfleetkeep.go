package launch

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
	"github.com/openhostfactory/ohfp/provider/aws/internal/instances"
)

// Tag implements [Keeper].
func (l SpotFleet) Tag() string { return instances.TagSpotFleet }

// Look implements [Keeper].
func (l SpotFleet) Look(ctx context.Context, fleets []string) ([]Standing, error) {
	return l.lookUp(ctx, fleets, func(ids []string) ([]Standing, error) {
		var found []Standing
		in := &ec2.DescribeSpotFleetRequestsInput{SpotFleetRequestIds: ids}
		for {
			out, err := l.API.DescribeSpotFleetRequests(ctx, in)
			if err != nil {
				return nil, err
			}
			for _, f := range out.SpotFleetRequestConfigs {
				found = append(found, spotFleetStanding(f))
			}
			if aws.ToString(out.NextToken) == "" {
				return found, nil
			}
			in.NextToken = out.NextToken
		}
	}, isNoSpotFleet, l.omittedFleet)
}

func spotFleetStanding(f types.SpotFleetRequestConfig) Standing {
	s := Standing{Since: aws.ToTime(f.CreateTime), Tags: tagMap(f.Tags)}
	s.Resource = aws.ToString(f.SpotFleetRequestId)
	if c := f.SpotFleetRequestConfig; c != nil {
		onDemand := int(aws.ToInt32(c.OnDemandTargetCapacity))
		s.Target = ohfp.Target{OnDemand: onDemand, Spot: int(aws.ToInt32(c.TargetCapacity)) - onDemand}
		s.Keeps = c.Type != types.FleetTypeRequest
		s.Fulfilled = int(aws.ToFloat64(c.FulfilledCapacity))
	}
	switch f.SpotFleetRequestState {
	case types.BatchStateCancelled, types.BatchStateCancelledRunning, types.BatchStateCancelledTerminatingInstances, types.BatchStateFailed:
		s.Gone = true
	case types.BatchStateModifying:
		s.Busy = true
	case types.BatchStateSubmitted, types.BatchStateActive: // it is there, and takes changes
	}
	filled := f.ActivityStatus == types.ActivityStatusFulfilled || s.Fulfilled >= total(s.Target)
	s.Active = !s.Gone && s.mayLaunch(filled)
	return s
}

// Retarget implements [Keeper].
func (l SpotFleet) Retarget(ctx context.Context, targets []ohfp.ResourceTarget) Outcome {
	return l.retargetFleets(ctx, l, targets, func(s Standing, to ohfp.Target) error {
		_, err := l.API.ModifySpotFleetRequest(ctx, &ec2.ModifySpotFleetRequestInput{
			SpotFleetRequestId:              aws.String(s.Resource),
			TargetCapacity:                  units(total(to)),
			OnDemandTargetCapacity:          units(to.OnDemand),
			ExcessCapacityTerminationPolicy: types.ExcessCapacityTerminationPolicyNoTermination,
		})
		return err
	}, l.cancel)
}

// cancel ends Spot Fleets, with their machines or without, and returns those that it could not end.
func (l SpotFleet) cancel(ctx context.Context, fleets []string, machines bool) map[string]error {
	refused := map[string]error{}
	out, err := l.API.CancelSpotFleetRequests(ctx, &ec2.CancelSpotFleetRequestsInput{
		SpotFleetRequestIds: fleets, TerminateInstances: aws.Bool(machines),
	})
	switch {
	case isNoSpotFleet(err):
		return refused
	case err != nil:
		for _, fleet := range fleets {
			refused[fleet] = err
		}
		return refused
	}
	for _, failed := range out.UnsuccessfulFleetRequests {
		if failed.Error == nil {
			continue
		}
		switch failed.Error.Code {
		case types.CancelBatchErrorCodeFleetRequestIdDoesNotExist, types.CancelBatchErrorCodeFleetRequestNotInCancellableState:
			// It is gone, or about to be.
		default:
			refused[aws.ToString(failed.SpotFleetRequestId)] = awsapi.Refused("CancelSpotFleetRequests", string(failed.Error.Code), aws.ToString(failed.Error.Message), "")
		}
	}
	return refused
}

// Reasons implements [Keeper]. Spot Fleets tell of pools that are short as information, of everything else as errors.
func (l SpotFleet) Reasons(ctx context.Context, s Standing) ([]ohfp.Failure, error) {
	in := &ec2.DescribeSpotFleetRequestHistoryInput{SpotFleetRequestId: aws.String(s.Resource), StartTime: aws.Time(l.reasonsSince(s))}
	var records []types.HistoryRecord
	for range maxPages {
		out, err := l.API.DescribeSpotFleetRequestHistory(ctx, in)
		if err != nil {
			return nil, err
		}
		records = append(records, out.HistoryRecords...)
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			break
		}
	}
	told := reasons{parts: l.Parts}
	for _, event := range slices.Backward(records) {
		if event.EventInformation == nil || event.EventType != types.EventTypeError && event.EventType != types.EventTypeInformation {
			continue
		}
		words := aws.ToString(event.EventInformation.EventDescription)
		told.add(ctx, aws.ToTime(event.Timestamp), aws.ToString(event.EventInformation.EventSubType), words, lifecycleOf(words, s.Target))
	}
	return told.failures(), nil
}

// Retire cancels a Spot Fleet none of whose machines is alive. Should one come up just now, nobody would know of it: it
// ends with the fleet.
func (l SpotFleet) Retire(ctx context.Context, fleet string) error {
	shown, err := l.checkDead(ctx, instances.TagSpotFleet, fleet)
	if err != nil {
		return err
	}
	if !shown {
		standings, err := l.Look(ctx, []string{fleet})
		if err != nil {
			return err
		}
		for _, s := range standings {
			switch {
			case s.Doubt != nil:
				return s.Doubt
			case s.Unseen:
				return l.unseen(ctx, fleet)
			case s.Fulfilled > 0:
				return stillHolds(s)
			}
		}
	}
	return l.cancel(ctx, []string{fleet}, true)[fleet]
}

// isNoSpotFleet says whether EC2 does not know a Spot Fleet.
func isNoSpotFleet(err error) bool {
	return strings.HasPrefix(awsapi.Code(err), "InvalidSpotFleetRequestId")
}
