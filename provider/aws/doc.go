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
//	                     for an hour
//	Launch               1 (RunInstances or CreateFleet); 3 when the launch template does not exist yet; 1 more to
//	                     remove a fleet that launched nothing, or to find what a token that was used up has launched
//	Observe              1 per 1,000 machines of up to 199 requests; 1 more per 200 machines that did not show
//	Terminate            1 per 1,000 machines; 1 more per refusal that names machines
//	Retire               2 for a fleet, up to 4 when EC2 has forgotten its machines; none for a reservation
//	Owned                1 per 1,000 machines
//	Health               1
//	Discover             6, more where EC2 answers in pages
//	Missing              1 per kind and 200 resources; 1 per image and launch template
//	Refresh              1 per 100 machine types
//	Prices               1 for spot, none on demand
package aws
