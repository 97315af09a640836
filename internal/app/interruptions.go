package app

import (
	"context"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/provider"
)

// drainsLook is how often machines that wait to be drained are looked at. It is well below the half minute in which Host
// Factory asks what is taken back.
const drainsLook = 5 * time.Second

// interruptionChores are what whoever has time does about machines that are taken back.
func interruptionChores(cfg config.Interruptions, commands *command.Commands) []reconcile.Chore {
	poll := func(kind ohfp.NoticeKind) func(ctx context.Context) error {
		return func(ctx context.Context) error { return commands.PollInterruptions(ctx, kind) }
	}
	return []reconcile.Chore{
		{Name: "interruptions", Every: cfg.PollInterval, Run: poll(ohfp.NoticeSpot)},
		{Name: "maintenance", Every: cfg.MaintenanceInterval, Run: poll(ohfp.NoticeMaintenance)},
		{Name: "drains", Every: drainsLook, Run: commands.AdvanceDrains},
	}
}

// Watchers are what a daemon keeps running: what tells of its work, and one listener for each configured provider whose cloud tells by itself what
// it takes back. Disabled ones still have machines.
func (a *App) Watchers() []reconcile.Watcher {
	watchers := a.tellers()
	for _, instance := range a.Config.Providers {
		watchers = append(watchers, reconcile.Watcher{Name: "interruptions of " + instance.Name, Run: func(ctx context.Context) error {
			p, err := a.catalog.providers.Provider(ctx, instance.Name)
			if err != nil {
				return err
			}
			interrupter, ok := provider.As[provider.Interrupter](p)
			if !ok {
				return nil
			}
			return interrupter.Receive(ctx, func(ctx context.Context, notices []provider.Notice) error {
				_, err := a.Commands.NoticeMachines(ctx, command.NoticeMachines{Provider: instance.Name, Notices: notices})
				return err
			})
		}})
	}
	return watchers
}
