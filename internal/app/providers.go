package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/view"
	"github.com/openhostfactory/ohfp/provider"
)

// Providers lists the configured provider instances. None is opened.
func (a *App) Providers() []view.Provider {
	chosen, _ := a.catalog.policy.Choose(ohfp.Template{}) // without an enabled provider none is the default
	list := make([]view.Provider, 0, len(a.Config.Providers))
	for _, p := range a.Config.Providers {
		list = append(list, view.Provider{
			Name: p.Name, Type: p.Type, Enabled: p.Enabled, Priority: p.Priority, Default: p.Enabled && p.Name == chosen.Provider,
		})
	}
	return list
}

// Health asks a provider instance who it is to the cloud.
func (a *App) Health(ctx context.Context, name string) (identity string, err error) {
	checker, err := capable[provider.HealthChecker](ctx, a, name, "tell whether it works")
	if err != nil {
		return "", err
	}
	return checker.Health(ctx)
}

// Policy returns what the identity of a provider instance must be allowed to do, in the cloud's own format; no feature
// stands for all.
func (a *App) Policy(ctx context.Context, name string, features []string) ([]byte, error) {
	permitter, err := capable[provider.Permitter](ctx, a, name, "tell what its identity must be allowed to do")
	if err != nil {
		return nil, err
	}
	return permitter.Policy(features...)
}

// Refresh makes a provider instance ask the cloud again for what it remembers, and returns how many machine types there
// are. It needs the store, so it fails on an App that was opened for listing only.
func (a *App) Refresh(ctx context.Context, name string) (machineTypes int, err error) {
	if a.Commands == nil {
		return 0, errors.New("a refresh needs the store, which was left closed")
	}
	refresher, err := capable[provider.Refresher](ctx, a, name, "refresh what it remembers")
	if err != nil {
		return 0, err
	}
	if machineTypes, err = refresher.Refresh(ctx); err != nil {
		return machineTypes, err
	}
	return machineTypes, a.refreshPrices(ctx, name)
}

// refreshPrices has a provider that knows prices remember those of the templates that go to it.
func (a *App) refreshPrices(ctx context.Context, name string) error {
	p, err := a.catalog.providers.Provider(ctx, name)
	if err != nil {
		return err
	}
	pricer, ok := provider.As[provider.Pricer](p)
	if !ok {
		return nil
	}
	list, err := a.catalog.files.List(ctx)
	if errors.Is(err, ohfp.ErrInvalid) || errors.Is(err, ohfp.ErrNotFound) {
		return nil // there is no template whose price could matter
	}
	if err != nil {
		return err
	}
	for _, t := range list.Templates {
		choice, err := a.catalog.policy.Choose(t)
		if err != nil || choice.Provider != name || t.Refused != "" {
			continue // what cannot be launched has no price
		}
		if _, err := pricer.Prices(ctx, t); err != nil && !errors.Is(err, ohfp.ErrInvalid) {
			return fmt.Errorf("prices of template %s: %w", t.ID, err)
		}
	}
	return nil
}

// capable opens a configured provider instance that must have a capability.
func capable[T any](ctx context.Context, a *App, name, capability string) (T, error) {
	var none T
	cfg, ok := a.Config.Provider(name)
	if !ok {
		return none, ohfp.Errorf(ohfp.ErrNotFound, "provider %s does not exist; see ohfp providers list", name)
	}
	p, err := a.catalog.providers.Provider(ctx, name)
	if err != nil {
		return none, err
	}
	able, ok := provider.As[T](p)
	if !ok {
		return none, ohfp.Errorf(ohfp.ErrInvalid, "provider %s cannot %s: its type %s does not support that", name, capability, cfg.Type)
	}
	return able, nil
}

// Discover lists what the account of a provider instance has that templates may refer to.
func (a *App) Discover(ctx context.Context, name string) (provider.Inventory, error) {
	discoverer, err := a.discoverer(ctx, name)
	if err != nil {
		return provider.Inventory{}, err
	}
	return discoverer.Discover(ctx)
}

func (a *App) discoverer(ctx context.Context, name string) (provider.Discoverer, error) {
	return capable[provider.Discoverer](ctx, a, name, "tell what its account has")
}

// References lists what the templates of a provider instance refer to, or those of all when name is empty. It asks no
// cloud. The problems are sentences about templates of which that cannot be told.
func (a *App) References(ctx context.Context, name string) (list []view.Reference, problems []string, err error) {
	if _, ok := a.Config.Provider(name); name != "" && !ok {
		return nil, nil, ohfp.Errorf(ohfp.ErrNotFound, "provider %s does not exist; see ohfp providers list", name)
	}
	views, problems, err := a.Queries.TemplateList(ctx)
	if err != nil {
		return nil, problems, err
	}
	list = []view.Reference{}
	for _, listed := range views {
		choice, err := a.catalog.policy.Choose(listed.Template)
		if err == nil && name != "" && choice.Provider != name {
			continue
		}
		var found []provider.Resource
		if err == nil {
			found, err = a.references(ctx, choice.Provider, listed.Template)
		}
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		for _, r := range found {
			list = append(list, view.Reference{Template: listed.Template.ID, Provider: choice.Provider, Resource: r})
		}
	}
	return list, problems, nil
}

func (a *App) references(ctx context.Context, name string, t ohfp.Template) ([]provider.Resource, error) {
	discoverer, err := a.discoverer(ctx, name)
	if err != nil {
		return nil, err
	}
	return discoverer.References(t)
}

// Missing returns those of the references that their clouds do not have, or that the identity may not see.
func (a *App) Missing(ctx context.Context, wanted []view.Reference) ([]view.Reference, error) {
	type key struct{ provider, kind, id string }
	byProvider := map[string][]provider.Resource{}
	for _, r := range wanted {
		byProvider[r.Provider] = append(byProvider[r.Provider], r.Resource)
	}
	gone := map[key]bool{}
	for name, resources := range byProvider {
		discoverer, err := a.discoverer(ctx, name)
		if err != nil {
			return nil, err
		}
		missing, err := discoverer.Missing(ctx, resources)
		if err != nil {
			return nil, fmt.Errorf("provider %s: %w", name, err)
		}
		for _, r := range missing {
			gone[key{name, r.Kind, r.ID}] = true
		}
	}
	list := []view.Reference{}
	for _, r := range wanted {
		if gone[key{r.Provider, r.Kind, r.ID}] {
			list = append(list, r)
		}
	}
	return list, nil
}
