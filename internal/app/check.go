package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws"
)

// ownSettings describes the settings of each provider type.
func ownSettings() map[string][]provider.Setting {
	return map[string][]provider.Setting{"aws": aws.Settings()}
}

// SecretSetting says whether a provider type's own setting is shown to nobody.
func SecretSetting(kind, name string) bool {
	for _, s := range ownSettings()[kind] {
		if s.Name == name {
			return s.Secret
		}
	}
	return false
}

// ConfigSchema is the JSON Schema of configuration files.
func ConfigSchema() map[string]any {
	types := map[string][]config.OwnSetting{}
	for kind, settings := range ownSettings() {
		for _, s := range settings {
			types[kind] = append(types[kind], config.OwnSetting{
				Name: s.Name, Kind: config.Kind(s.Kind), Default: s.Default, Words: s.Words, Description: s.Description,
			})
		}
	}
	return config.Schema(types)
}

// Check finds what is wrong with the settings that only the providers understand. It calls no cloud and no store.
func Check(ctx context.Context, cfg config.Config, lookup func(string) (string, bool)) error {
	providers := &instances{config: cfg, registry: Registry(), env: provider.Environment{
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
