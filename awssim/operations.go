package awssim

import (
	"net/url"
	"time"
)

// call is one AWS call being executed.
type call struct {
	now    time.Time
	form   url.Values
	dryRun bool
	entry  *Call
}

// wouldSucceed ends a dry run. Operations that change something ask once everything but capacity is checked.
func (c *call) wouldSucceed() error {
	if c.dryRun {
		return errorf("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	}
	return nil
}

// operationName tells apart what two services call the same.
type operationName struct{ service, action string }

// matches takes an action with or without a service in front.
func (n operationName) matches(action string) bool {
	return action == n.action || action == n.service+":"+n.action
}

type operation struct {
	// limit names the request bucket.
	limit string
	// reads is set on operations that change nothing.
	reads bool
	run   func(*Cloud, *call) (any, error)
}

func decoding[In any](run func(*Cloud, *call, *In) (any, error), known ...string) func(*Cloud, *call) (any, error) {
	return func(c *Cloud, call *call) (any, error) {
		var in In
		if err := decodeQuery(call.form, &in, known...); err != nil {
			return nil, err
		}
		return run(c, call, &in)
	}
}

func reading[In any](run func(*Cloud, *call, *In) (any, error)) operation {
	return operation{limit: limitDescribe, reads: true, run: decoding(run, "Action", "Version", "DryRun")}
}

// limited puts an operation below a bucket of its own.
func (o operation) limited(limit string) operation {
	o.limit = limit
	return o
}

func changing[In any](limit string, run func(*Cloud, *call, *In) (any, error)) operation {
	return operation{limit: limit, run: decoding(run, "Action", "Version", "DryRun")}
}

func operations() map[operationName]operation {
	all := map[operationName]operation{}
	for service, calls := range map[string]map[string]operation{
		serviceEC2: ec2Operations(), serviceASG: asgOperations(), serviceSTS: stsOperations(), serviceSSM: ssmOperations(),
		serviceSQS: sqsOperations(),
	} {
		for action, o := range calls {
			all[operationName{service, action}] = o
		}
	}
	return all
}

// querying is for the services whose calls have nothing but an action and a version in common.
func querying[In any](reads bool, run func(*Cloud, *call, *In) (any, error)) operation {
	return operation{reads: reads, run: decoding(run, "Action", "Version")}
}

func stsOperations() map[string]operation {
	return map[string]operation{
		"GetCallerIdentity": querying(true, (*Cloud).getCallerIdentity),
		"AssumeRole":        querying(true, (*Cloud).assumeRole),
	}
}

func ssmOperations() map[string]operation {
	return map[string]operation{
		"GetParameter":  querying(true, (*Cloud).getParameter),
		"GetParameters": querying(true, (*Cloud).getParameters),
	}
}

func sqsOperations() map[string]operation {
	return map[string]operation{
		"GetQueueUrl":        querying(true, (*Cloud).getQueueURL),
		"CreateQueue":        querying(false, (*Cloud).createQueue),
		"SendMessage":        querying(false, (*Cloud).sendMessage),
		"ReceiveMessage":     querying(false, (*Cloud).receiveMessage),
		"DeleteMessage":      querying(false, (*Cloud).deleteMessage),
		"DeleteMessageBatch": querying(false, (*Cloud).deleteMessageBatch),
	}
}

func asgOperations() map[string]operation {
	return map[string]operation{
		"CreateAutoScalingGroup":              querying(false, (*Cloud).createGroup),
		"UpdateAutoScalingGroup":              querying(false, (*Cloud).updateGroup),
		"DeleteAutoScalingGroup":              querying(false, (*Cloud).deleteGroup),
		"SetDesiredCapacity":                  querying(false, (*Cloud).setDesiredCapacity),
		"SetInstanceProtection":               querying(false, (*Cloud).setInstanceProtection),
		"SuspendProcesses":                    querying(false, (*Cloud).suspendProcesses),
		"ResumeProcesses":                     querying(false, (*Cloud).resumeProcesses),
		"DetachInstances":                     querying(false, (*Cloud).detachInstances),
		"TerminateInstanceInAutoScalingGroup": querying(false, (*Cloud).terminateInGroup),
		"CreateOrUpdateTags":                  querying(false, (*Cloud).createOrUpdateTags),
		"DeleteTags":                          querying(false, (*Cloud).deleteGroupTags),
		"DescribeTags":                        querying(true, (*Cloud).describeGroupTags),
		"DescribeAutoScalingGroups":           querying(true, (*Cloud).describeGroups),
		"DescribeAutoScalingInstances":        querying(true, (*Cloud).describeGroupInstances),
		"DescribeScalingActivities":           querying(true, (*Cloud).describeScalingActivities),
	}
}

func ec2Operations() map[string]operation {
	return map[string]operation{
		"RunInstances":                             changing(limitRunInstances, (*Cloud).runInstances),
		"TerminateInstances":                       changing(limitTerminate, (*Cloud).terminateInstances),
		"DescribeInstances":                        reading((*Cloud).describeInstances),
		"DescribeInstanceStatus":                   reading((*Cloud).describeInstanceStatus),
		"CreateFleet":                              changing(limitMutate, (*Cloud).createFleet),
		"DescribeFleets":                           reading((*Cloud).describeFleets),
		"DescribeFleetInstances":                   reading((*Cloud).describeFleetInstances),
		"DescribeFleetHistory":                     reading((*Cloud).describeFleetHistory),
		"ModifyFleet":                              changing(limitMutate, (*Cloud).modifyFleet),
		"DeleteFleets":                             changing(limitMutate, (*Cloud).deleteFleets),
		"RequestSpotFleet":                         changing(limitMutate, (*Cloud).requestSpotFleet),
		"DescribeSpotFleetRequests":                reading((*Cloud).describeSpotFleetRequests).limited(limitSpotFleets),
		"DescribeSpotFleetInstances":               reading((*Cloud).describeSpotFleetInstances).limited(limitSpotFleetReads),
		"DescribeSpotFleetRequestHistory":          reading((*Cloud).describeSpotFleetRequestHistory).limited(limitSpotFleetReads),
		"ModifySpotFleetRequest":                   changing(limitMutate, (*Cloud).modifySpotFleetRequest),
		"CancelSpotFleetRequests":                  changing(limitMutate, (*Cloud).cancelSpotFleetRequests),
		"DescribeSpotInstanceRequests":             reading((*Cloud).describeSpotInstanceRequests),
		"DescribeSpotPriceHistory":                 reading((*Cloud).describeSpotPriceHistory),
		"CreateLaunchTemplate":                     changing(limitMutate, (*Cloud).createLaunchTemplate),
		"CreateLaunchTemplateVersion":              changing(limitTemplateVersion, (*Cloud).createLaunchTemplateVersion),
		"ModifyLaunchTemplate":                     changing(limitTemplateVersion, (*Cloud).modifyLaunchTemplate),
		"DeleteLaunchTemplate":                     changing(limitMutate, (*Cloud).deleteLaunchTemplate),
		"DescribeLaunchTemplates":                  reading((*Cloud).describeLaunchTemplates),
		"DescribeLaunchTemplateVersions":           reading((*Cloud).describeLaunchTemplateVersions),
		"CreateTags":                               changing(limitTags, (*Cloud).createTags),
		"DeleteTags":                               changing(limitTags, (*Cloud).deleteTags),
		"DescribeTags":                             reading((*Cloud).describeTags),
		"GetInstanceTypesFromInstanceRequirements": reading((*Cloud).instanceTypesFromRequirements),
		"DescribeInstanceTypeOfferings":            reading((*Cloud).describeOfferings),
		"DescribeKeyPairs":                         reading((*Cloud).describeKeyPairs),
		"StopInstances":                            changing(limitStart, (*Cloud).stopInstances),
		"StartInstances":                           changing(limitStart, (*Cloud).startInstances),
		"ModifyInstanceAttribute":                  changing(limitMutate, (*Cloud).modifyInstanceAttribute),
		"DescribeInstanceTypes":                    reading((*Cloud).describeInstanceTypes),
		"DescribeImages":                           reading((*Cloud).describeImages),
		"DescribeSubnets":                          reading((*Cloud).describeSubnets),
		"DescribeVpcs":                             reading((*Cloud).describeVPCs),
		"DescribeSecurityGroups":                   reading((*Cloud).describeSecurityGroups),
	}
}
