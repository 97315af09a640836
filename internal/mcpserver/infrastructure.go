package mcpserver

import (
	"context"
	"fmt"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/view"
	"github.com/openhostfactory/ohfp/provider"
)

type oneProviderIn struct {
	Provider string `json:"provider_name,omitempty" jsonschema:"name of the provider instance; absent: the default one"`
}

type anyProviderIn struct {
	Provider string `json:"provider_name,omitempty" jsonschema:"only of this provider instance; absent: of all"`
}

type cleanIn struct {
	Confirmation

	Provider  string `json:"provider_name,omitempty" jsonschema:"only of this provider instance; absent: of all that are enabled"`
	UnusedFor string `json:"unused_for,omitempty" jsonschema:"how long nothing must have used it, for example 24h; absent: the setting cleaning.unused_after"`
	DryRun    bool   `json:"dry_run,omitempty" jsonschema:"remove nothing, show what would be removed"`
}

func infrastructureTools() []tool {
	return []tool{
		define(tool{
			Name: "discover_infrastructure", Title: "List what the account has",
			Description: "List what the account of a provider has that templates may refer to: networks, security groups, keys, images and " +
				"such, each with the template field that takes it.",
		}, discover),
		define(tool{
			Name: "list_infrastructure_references", Title: "Show what templates refer to", Offline: true,
			Description: "Show what the templates refer to in the cloud. It asks no cloud, so nothing of it need exist.",
		}, references),
		define(tool{
			Name: "validate_infrastructure", Title: "Look in the cloud for what templates refer to",
			Description: "Look in the cloud for all that the templates refer to, and list what is missing or may not be seen.",
		}, validateInfrastructure),
		confirmed(tool{
			Name: "clean_infrastructure", Title: "Remove launch templates that nothing uses", Idempotent: true,
			Description: "Remove the launch templates that this installation made and that nothing uses. What others made is never touched.",
		}, planClean, cleanInfrastructure),
	}
}

func discover(ctx context.Context, c *call, in oneProviderIn) (provider.Inventory, error) {
	p, err := c.instance(in.Provider)
	if err != nil {
		return provider.Inventory{}, err
	}
	return c.Clouds.Discover(ctx, p.Name)
}

func references(ctx context.Context, c *call, in anyProviderIn) (view.References, error) {
	list, problems, err := c.Clouds.References(ctx, in.Provider)
	if err != nil {
		return view.References{}, err
	}
	return view.References{References: list, Problems: problems}, nil
}

func validateInfrastructure(ctx context.Context, c *call, in anyProviderIn) (view.Validation, error) {
	wanted, problems, err := c.Clouds.References(ctx, in.Provider)
	if err != nil {
		return view.Validation{}, err
	}
	missing, err := c.Clouds.Missing(ctx, wanted)
	if err != nil {
		return view.Validation{}, err
	}
	return view.Validation{Checked: len(wanted), Missing: missing, Problems: problems}, nil
}

func (in cleanIn) command(c *call) (command.Clean, error) {
	what := command.Clean{Provider: in.Provider, UnusedFor: c.Config.Cleaning.UnusedAfter, DryRun: in.DryRun}
	if in.Provider != "" {
		if _, err := c.instance(in.Provider); err != nil {
			return what, err
		}
	}
	if in.UnusedFor == "" && what.UnusedFor == 0 {
		return what, ohfp.Errorf(ohfp.ErrInvalid, "cleaning.unused_after is 0, which is never; give unused_for")
	}
	var err error
	what.UnusedFor, err = duration("unused_for", in.UnusedFor, what.UnusedFor)
	return what, err
}

func planClean(ctx context.Context, c *call, in cleanIn) (Plan, error) {
	if in.DryRun {
		return Plan{}, nil // shows what would be removed by itself
	}
	what, err := in.command(c)
	if err != nil {
		return Plan{}, err
	}
	what.DryRun = true
	would, err := c.Commands.Clean(ctx, what)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{Summary: fmt.Sprintf("remove %s that nothing has used for %s", ohfp.Count(len(would), "launch template"), ohfp.FormatDuration(what.UnusedFor.Round(time.Second)))}
	for _, r := range would {
		plan.Others = append(plan.Others, r.ID)
	}
	return plan, nil
}

func cleanInfrastructure(ctx context.Context, c *call, in cleanIn) (view.Cleaning, error) {
	what, err := in.command(c)
	if err != nil {
		return view.Cleaning{}, err
	}
	removed, err := c.Commands.Clean(ctx, what)
	if err != nil && len(removed) == 0 {
		return view.Cleaning{}, err
	}
	if err != nil {
		c.note(ctx, "not everything could be removed: %v", err)
	}
	return view.Cleaning{DryRun: in.DryRun, Removed: removed}, nil
}
