package provider

import (
	"context"

	"github.com/openhostfactory/ohfp"
)

// Attributer is a provider that knows the Host Factory attributes of its machine types without asking the cloud.
type Attributer interface {
	// Attributes generates the attributes (type, ncpus, ncores, nram) of the machines that the template launches. An
	// unknown machine type is an error that names it, never a guess.
	Attributes(t ohfp.Template) (map[string]ohfp.Attribute, error)
}

// Lister is a provider that shows what Host Factory and people may see of a template's own fields.
type Lister interface {
	// Listing returns the provider's fields of the template that may be shown, by their names in template files. Secrets
	// and user data MUST NOT be among them.
	Listing(t ohfp.Template) (map[string]any, error)
}

// Chooser is a provider that launches by several APIs of its cloud, of which a template need not name one.
type Chooser interface {
	// API returns the one by which the template launches, as template files name it. It asks no cloud.
	API(t ohfp.Template) (string, error)
}

// HealthChecker is a provider that can tell whether it works.
type HealthChecker interface {
	// Health makes a cheap call with the configured identity and returns who that is.
	Health(ctx context.Context) (identity string, err error)
}

// Switcher is a provider that can stop machines, which keep their disks and their ids, and start them again.
type Switcher interface {
	// Switch starts machines, or stops them. What is so already counts as done. A machine that the cloud refuses MUST NOT
	// spoil the others: its Switched says why. The error is for what was not asked or not answered.
	Switch(ctx context.Context, machines []ohfp.MachineID, on bool) ([]Switched, error)
}

// Switched is what the cloud said of one machine.
type Switched struct {
	Machine ohfp.MachineID
	State   ohfp.MachineState
	Refused error
}
