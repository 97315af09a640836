package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/internal/view"
)

type providerIn struct {
	Provider string `json:"provider_name,omitempty" jsonschema:"name of the provider instance, see list_providers; absent: all that are enabled"`
}

type policyIn struct {
	Provider string   `json:"provider_name,omitempty" jsonschema:"name of the provider instance; absent: the default one"`
	Features []string `json:"features,omitempty" jsonschema:"only what these features need; absent: all"`
}

type providerConfigIn struct {
	Provider string `json:"provider_name,omitempty" jsonschema:"name of the provider instance; absent: the default one"`
}

type metricsIn struct {
	Provider  string `json:"provider_name,omitempty" jsonschema:"name of the provider instance; absent: all"`
	Timeframe string `json:"timeframe,omitempty" jsonschema:"count requests made within this time, for example 1h or 7d; absent: 24h"`
}

func providerTools() []tool {
	return []tool{
		define(tool{
			Name: "list_providers", Title: "List providers", Offline: true,
			Description: "List the configured provider instances: the clouds, or parts of them, that machines come from.",
		}, listProviders),
		define(tool{
			Name: "check_provider_health", Title: "Check a provider",
			Description: "Make a cheap call to the cloud of a provider, or of all enabled ones, and tell whether it works and as whom.",
		}, providerHealth),
		define(tool{
			Name: "get_provider_config", Title: "Show how a provider is configured", Offline: true,
			Description: "Show the settings of a provider instance, each with where it comes from. What its type declares secret is shown as ***.",
		}, providerConfig),
		define(tool{
			Name: "get_provider_metrics", Title: "Count what a provider has done", Offline: true,
			Description: "Count the requests of a provider instance within a time by their status, what they asked for and got, and what the " +
				"provider holds now with its estimated cost; and how all calls to its cloud went: errors, throttling, latency. It asks no cloud.",
		}, providerMetrics),
		define(tool{
			Name: "get_iam_policy", Title: "Show the permissions that a provider needs", Offline: true,
			Description: "Show the least policy that the identity of a provider needs, in the cloud's own format.",
		}, iamPolicy),
		define(tool{
			Name: "refresh_provider", Title: "Ask the cloud again for what was learnt", Idempotent: true,
			Description: "Forget resolved images and read machine types and prices anew, of one provider or of all enabled ones.",
		}, refreshProvider),
	}
}

func listProviders(_ context.Context, c *call, _ nothingIn) (view.Providers, error) {
	return view.Providers{Providers: append([]view.Provider{}, c.Clouds.Providers()...)}, nil
}

// instances are the one that is named, or all that are enabled.
func (c *call) instances(name string) ([]string, error) {
	if name != "" {
		return []string{name}, nil
	}
	var names []string
	for _, p := range c.Clouds.Providers() {
		if p.Enabled {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return nil, noProvider()
	}
	return names, nil
}

// instance is the one that is named, or the default one.
func (c *call) instance(name string) (view.Provider, error) {
	for _, p := range c.Clouds.Providers() {
		if p.Name == name || name == "" && p.Default {
			return p, nil
		}
	}
	if name == "" {
		return view.Provider{}, noProvider()
	}
	return view.Provider{}, ohfp.Errorf(ohfp.ErrNotFound, "provider %s does not exist; see list_providers", name)
}

func noProvider() error {
	return ohfp.Errorf(ohfp.ErrInvalid, "no provider is enabled; add one to the configuration")
}

func providerHealth(ctx context.Context, c *call, in providerIn) (view.ProvidersHealth, error) {
	names, err := c.instances(in.Provider)
	if err != nil {
		return view.ProvidersHealth{}, err
	}
	list := view.ProvidersHealth{Providers: []view.ProviderHealth{}}
	for _, name := range names {
		if _, err := c.instance(name); err != nil {
			return view.ProvidersHealth{}, err
		}
		health := view.ProviderHealth{Name: name, Healthy: true}
		if health.Identity, err = c.Clouds.Health(ctx, name); err != nil {
			if ctx.Err() != nil {
				return view.ProvidersHealth{}, err
			}
			health.Healthy, health.Error = false, err.Error()
		}
		list.Providers = append(list.Providers, health)
	}
	return list, nil
}

func iamPolicy(ctx context.Context, c *call, in policyIn) (map[string]any, error) {
	p, err := c.instance(in.Provider)
	if err != nil {
		return nil, err
	}
	text, err := c.Clouds.Policy(ctx, p.Name, in.Features)
	if err != nil {
		return nil, err
	}
	var policy map[string]any
	if err := json.Unmarshal(text, &policy); err != nil {
		return nil, fmt.Errorf("read the policy of provider %s: %w", p.Name, err)
	}
	return policy, nil
}

func refreshProvider(ctx context.Context, c *call, in providerIn) (view.ProvidersRefresh, error) {
	names, err := c.instances(in.Provider)
	if err != nil {
		return view.ProvidersRefresh{}, err
	}
	list := view.ProvidersRefresh{Providers: []view.ProviderRefresh{}}
	for i, name := range names {
		c.progress(ctx, i, len(names), "asking provider "+name)
		count, err := c.Clouds.Refresh(ctx, name)
		if err != nil {
			return view.ProvidersRefresh{}, fmt.Errorf("refresh: %w", err)
		}
		list.Providers = append(list.Providers, view.ProviderRefresh{Name: name, MachineTypes: count})
	}
	return list, nil
}

func providerConfig(_ context.Context, c *call, in providerConfigIn) (config.Shown, error) {
	p, err := c.instance(in.Provider)
	if err != nil {
		return config.Shown{}, err
	}
	return c.Settings.Show("providers[" + p.Name + "]")
}

func providerMetrics(ctx context.Context, c *call, in metricsIn) (view.ProviderMetricsList, error) {
	const usual = 24 * time.Hour
	within, err := duration("timeframe", in.Timeframe, usual)
	if err != nil {
		return view.ProviderMetricsList{}, err
	}
	if within <= 0 {
		return view.ProviderMetricsList{}, ohfp.Errorf(ohfp.ErrInvalid, "timeframe %s makes no sense; use a positive duration such as 24h", ohfp.FormatDuration(within))
	}
	since := c.Now().Add(-within)
	requests, err := c.Queries.Requests(ctx, query.RequestFilter{Type: ohfp.TypeAcquire, Machines: true})
	if err != nil {
		return view.ProviderMetricsList{}, err
	}
	held, err := c.Queries.Usage(ctx, query.UsageByProvider)
	if err != nil {
		return view.ProviderMetricsList{}, err
	}
	if in.Provider != "" {
		if _, err := c.instance(in.Provider); err != nil {
			return view.ProviderMetricsList{}, err
		}
	}
	var counted telemetry.Tally
	if c.Counted != nil {
		if counted, err = c.Counted(ctx); err != nil {
			return view.ProviderMetricsList{}, err
		}
	}
	var names []string
	for _, p := range c.Clouds.Providers() {
		if in.Provider == "" || p.Name == in.Provider {
			names = append(names, p.Name)
		}
	}
	return view.NewProviderMetrics(names, requests, held, counted, since), nil
}
