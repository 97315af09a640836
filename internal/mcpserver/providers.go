package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/internal/view"
)

// Provider is a provider instance as it is configured.
type Provider struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Enabled  bool   `json:"enabled"`
	Priority int    `json:"priority"` // lower comes first
	Default  bool   `json:"default"`  // launches the templates that name no provider
}

// Providers is a list of them.
type Providers struct {
	Providers []Provider `json:"providers"`
}

// Health is whether a provider lets us in.
type Health struct {
	Name     string `json:"name"`
	Healthy  bool   `json:"healthy"`
	Identity string `json:"identity,omitempty"`
	Error    string `json:"error,omitempty"`
}

// HealthList is that of several.
type HealthList struct {
	Providers []Health `json:"providers"`
}

// Refreshed is what a provider has learnt again.
type Refreshed struct {
	Name         string `json:"name"`
	MachineTypes int    `json:"machineTypes"`
}

// RefreshedList is that of several.
type RefreshedList struct {
	Providers []Refreshed `json:"providers"`
}

// ProviderConfig is how a provider instance is configured, without secrets.
type ProviderConfig struct {
	Provider

	Config           map[string]any `json:"config,omitempty"`
	TemplateDefaults map[string]any `json:"templateDefaults,omitempty"`
}

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
	Timeframe string `json:"timeframe,omitempty" jsonschema:"count requests made within this time, for example 1h or 168h; absent: 24h"`
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
			Description: "Show the settings of a provider instance. Secrets are left out.",
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

func listProviders(_ context.Context, c *call, _ nothingIn) (Providers, error) {
	return Providers{Providers: append([]Provider{}, c.Clouds.Providers()...)}, nil
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
func (c *call) instance(name string) (Provider, error) {
	for _, p := range c.Clouds.Providers() {
		if p.Name == name || name == "" && p.Default {
			return p, nil
		}
	}
	if name == "" {
		return Provider{}, noProvider()
	}
	return Provider{}, ohfp.Errorf(ohfp.ErrNotFound, "provider %s does not exist; see list_providers", name)
}

func noProvider() error {
	return ohfp.Errorf(ohfp.ErrInvalid, "no provider is enabled; add one to the configuration")
}

func providerHealth(ctx context.Context, c *call, in providerIn) (HealthList, error) {
	names, err := c.instances(in.Provider)
	if err != nil {
		return HealthList{}, err
	}
	list := HealthList{Providers: []Health{}}
	for _, name := range names {
		if _, err := c.instance(name); err != nil {
			return HealthList{}, err
		}
		health := Health{Name: name, Healthy: true}
		if health.Identity, err = c.Clouds.Health(ctx, name); err != nil {
			if ctx.Err() != nil {
				return HealthList{}, err
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

func refreshProvider(ctx context.Context, c *call, in providerIn) (RefreshedList, error) {
	names, err := c.instances(in.Provider)
	if err != nil {
		return RefreshedList{}, err
	}
	list := RefreshedList{Providers: []Refreshed{}}
	for i, name := range names {
		c.progress(ctx, i, len(names), "asking provider "+name)
		count, err := c.Clouds.Refresh(ctx, name)
		if err != nil {
			return RefreshedList{}, fmt.Errorf("refresh: %w", err)
		}
		list.Providers = append(list.Providers, Refreshed{Name: name, MachineTypes: count})
	}
	return list, nil
}

func providerConfig(_ context.Context, c *call, in providerConfigIn) (ProviderConfig, error) {
	p, err := c.instance(in.Provider)
	if err != nil {
		return ProviderConfig{}, err
	}
	shown := ProviderConfig{Provider: p}
	settings, _ := c.Config.Provider(p.Name)
	if len(settings.Config) > 0 {
		if err := json.Unmarshal(settings.Config, &shown.Config); err != nil {
			return ProviderConfig{}, fmt.Errorf("read the settings of provider %s: %w", p.Name, err)
		}
	}
	for name, value := range settings.TemplateDefaults {
		var field any
		if err := json.Unmarshal(value, &field); err != nil {
			return ProviderConfig{}, fmt.Errorf("read the template defaults of provider %s: %w", p.Name, err)
		}
		if shown.TemplateDefaults == nil {
			shown.TemplateDefaults = map[string]any{}
		}
		shown.TemplateDefaults[name] = field
	}
	mask(shown.Config)
	mask(shown.TemplateDefaults)
	return shown, nil
}

// mask hides what is named like a secret, at any depth.
func mask(value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			if secret(name) {
				value[name] = "***"
				continue
			}
			mask(inner)
		}
	case []any:
		for _, inner := range value {
			mask(inner)
		}
	}
}

func secret(name string) bool {
	name = strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(strings.ToLower(name))
	for _, word := range []string{"token", "secret", "password", "passphrase", "userdata", "privatekey", "apikey", "accesskey"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

func providerMetrics(ctx context.Context, c *call, in metricsIn) (view.ProviderMetricsList, error) {
	const usual = 24 * time.Hour
	within, err := duration("timeframe", in.Timeframe, usual)
	if err != nil {
		return view.ProviderMetricsList{}, err
	}
	if within <= 0 {
		return view.ProviderMetricsList{}, ohfp.Errorf(ohfp.ErrInvalid, "timeframe %s makes no sense; use a positive duration such as 24h", within)
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
