package awsapi

import (
	"slices"
	"strings"
)

// Limit is a token bucket of EC2: it holds Burst tokens at most and gains PerSecond.
type Limit struct{ Burst, PerSecond float64 }

// Limited says whether there is a limit at all.
func (l Limit) Limited() bool { return l.Burst > 0 && l.PerSecond > 0 }

// Priority says who goes first when calls must wait for each other.
type Priority int

// The priorities, the most urgent last. What is less urgent leaves a part of each bucket to what is more.
const (
	ByOperation Priority = iota // the one that fits the operation
	Discovery                   // what people look around for
	Launch
	Status
	Terminate
)

// reserve is the part of a bucket that calls of a priority leave to more urgent ones.
func (p Priority) reserve() float64 {
	switch p {
	case Terminate, ByOperation:
		return 0
	case Status:
		return 0.1
	case Launch:
		return 0.25
	case Discovery:
		return 0.5
	}
	return 0
}

// requestLimit is EC2's default limit of an operation, one token a call: each operation has a bucket of its own per
// account and region (EC2 developer guide, "Request throttling for the Amazon EC2 API"). All our reading calls have a
// filter, ids or pages; those that have none would have half. Auto Scaling, Systems Manager and STS publish no limits:
// they are not paced.
func requestLimit(operation string) Limit {
	switch operation {
	case "RunInstances", "StartInstances":
		return Limit{5, 2}
	case "TerminateInstances":
		return Limit{100, 5}
	case "CreateLaunchTemplateVersion", "ModifyLaunchTemplate":
		return Limit{100, 5}
	case "CreateTags", "DeleteTags":
		return Limit{100, 10}
	case "DescribeSpotFleetInstances", "DescribeSpotFleetRequestHistory":
		return Limit{100, 5}
	case "DescribeSpotFleetRequests":
		return Limit{50, 3}
	}
	if reads(operation) {
		return Limit{100, 20}
	}
	return Limit{50, 5}
}

// machineLimit is EC2's default limit of an operation, one token a machine.
func machineLimit(operation string) Limit {
	switch operation {
	case "RunInstances", "StartInstances":
		return Limit{1000, 2}
	case "TerminateInstances", "StopInstances":
		return Limit{1000, 20}
	default:
		return Limit{}
	}
}

func reads(operation string) bool {
	return strings.HasPrefix(operation, "Describe") || strings.HasPrefix(operation, "Get") || strings.HasPrefix(operation, "List")
}

// priorityOf is what an operation is for, unless its caller says otherwise.
func priorityOf(operation string) Priority {
	switch operation {
	case "TerminateInstances", "ModifyFleet", "DeleteFleets", "ModifySpotFleetRequest", "CancelSpotFleetRequests":
		return Terminate
	case "DescribeInstances", "DescribeInstanceStatus", "DescribeFleets", "DescribeFleetHistory", "DescribeTags",
		"DescribeSpotFleetRequests", "DescribeSpotFleetRequestHistory", "DescribeSpotFleetInstances", "DescribeSpotInstanceRequests":
		return Status
	case "DescribeSubnets", "DescribeImages", "DescribeInstanceTypes", "DescribeSpotPriceHistory":
		return Launch
	}
	if reads(operation) {
		return Discovery
	}
	return Launch
}

// shared says whether calls of several priorities go through the bucket of an operation. Of the others nothing need be
// left to anybody.
func shared(operation string) bool { return reads(operation) }

// HasLimit says whether there is a bucket of that name.
func HasLimit(bucket string) bool {
	if operation, ok := strings.CutSuffix(bucket, perMachine); ok {
		return machineLimit(operation).Limited()
	}
	return slices.Contains(pacedOperations(), bucket)
}

// pacedOperations are the operations of EC2 that this provider calls.
func pacedOperations() []string {
	return []string{
		"RunInstances", "CreateFleet", "CreateLaunchTemplate", "DescribeInstances", "TerminateInstances", "DescribeFleets", "DeleteFleets",
		"StartInstances", "StopInstances",
		"DescribeSubnets", "DescribeImages", "ModifyFleet", "DescribeFleetHistory", "RequestSpotFleet", "ModifySpotFleetRequest",
		"CancelSpotFleetRequests", "DescribeSpotFleetRequests", "DescribeSpotFleetRequestHistory", "DescribeTags", "DescribeVpcs",
		"DescribeSecurityGroups", "DescribeKeyPairs", "DescribeInstanceTypes", "DescribeSpotPriceHistory", "DescribeLaunchTemplates", "DeleteLaunchTemplate",
		"DescribeInstanceStatus", "DescribeSpotInstanceRequests",
	}
}
