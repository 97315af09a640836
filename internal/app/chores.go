package app

import (
	"context"
	"time"

	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/internal/storage"
	"github.com/openhostfactory/ohfp/store"
)

// cleanEvery is how often it is looked for what nothing uses any more.
const cleanEvery = time.Hour

// chores lists the work that no request asks for.
func chores(c *command.Commands, cfg config.Config) []reconcile.Chore {
	list := []reconcile.Chore{eventChore(c.Events)}
	list = append(list, storageChores(c.Store, cfg.Storage, c.Now)...)
	if after := cfg.Cleaning.UnusedAfter; after > 0 {
		list = append(list, reconcile.Chore{Name: "launch-templates", Every: cleanEvery, Run: func(ctx context.Context) error {
			_, err := c.Clean(ctx, command.Clean{UnusedFor: after})
			return err
		}})
	}
	if c.Orphans.Watch {
		list = append(list, reconcile.Chore{Name: "orphans", Every: cfg.Orphans.Interval, Run: c.TendOrphans})
	}
	return append(list, interruptionChores(cfg.Interruptions, c)...)
}

// How often records are cleared away, and how often it is looked whether today's backup is there.
const (
	compactEvery = time.Hour
	backupEvery  = time.Hour
)

// storageChores keep the store small, and what it holds in another place too.
func storageChores(records store.Store, cfg config.Storage, now func() time.Time) []reconcile.Chore {
	var list []reconcile.Chore
	if cfg.Strategy == config.StrategyJSON && cfg.JSON.Backups > 0 {
		backups := storage.Backups{Store: records, Storage: cfg, Keep: cfg.JSON.Backups, Now: now}
		list = append(list, reconcile.Chore{Name: "backup", Every: backupEvery, Run: backups.Make})
	}
	if cfg.Retention > 0 {
		list = append(list, reconcile.Chore{Name: "retention", Every: compactEvery, Run: func(ctx context.Context) error {
			_, err := records.Compact(ctx, now().Add(-cfg.Retention))
			return err
		}})
	}
	return list
}
