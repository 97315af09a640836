package interrupt

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
)

// pageSize is the most that a page of either call holds.
const pageSize = 1000

// maxPages bounds one poll. More machines than 50,000 are not taken at once.
const maxPages = 50

// Ask asks EC2 for the notices of a kind: one call, as long as fewer machines than a page holds are being taken.
func Ask(ctx context.Context, api awsapi.API, kind ohfp.NoticeKind) ([]provider.Notice, error) {
	switch kind {
	case ohfp.NoticeSpot:
		return interruptions(ctx, api)
	case ohfp.NoticeMaintenance:
		return maintenance(ctx, api)
	default:
		return nil, fmt.Errorf("EC2 cannot be asked for notices of the kind %q", kind)
	}
}

// interruptions reads the spot requests whose machines are about to end. Those that have ended already show as such.
func interruptions(ctx context.Context, api awsapi.API) ([]provider.Notice, error) {
	var notices []provider.Notice
	in := &ec2.DescribeSpotInstanceRequestsInput{
		MaxResults: aws.Int32(pageSize),
		Filters: []types.Filter{{
			Name: aws.String("status-code"), Values: []string{"marked-for-termination", "marked-for-stop"},
		}},
	}
	for range maxPages {
		out, err := api.DescribeSpotInstanceRequests(ctx, in)
		if err != nil {
			return notices, err
		}
		for _, r := range out.SpotInstanceRequests {
			if r.InstanceId == nil || r.Status == nil || r.Status.UpdateTime == nil {
				continue
			}
			at := r.Status.UpdateTime.UTC()
			notices = append(notices, provider.Notice{Machine: ohfp.MachineID(*r.InstanceId), Notice: ohfp.Notice{
				Kind: ohfp.NoticeSpot, AnnouncedAt: at, Due: at.Add(SpotWarning),
				Text: "EC2 takes the spot capacity back (" + word(aws.ToString(r.Status.Code), "marked-for-termination") + ")",
			}})
		}
		if aws.ToString(out.NextToken) == "" {
			break
		}
		in.NextToken = out.NextToken
	}
	return notices, nil
}

// maintenance reads the machines that something is scheduled for.
func maintenance(ctx context.Context, api awsapi.API) ([]provider.Notice, error) {
	var notices []provider.Notice
	in := &ec2.DescribeInstanceStatusInput{
		MaxResults: aws.Int32(pageSize),
		Filters: []types.Filter{{Name: aws.String("event.code"), Values: []string{
			"instance-reboot", "system-reboot", "system-maintenance", "instance-retirement", "instance-stop",
		}}},
	}
	for range maxPages {
		out, err := api.DescribeInstanceStatus(ctx, in)
		if err != nil {
			return notices, err
		}
		for _, status := range out.InstanceStatuses {
			if status.InstanceId != nil && len(status.Events) > 0 {
				notices = append(notices, scheduled(*status.InstanceId, status.Events))
			}
		}
		if aws.ToString(out.NextToken) == "" {
			break
		}
		in.NextToken = out.NextToken
	}
	return notices, nil
}

// scheduled is the first of the events of a machine that is still to come. EC2 goes on listing those that are over.
func scheduled(id string, events []types.InstanceStatusEvent) provider.Notice {
	n := provider.Notice{Machine: ohfp.MachineID(id), Withdrawn: true, Notice: ohfp.Notice{Kind: ohfp.NoticeMaintenance}}
	for _, e := range events {
		about := aws.ToString(e.Description)
		if strings.HasPrefix(about, "[Completed]") || strings.HasPrefix(about, "[Canceled]") {
			continue
		}
		due := aws.ToTime(e.NotBefore).UTC()
		if !n.Withdrawn && !due.Before(n.Due) {
			continue
		}
		n.Withdrawn, n.Due = false, due
		n.Text = "EC2 has scheduled " + word(string(e.Code), "maintenance")
	}
	return n
}
