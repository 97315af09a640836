package awssim

import (
	"slices"
	"time"
)

// group is an Auto Scaling group.
type group struct {
	id        string
	sequence  int
	createdAt time.Time
	visibleAt time.Time
	// settings are replaced by updates as a whole, once they are checked.
	settings   groupSettings
	suspended  []string
	tags       []groupTag
	members    []*managed
	activities []*activity
	deleting   bool
	short      bool
	// wakeAt is when to look next, zero for never.
	wakeAt time.Time
}

// groupSettings are what a group should be.
type groupSettings struct {
	min, max, desired int
	template          *templateReference
	mixed             *mixedPolicy
	// overrides are those of the policy, resolved; one empty override stands for none.
	overrides  []resolvedOverride
	subnets    []*subnet
	zoneList   string
	protectNew bool
	context    string
	// unit is that of the sizes, empty for instances or their weights.
	unit      string
	described describedSettings
}

type resolvedOverride struct {
	groupOverride
	// reference may say $Latest, which each launch looks up; version is what it was last.
	reference templateReference
	version   *templateVersion
	weight    int
}

// managed is an instance of a group.
type managed struct {
	*instance
	protected bool
	// lost is set once the group knows that the instance has ended.
	lost bool
}

// Group is an Auto Scaling group at the moment it was asked for.
type Group struct {
	Name string `json:"name"`
	// Status is empty, or Delete in progress.
	Status    string    `json:"status,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	Min       int       `json:"min"`
	Max       int       `json:"max"`
	// Desired and Units, what the group has of it, are instances unless overrides have weights.
	Desired   int               `json:"desired"`
	Units     int               `json:"units"`
	Tags      map[string]string `json:"tags"`
	Suspended []string          `json:"suspended,omitempty"`
	Members   []GroupMember     `json:"members"`
	// Activities are what the group did, oldest first.
	Activities []GroupActivity `json:"activities"`
	Context    string          `json:"context,omitempty"`
}

// GroupMember is an instance of a group.
type GroupMember struct {
	ID string `json:"id"`
	// State is Pending, InService or Terminating.
	State     string `json:"state"`
	Weight    int    `json:"weight"`
	Protected bool   `json:"protected"`
}

// GroupActivity is a scaling activity.
type GroupActivity struct {
	Start       time.Time `json:"start"`
	Description string    `json:"description"`
	// Status is InProgress, Successful or Failed; Message says why it failed.
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
}

// Groups returns the Auto Scaling groups, oldest first.
func (c *Cloud) Groups() []Group {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.settle(now)
	groups := make([]Group, 0, len(c.asgs))
	for _, g := range c.asgs {
		s := g.settings
		one := Group{
			Name: g.id, Status: g.status(), CreatedAt: g.createdAt, Min: s.min, Max: s.max, Desired: s.desired, Units: g.units(),
			Tags: map[string]string{}, Suspended: slices.Clone(g.suspended), Context: s.context,
		}
		for _, t := range g.tags {
			one.Tags[t.Key] = t.Value
		}
		for _, m := range g.members {
			one.Members = append(one.Members, GroupMember{m.id, m.lifecycleState(now), int(m.weight), m.protected})
		}
		for _, a := range g.activities {
			one.Activities = append(one.Activities, GroupActivity{a.start, a.description, a.status(now), a.message})
		}
		groups = append(groups, one)
	}
	return groups
}

func (g *group) status() string {
	if g.deleting {
		return "Delete in progress"
	}
	return ""
}

// units are those that the group believes in: an instance that ended unnoticed, or that nobody may replace, counts on.
func (g *group) units() int {
	units := 0
	for _, m := range g.members {
		if !m.lost {
			units += int(m.weight)
		}
	}
	return units
}

func (m *managed) lifecycleState(now time.Time) string {
	switch m.state(now) {
	case statePending:
		return "Pending"
	case stateRunning:
		return "InService"
	default:
		if m.lost {
			return "Terminating"
		}
		return "InService"
	}
}

func (m *managed) health(now time.Time) string {
	if m.serves(now) || m.lost {
		return "Healthy"
	}
	return "Unhealthy"
}

// name implements owner.
func (g *group) name(snapshot *Instance) { snapshot.Group = g.id }

// lose implements owner.
func (g *group) lose(c *Cloud, _ *instance, at time.Time) { g.wake(at.Add(c.options.ReplaceDelay)) }

func (g *group) wake(at time.Time) {
	if !at.IsZero() && (g.wakeAt.IsZero() || at.Before(g.wakeAt)) {
		g.wakeAt = at
	}
}

func (g *group) suspends(process string) bool { return slices.Contains(g.suspended, process) }

func (c *Cloud) group(name string) (*group, error) {
	if name == "" {
		return nil, missingParameter("AutoScalingGroupName")
	}
	if i := slices.IndexFunc(c.asgs, func(g *group) bool { return g.id == name }); i >= 0 {
		return c.asgs[i], nil
	}
	return nil, errorf(codeValidation, "AutoScalingGroup name not found - AutoScalingGroup '%s' not found", clip(name, 255))
}

// member finds an instance of the group, nil when it is none.
func (g *group) member(id string) *managed {
	if i := slices.IndexFunc(g.members, func(m *managed) bool { return m.id == id }); i >= 0 {
		return g.members[i]
	}
	return nil
}

func (c *Cloud) groupArn(g *group) string {
	return c.arn("autoscaling", "autoScalingGroup:00000000-0000-4000-8000-000000000000:autoScalingGroupName/"+g.id)
}
