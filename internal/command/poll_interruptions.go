package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// PollInterruptions asks the clouds for the notices of a kind and stores them. Only those are asked that have machines of
// ours, for spot interruptions live spot machines. What arrived beside an error is stored too.
func (c *Commands) PollInterruptions(ctx context.Context, kind ohfp.NoticeKind) error {
	names, err := c.interruptible(ctx, kind == ohfp.NoticeSpot)
	if err != nil {
		return err
	}
	var problems []error
	for _, name := range names {
		if err := c.pollFrom(ctx, name, kind); err != nil {
			problems = append(problems, fmt.Errorf("provider %s: %w", name, err))
		}
	}
	return errors.Join(problems...)
}

func (c *Commands) pollFrom(ctx context.Context, name string, kind ohfp.NoticeKind) error {
	p, err := c.Executor.Providers.Provider(ctx, name)
	if err != nil {
		return err
	}
	interrupter, ok := provider.As[provider.Interrupter](p)
	if !ok {
		return nil
	}
	notices, asked := interrupter.Interruptions(ctx, kind)
	_, err = c.NoticeMachines(ctx, NoticeMachines{Provider: name, Notices: notices})
	return errors.Join(asked, err)
}

// spotPage is how many live machines are read at once in the search for a spot machine.
const spotPage = 1000

// interruptible names the providers that have live machines, or live spot machines.
func (c *Commands) interruptible(ctx context.Context, spot bool) ([]string, error) {
	used, err := c.Store.Usage(ctx)
	if err != nil {
		return nil, fmt.Errorf("see which providers have machines: %w", err)
	}
	live := maps.Clone(used.Providers)
	maps.DeleteFunc(live, func(_ string, units int) bool { return units == 0 })
	if !spot || len(live) == 0 {
		return slices.Sorted(maps.Keys(live)), nil
	}
	found := map[string]bool{}
	for offset := 0; len(found) < len(live); offset += spotPage {
		machines, err := c.Store.Machines(ctx, store.MachineFilter{
			States: []ohfp.MachineState{ohfp.MachinePending, ohfp.MachineRunning}, Limit: spotPage, Offset: offset,
		})
		if err != nil {
			return nil, fmt.Errorf("look for spot machines: %w", err)
		}
		for _, m := range machines {
			if m.Lifecycle == ohfp.Spot {
				found[m.Provider] = true
			}
		}
		if len(machines) < spotPage {
			break
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}
