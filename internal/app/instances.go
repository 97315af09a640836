package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/guard"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/provider"
)

// instances opens the configured providers, each at its first use.
type instances struct {
	config   config.Config
	registry provider.Registry
	// telemetry counts what is asked of them; nil: nobody does.
	telemetry *telemetry.Instruments
	env       provider.Environment

	mu   sync.Mutex
	open map[string]provider.Provider
}

// Provider returns the provider instance of that name. One that is disabled still serves the requests that it has.
func (i *instances) Provider(ctx context.Context, name string) (provider.Provider, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if p, ok := i.open[name]; ok {
		return p, nil
	}
	cfg, ok := i.config.Provider(name)
	if !ok {
		return nil, ohfp.Errorf(ohfp.ErrUnavailable, "provider %s is not configured; its machines cannot be reached until it is", name)
	}
	env := i.env
	env.Name = name
	env.Log = env.Log.With("provider", name)
	env.Unpaced = !i.config.Resilience.Pacing
	if i.telemetry != nil {
		env.Called = guard.Called(name, i.telemetry)
	}
	env.Defaults = maps.Clone(i.config.ProviderDefaults[cfg.Type])
	if env.Defaults == nil {
		env.Defaults = map[string]json.RawMessage{}
	}
	maps.Copy(env.Defaults, cfg.TemplateDefaults)
	p, err := i.registry.Open(ctx, cfg.Type, cfg.Config, env)
	if err != nil {
		return nil, fmt.Errorf("open provider %s: %w", name, err)
	}
	if i.open == nil {
		i.open = map[string]provider.Provider{}
	}
	p = i.guarded(name, p)
	i.open[name] = p
	return p, nil
}

// guarded puts the decorators around a provider, the outermost last. Optional capabilities stay reachable by provider.As.
func (i *instances) guarded(name string, p provider.Provider) provider.Provider {
	if i.telemetry != nil {
		p = &guard.Measured{Provider: p, Name: name, With: i.telemetry}
	}
	if breaker := i.config.Resilience.Breaker; breaker.Enabled {
		p = &guard.Breaker{
			Provider: p, Name: name, Memory: i.env.Memory, Now: i.env.Now, Log: i.env.Log.With("provider", name),
			Failures: breaker.Failures, OpenFor: breaker.OpenFor,
		}
	}
	return p
}

// Close closes the providers that were opened.
func (i *instances) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	var problems []error
	for _, p := range i.open {
		problems = append(problems, p.Close())
	}
	i.open = nil
	return errors.Join(problems...)
}
