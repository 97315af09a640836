package app

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/events"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/store"
)

// What events cost a script's call where there is no daemon.
const (
	eventsEvery  = 10 * time.Second
	eventsWithin = 2 * time.Second
)

// delivery takes events to where the configuration says.
func delivery(cfg config.Config, records store.Store, id ohfp.InstallationID, now func() time.Time, log *slog.Logger) (*events.Delivery, error) {
	d := &events.Delivery{Store: records, Now: now, Log: log}
	for _, s := range cfg.Events.Sinks {
		if err := events.CheckKinds(s.Kinds); err != nil {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "events.sinks: %s: %w", s.Name, err)
		}
		f := events.Follower{Name: s.Name, Kinds: s.Kinds}
		switch s.Type {
		case config.SinkLog:
			f.Sink = events.Log{Log: log.With("sink", s.Name)}
		case config.SinkFile:
			f.Sink = events.File{Path: s.Path, MaxBytes: int64(s.MaxSizeMB) << 20, Keep: s.MaxRotate}
		case config.SinkWebhook:
			if err := events.CheckURL(s.URL); err != nil {
				return nil, ohfp.Errorf(ohfp.ErrInvalid, "events.sinks: %s: %w", s.Name, err)
			}
			f.Sink = events.Webhook{URL: s.URL, Secret: secretOf(s), Installation: id, Client: events.Client(), Now: now}
		}
		d.Followers = append(d.Followers, f)
	}
	return d, nil
}

// secretOf reads the secret of a webhook. One that is too short would sign nothing.
func secretOf(s config.Sink) func() ([]byte, error) {
	return func() ([]byte, error) {
		if s.SecretFile == "" {
			return []byte(s.Secret), nil
		}
		content, err := os.ReadFile(s.SecretFile)
		if err != nil {
			return nil, err
		}
		const least = 16
		if content = bytes.TrimSpace(content); len(content) < least {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "secret_file %s holds fewer than %d bytes; use a longer secret", s.SecretFile, least)
		}
		return content, nil
	}
}

// eventChore delivers events where no daemon does.
func eventChore(d *events.Delivery) reconcile.Chore {
	chore := reconcile.Chore{Name: "events", Run: func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, eventsWithin)
		defer cancel()
		return d.Deliver(ctx)
	}}
	if len(d.Followers) > 0 {
		chore.Every = eventsEvery
	}
	return chore
}
