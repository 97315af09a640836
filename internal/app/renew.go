package app

import (
	"context"
	"fmt"

	"github.com/openhostfactory/ohfp/internal/config"
)

// Renew puts the program together again with a configuration that was read again, over the store, log and counters that
// are open. What cannot change while it runs stays as it is; restart names the settings that say otherwise, changed those
// that are different now. The renewed program serves once it takes over, until it is retired in its turn, and the first one
// is closed last.
func (a *App) Renew(ctx context.Context, next config.Config, o Options) (renewed *App, changed, restart []string, err error) {
	next, changed, restart = config.Reload(a.Config, next, SecretSetting(o.registry()))
	if err := Check(ctx, next, o.registry(), o.LookupEnv); err != nil {
		return nil, nil, nil, err
	}
	o.Running = a
	if renewed, err = Open(ctx, next, o); err != nil {
		return nil, nil, nil, fmt.Errorf("open what the configuration names: %w", err)
	}
	return renewed, changed, restart, nil
}

// TakeOver puts into use what a renewed program shares with the one before.
func (a *App) TakeOver() { a.level.Set(a.Config.Logging.Level) }

// Retire closes the providers, which is all that a program has for itself that another one was renewed from.
func (a *App) Retire() error {
	return a.catalog.providers.Close()
}
