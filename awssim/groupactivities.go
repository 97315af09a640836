package awssim

import (
	"fmt"
	"slices"
	"time"
)

// activity is something that a group did or tried.
type activity struct {
	id                          string
	sequence                    int
	start, end                  time.Time
	description, cause, message string
	failed                      bool
	zone                        string
}

func (a *activity) status(now time.Time) string {
	switch {
	case a.failed:
		return "Failed"
	case now.Before(a.end):
		return "InProgress"
	default:
		return "Successful"
	}
}

func (g *group) tell(c *Cloud, a activity) *activity {
	a.id, a.sequence = c.newUUID(), c.next()
	g.activities = append(g.activities, &a)
	return &a
}

// tellLaunch writes down what came of a pool: an activity per instance, and one that failed with what EC2 said.
func (g *group) tellLaunch(c *Cloud, at time.Time, p *fleetPool, from, to int) {
	cause := fmt.Sprintf("At %s an instance was started in response to a difference between desired and actual capacity, increasing the capacity from %d to %d.", at.Format(time.RFC3339), from, to)
	for _, i := range p.made {
		g.tell(c, activity{start: at, end: i.runningAt, description: "Launching a new EC2 instance: " + i.id, cause: cause, zone: i.subnet.Zone})
	}
	if p.reason == nil {
		return
	}
	message := p.reason.Message + " Launching EC2 instance failed."
	switch {
	case p.lifecycle == Spot:
		message = "Could not launch Spot Instances. " + p.reason.Code + " - " + message
	case g.settings.mixed != nil:
		message = "Could not launch On-Demand Instances. " + p.reason.Code + " - " + message
	}
	failed := activity{start: at, end: at, description: "Launching a new EC2 instance.  Status Reason: " + message, cause: cause, message: message, failed: true}
	if p.site != nil {
		failed.zone = p.site.subnet.Zone
	}
	g.tell(c, failed)
}

func (g *group) tellEnd(c *Cloud, at time.Time, m *managed, cause string) *activity {
	return g.tell(c, activity{start: at, end: m.goneAt, description: "Terminating EC2 instance: " + m.id, cause: cause, zone: m.subnet.Zone})
}

type activityReply struct {
	ID          string     `reply:"ActivityId"`
	Group       string     `reply:"AutoScalingGroupName"`
	Arn         string     `reply:"AutoScalingGroupARN"`
	Description string     `reply:"Description"`
	Cause       string     `reply:"Cause"`
	Start       time.Time  `reply:"StartTime"`
	End         *time.Time `reply:"EndTime,omitempty"`
	Status      string     `reply:"StatusCode"`
	Message     string     `reply:"StatusMessage,omitempty"`
	Progress    int        `reply:"Progress"`
	Details     string     `reply:"Details"`
}

func (c *Cloud) activityReply(g *group, a *activity, now time.Time) activityReply {
	r := activityReply{
		ID: a.id, Group: g.id, Arn: c.groupArn(g), Description: a.description, Cause: a.cause, Start: a.start,
		Status: a.status(now), Message: a.message, Progress: 50, Details: fmt.Sprintf(`{"Availability Zone":%q}`, a.zone),
	}
	if r.Status != "InProgress" {
		r.End, r.Progress = &a.end, 100
	}
	return r
}

// groupPageInput is how Auto Scaling asks for pages. Its pages have a size also when the caller names none.
type groupPageInput struct {
	MaxRecords *int   `query:"MaxRecords"`
	NextToken  string `query:"NextToken"`
}

func (in groupPageInput) page(call *call, otherwise, largest int) (*page, error) {
	if in.MaxRecords != nil && (*in.MaxRecords < 1 || *in.MaxRecords > largest) {
		return nil, invalidValue(*in.MaxRecords, "MaxRecords", fmt.Sprintf("Expecting a value from 1 to %d.", largest))
	}
	return pageInput{in.MaxRecords, in.NextToken}.pageOf(call, 1, largest, otherwise)
}

type describeScalingActivitiesInput struct {
	Group string   `query:"AutoScalingGroupName"`
	IDs   []string `query:"ActivityIds.member"`
	groupPageInput
}

type describeScalingActivitiesReply struct {
	Activities []activityReply `reply:"Activities"`
	NextToken  string          `reply:"NextToken,omitempty"`
}

// describeScalingActivities tells the newest first, after the describe lag.
func (c *Cloud) describeScalingActivities(call *call, in *describeScalingActivitiesInput) (any, error) {
	groups := c.asgs
	if in.Group != "" {
		g, err := c.group(in.Group)
		if err != nil {
			return nil, err
		}
		groups = []*group{g}
	}
	page, err := in.page(call, 100, 100)
	if err != nil {
		return nil, err
	}
	type of struct {
		*group
		*activity
	}
	var all []of
	for _, g := range groups {
		for _, a := range g.activities {
			if !a.start.Add(c.options.DescribeLag).After(call.now) && (len(in.IDs) == 0 || slices.Contains(in.IDs, a.id)) {
				all = append(all, of{g, a})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b of) int {
		if n := b.start.Compare(a.start); n != 0 {
			return n
		}
		return b.activity.sequence - a.activity.sequence
	})
	var reply describeScalingActivitiesReply
	for _, a := range all {
		// Positions must grow, and stay while new activities come: they count from the oldest, downwards.
		if page.admit(lastPosition - a.activity.sequence) {
			reply.Activities = append(reply.Activities, c.activityReply(a.group, a.activity, call.now))
		}
	}
	reply.NextToken = page.next()
	return reply, nil
}

// lastPosition is beyond every sequence number.
const lastPosition = 1 << 50
