package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/provider"
)

// SecretSetting says whether a provider type's own setting is shown to nobody. Of the defaults for templates it is user
// data, which no listing of templates shows either.
func SecretSetting(types provider.Registry) func(kind, name string) bool {
	return func(kind, name string) bool {
		if field, ok := strings.CutPrefix(name, config.TemplateDefaults); ok {
			return strings.HasPrefix(strings.ToLower(strings.ReplaceAll(field, "_", "")), "userdata")
		}
		for _, s := range types.Own(kind) {
			if s.Name == name {
				return s.Secret
			}
		}
		return false
	}
}

// Settings returns a setting, those of a section, or with an empty name all. Secrets are hidden.
func (a *App) Settings(name string) (config.Shown, error) {
	return a.Config.Show(SecretSetting(a.registry), name)
}

// ConfigSchema is the JSON Schema of configuration files.
func ConfigSchema(registry provider.Registry) map[string]any {
	types := map[string][]config.OwnSetting{}
	for kind := range registry {
		for _, s := range registry.Own(kind) {
			types[kind] = append(types[kind], config.OwnSetting{
				Name: s.Name, Kind: config.Kind(s.Kind), Default: s.Default, Words: s.Words, Description: s.Description,
			})
		}
	}
	return config.Schema(types)
}

// Check finds what is wrong with the settings that only the providers understand. It calls no cloud and no store.
func Check(ctx context.Context, cfg config.Config, types provider.Registry, lookup func(string) (string, bool)) error {
	providers := &instances{config: cfg, registry: types, env: provider.Environment{
		Log: slog.New(slog.DiscardHandler), Now: time.Now, ConfDir: cfg.ConfDir, LookupEnv: lookup,
	}}
	var problems []error
	for _, p := range cfg.Providers {
		if _, err := providers.Provider(ctx, p.Name); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", cfg.Origin("providers"), err))
		}
	}
	return errors.Join(append(problems, providers.Close())...)
}
