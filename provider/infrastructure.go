package provider

import (
	"context"

	"github.com/openhostfactory/ohfp"
)

// Discoverer is a provider that can tell what its account has that templates may refer to. It makes reading calls only.
type Discoverer interface {
	// Discover lists networks, subnets, security groups, keys, roles and images. What the identity may not read is told in
	// the Inventory and is no error; an error is that nothing could be read.
	Discover(ctx context.Context) (Inventory, error)
	// References lists what a template refers to, without asking the cloud.
	References(t ohfp.Template) ([]Resource, error)
	// Missing returns those of the resources that the cloud does not have, or that the identity may not see.
	Missing(ctx context.Context, wanted []Resource) ([]Resource, error)
}

// Inventory is what an account has.
type Inventory struct {
	Identity  string     `json:"identity"` // who asked
	Region    string     `json:"region"`
	Resources []Resource `json:"resources"`
	Unread    []string   `json:"unread,omitempty"` // what could not be read, and why
}

// Resource is something that a template may refer to.
type Resource struct {
	Kind    string            `json:"kind"`            // vpc, subnet, security-group, key-pair, role, image, machine-type or launch-template
	ID      string            `json:"id"`              // as templates write it
	Name    string            `json:"name,omitempty"`  // as people call it
	Field   string            `json:"field,omitempty"` // the template field that takes it
	Details map[string]string `json:"details,omitempty"`
}

// Refresher is a provider that remembers what it asked the cloud, and can be told to ask again.
type Refresher interface {
	// Refresh forgets resolved images and reads the machine types anew. It returns how many machine types the cloud has.
	Refresh(ctx context.Context) (machineTypes int, err error)
}

// Pricer is a provider that knows what machines cost.
type Pricer interface {
	// Prices tells what the machine types of a template cost in its zones, as far as the cloud tells.
	Prices(ctx context.Context, t ohfp.Template) ([]Price, error)
}

// Price is what one machine costs an hour.
type Price struct {
	MachineType string         `json:"machineType"`
	Zone        string         `json:"zone,omitempty"`
	Lifecycle   ohfp.Lifecycle `json:"lifecycle"`
	Dollars     string         `json:"dollars,omitempty"` // an hour; empty when it is not known
	Source      string         `json:"source"`            // where it is from, or why it is not known
}

// Permission is a set of calls to the cloud that a feature of a provider makes.
type Permission struct {
	Feature string   `json:"feature"`
	Actions []string `json:"actions"` // as the cloud's policies write them
}

// Permitter is a provider that knows what its identity must be allowed to do.
type Permitter interface {
	// Policy returns the least policy, in the cloud's own format, for the features named; none stands for all.
	Policy(features ...string) ([]byte, error)
	// Permissions lists the features and their calls.
	Permissions() []Permission
}
