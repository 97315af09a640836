package fake

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// Terminate ends the machines, those of others too: the cloud does what it is told, so that a test sees who was told
// wrong. A young machine that the cloud does not know may be one that it does not show yet, so it only counts as
// shutting down. Targets are lowered first, one call for each; machines of a group whose target could not be lowered are
// left alone.
func (p *Provider) Terminate(ctx context.Context, machines []ohfp.Machine, targets []ohfp.ResourceTarget) ([]provider.Ended, error) {
	held := map[string]bool{}
	var failed error
	for _, target := range targets {
		if err := p.setTarget(ctx, target); err != nil {
			held[target.Resource] = true
			failed = errors.Join(failed, err)
		}
	}
	machines = slices.DeleteFunc(slices.Clone(machines), func(m ohfp.Machine) bool { return held[m.Resource] })
	if len(machines) == 0 {
		return nil, failed
	}
	accepted, err := p.terminate(ctx, machines)
	return accepted, errors.Join(failed, err)
}

// setTarget makes the call that lowers one target.
func (p *Provider) setTarget(ctx context.Context, target ohfp.ResourceTarget) error {
	if err := p.begin(ctx, OpTarget); err != nil {
		return err
	}
	c := p.cloud
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catchUp()
	if err := c.setTarget(target); err != nil {
		return err
	}
	if c.dropped(OpTarget) {
		return Unavailable(OpTarget)
	}
	return nil
}

// terminate makes the call that ends machines.
func (p *Provider) terminate(ctx context.Context, machines []ohfp.Machine) ([]provider.Ended, error) {
	if err := p.begin(ctx, OpTerminate); err != nil {
		return nil, err
	}
	c := p.cloud
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catchUp()
	defer c.schedule()
	var accepted []provider.Ended
	var refused []string
	for _, asked := range machines {
		m, ok := c.machines[asked.ID]
		switch {
		case !ok || !c.visible(m):
			state := ohfp.MachineShuttingDown
			if c.now().Sub(asked.LaunchedAt) > ohfp.GoneAfter {
				state = ohfp.MachineTerminated
			}
			accepted = append(accepted, provider.Ended{Machine: asked.ID, State: state})
		case m.protected && m.endedAt.IsZero():
			refused = append(refused, string(asked.ID))
		default:
			c.end(m, "User initiated")
			accepted = append(accepted, provider.Ended{Machine: asked.ID, State: c.state(m)})
		}
	}
	if c.dropped(OpTerminate) {
		return nil, Unavailable(OpTerminate)
	}
	if len(refused) > 0 {
		slices.Sort(refused)
		return accepted, &ohfp.CloudError{
			Kind: ohfp.ErrDenied, Operation: string(OpTerminate), Code: "OperationNotPermitted",
			Message: "protected against termination: " + strings.Join(refused, ", "),
		}
	}
	return accepted, nil
}

// Retire removes a fleet, group or request whose machines are all terminated.
func (p *Provider) Retire(ctx context.Context, resource string) error {
	if err := p.begin(ctx, OpRetire); err != nil {
		return err
	}
	c := p.cloud
	c.mu.Lock()
	defer c.mu.Unlock()
	c.catchUp()
	for _, m := range c.machines {
		if m.Resource == resource && c.state(m) != ohfp.MachineTerminated {
			return ohfp.Errorf(ohfp.ErrConflict, "%s still has machine %s; end it before the fleet is retired", resource, m.ID)
		}
	}
	delete(c.fleets, resource)
	delete(c.groups, resource)
	if c.dropped(OpRetire) {
		return Unavailable(OpRetire)
	}
	return nil
}
