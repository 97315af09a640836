package app

import (
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
)

func orphanPolicy(cfg config.Config) command.OrphanPolicy {
	return command.OrphanPolicy{
		Watch: cfg.Orphans.Policy != config.OrphansOff, Collect: cfg.Orphans.Policy == config.OrphansTerminate,
		Quarantine: cfg.Orphans.Quarantine, MinAge: cfg.Orphans.MinAge, Interval: cfg.Orphans.Interval, MaxShare: cfg.Orphans.MaxShare,
	}
}

// providerNames are all provider instances, also those that take no new requests: they may have machines.
func providerNames(cfg config.Config) []string {
	names := make([]string, len(cfg.Providers))
	for i, p := range cfg.Providers {
		names[i] = p.Name
	}
	return names
}
