// Package aws is the provider for Amazon Web Services: one account and region, in which it launches, observes and ends
// EC2 instances. A launch strategy per API is picked for each template; see the package launch below.
// It refuses template and configuration fields that it gives no effect, by name, and never changes or removes what the
// operator made: launch templates, subnets, security groups.
//
// # Calls
//
//	operation            calls to AWS in the steady state
//	Open, Validate       none
//	Attributes, Listing  none
//	Prepare              none; DescribeSubnets when a template lists several subnets and DescribeImages when it changes
//	                     the root volume, each remembered for a day; GetParameter when the image is an alias, remembered
//	                     for an hour; for Spot Fleets, GetCallerIdentity when fleetRole is not an ARN, remembered for a day
//	Launch               1 (RunInstances, CreateFleet, RequestSpotFleet or CreateAutoScalingGroup, which takes
//	                     SuspendProcesses too where it has several subnets); 3 when the launch template does not exist
//	                     yet; 1 more to remove a fleet that launched nothing, or 2 to find what a token that was used up
//	                     has launched
//	Observe              1 per 1,000 machines of up to 199 requests; 1 more per 200 machines that did not show; 1 per 100
//	                     fleets, Spot Fleets and groups that launch by themselves, and 1 per 1,000 machines of up to 200
//	                     of the fleets; 1 more per such resource that is short, at most every 20 seconds; DescribeTags
//	                     and DescribeAutoScalingGroups, 1 each, while a launch has no known outcome
//	Terminate            1 per 1,000 machines; 1 more per refusal that names machines; for resources with a target, 1 per
//	                     100 to read them (DescribeFleets, DescribeSpotFleetRequests, DescribeAutoScalingGroups) and 1
//	                     each to lower it (ModifyFleet, ModifySpotFleetRequest, UpdateAutoScalingGroup), or 1 per 100
//	                     to stop those of type request (DeleteFleets, CancelSpotFleetRequests)
//	Retire               2 for a fleet or group, 3 for more than 1,000 machines, up to 4 when EC2 has forgotten its machines; none for a reservation
//	Clean                1 per 200 launch templates; 1 more for each that goes
//	Owned                1 per 1,000 machines, and DescribeTags, 1 per 200 fleets; 1 more per 200 fleets whose machines an
//	                     operator's launch template made
//	Health               1
//	Discover             6, more where EC2 answers in pages
//	Missing              1 per kind and 200 resources; 1 per image and launch template
//	Refresh              1 per 100 machine types
//	Prices               1 for spot, none on demand
package aws
