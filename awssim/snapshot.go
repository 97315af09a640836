package awssim

import "time"

// Instance is an instance at the moment it was asked for.
type Instance struct {
	ID          string `json:"id"`
	Reservation string `json:"reservation"`
	Type        string `json:"type"`
	// State is pending, running, stopping, stopped, shutting-down or terminated.
	State string `json:"state"`
	// Lifecycle is OnDemand or Spot.
	Lifecycle string `json:"lifecycle"`
	Zone      string `json:"zone"`
	Subnet    string `json:"subnet"`
	Image     string `json:"image"`
	// PrivateIP and PrivateDNS are those that the instance has, or had until it was terminated, even while Describe calls
	// do not show them yet.
	PrivateIP  string    `json:"privateIp"`
	PrivateDNS string    `json:"privateDns"`
	LaunchTime time.Time `json:"launchTime"`
	// Fleet, SpotFleet and Group are the EC2 Fleet, the Spot Fleet request and the Auto Scaling group that the instance
	// belongs to.
	Fleet       string            `json:"fleet,omitempty"`
	SpotFleet   string            `json:"spotFleet,omitempty"`
	Group       string            `json:"group,omitempty"`
	ClientToken string            `json:"clientToken,omitempty"`
	Tags        map[string]string `json:"tags"`
	// UserData is decoded.
	UserData string `json:"userData,omitempty"`
	// EndReason is the state reason's code, such as Client.UserInitiatedShutdown, once an end is decided.
	EndReason string `json:"endReason,omitempty"`
	// Spec is what the launch asked for, launch template and call merged.
	Spec LaunchSpec `json:"spec"`
}

// Alive reports whether the instance is pending or running.
func (i Instance) Alive() bool { return i.State == statePending || i.State == stateRunning }

// Instances returns the instances in the order of their launch, terminated ones as long as EC2 would describe them.
// Unlike Describe calls it sees new instances at once.
func (c *Cloud) Instances() []Instance {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	c.settle(now)
	snapshot := make([]Instance, len(c.instances.ordered))
	for n, i := range c.instances.ordered {
		snapshot[n] = Instance{
			ID: i.id, Reservation: i.reservation, Type: i.instanceType.Name, State: i.state(now), Lifecycle: i.lifecycle,
			Zone: i.subnet.Zone, Subnet: i.subnet.ID, Image: i.image.ID, PrivateIP: i.ip.String(), PrivateDNS: c.privateDNSName(i),
			LaunchTime: i.launchedAt, ClientToken: i.clientToken, Tags: tagMap(i.tags),
			UserData: string(i.userData), EndReason: i.reason.code, Spec: i.spec,
		}
		if i.owner != nil {
			i.owner.name(&snapshot[n])
		}
	}
	return snapshot
}
