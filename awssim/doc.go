// Package awssim is a simulated AWS account on the wire: EC2, Auto Scaling and STS (Query protocol), SSM parameters and SQS
// (JSON) in one region, held in memory, with which an unmodified AWS SDK or AWS CLI works. It refuses what it does not
// model: an unknown action, parameter or filter is an AWS error that names it, never a silent success.
//
// # What is simulated
//
// Instances: RunInstances, DescribeInstances, DescribeInstanceStatus, TerminateInstances, StopInstances, StartInstances,
// ModifyInstanceAttribute (protection from termination and stopping), DescribeSpotInstanceRequests,
// DescribeSpotPriceHistory.
//
// EC2 Fleets of all three types: CreateFleet, DescribeFleets, DescribeFleetInstances, DescribeFleetHistory, ModifyFleet,
// DeleteFleets. Spot Fleets: RequestSpotFleet, DescribeSpotFleetRequests, DescribeSpotFleetInstances,
// DescribeSpotFleetRequestHistory, ModifySpotFleetRequest, CancelSpotFleetRequests.
//
// Auto Scaling groups: CreateAutoScalingGroup, UpdateAutoScalingGroup, DeleteAutoScalingGroup, SetDesiredCapacity,
// SetInstanceProtection, SuspendProcesses, ResumeProcesses, DetachInstances, TerminateInstanceInAutoScalingGroup,
// CreateOrUpdateTags, DeleteTags, DescribeTags, DescribeAutoScalingGroups, DescribeAutoScalingInstances,
// DescribeScalingActivities.
//
// What launches refer to: CreateLaunchTemplate, CreateLaunchTemplateVersion, ModifyLaunchTemplate,
// DescribeLaunchTemplates, DescribeLaunchTemplateVersions, DeleteLaunchTemplate, CreateTags, DeleteTags, DescribeTags,
// DescribeInstanceTypes, DescribeInstanceTypeOfferings, GetInstanceTypesFromInstanceRequirements, DescribeImages,
// DescribeKeyPairs, DescribeSubnets, DescribeSecurityGroups, DescribeVpcs; SSM GetParameter and GetParameters; STS
// GetCallerIdentity and AssumeRole, whose credentials expire.
//
// Taking back: SQS CreateQueue, GetQueueUrl, SendMessage, ReceiveMessage, DeleteMessage and DeleteMessageBatch, of standard
// queues with long polls; and EventBridge as far as it delivers what happens to instances into one queue, see
// [Options.InterruptionQueue]: interruption warnings, rebalance recommendations, scheduled maintenance (also told by
// DescribeInstanceStatus), and instances that somebody at the console terminates.
//
// Time: an instance is pending, running, shutting-down, terminated and finally forgotten at moments computed from
// [Options.Now] when somebody looks, and so do fleets and groups launch, replace and terminate what they are due to, in
// the order in which it would have happened. There are no goroutines and no timers, so a test with a clock of its own, or
// [Cloud.Advance], moves the whole cloud.
//
// Keeping: maintain fleets, Spot Fleets and groups replace what they lose; above a lowered target they choose their own
// victims, by the seed, unless policy or protection forbids it. A fleet is modifying until it acts upon a new target. All
// try pool after pool, in the order of their strategy, and try again after a shortage. Whole instances are rounded up per
// pool and lifecycle in fleets; a group exceeds what is desired by less than its heaviest instance.
//
// Idempotency: client tokens of RunInstances hold per zone when the call names a zone or a subnet and for the region
// when it does not; those of CreateFleet, RequestSpotFleet and CreateLaunchTemplate hold for the region. The same token with
// the same parameters answers with what the first call made, with other parameters IdempotentParameterMismatch, and once
// all its instances are terminated IdempotentInstanceTerminated.
//
// Scarcity: capacity per instance type, zone and lifecycle, free addresses per subnet, and optionally EC2's request and
// resource token buckets. Addresses, and with them private DNS names, are used again after termination, lowest first. Who
// launches without a caller waiting says what it lacked in its own way: in the history of a fleet, or as a scaling activity.
//
// # What is not
//
// Signatures are not verified (the credential scope is: it must name this service and this region), there are no
// permissions, no quotas but those above, and nothing runs on the instances. Prices exist to order pools, not to bill, and
// never change. Groups have no health checks but whether EC2 has the instance, no scaling policies, hooks, warm pools or
// load balancers; fleets have no capacity reservations, and do not rebalance.
//
// # Control
//
// Tests drive a Cloud through its methods ([Cloud.SetCapacity], [Cloud.FailNext], [Cloud.Terminate], [Cloud.Interrupt], [Cloud.Schedule],
// [Cloud.Ledger], [Cloud.Fleets], [Cloud.SpotFleets], [Cloud.Groups] and the others), or, in another process, through
// [Control], which speaks to the same methods below /_simulator/ on the same port.
package awssim
