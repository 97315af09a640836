package events

import (
	"context"
	"log/slog"

	"github.com/openhostfactory/ohfp"
)

// Log writes a line of the program's log for each event.
type Log struct{ Log *slog.Logger }

var _ Sink = Log{}

// Deliver logs the events.
func (l Log) Deliver(ctx context.Context, batch []ohfp.Event) error {
	for _, e := range batch {
		attributes := []slog.Attr{slog.Int64("sequence", e.Sequence), slog.Time("at", e.At), slog.String("kind", string(e.Kind))}
		for _, field := range []struct{ name, value string }{
			{"request", string(e.Request)},
			{"machine", string(e.Machine)},
			{"template", string(e.Template)},
			{"provider", e.Provider},
			{"actor", e.Actor},
			{"message", e.Message},
			{"code", e.Code},
			{"cloud_request", e.CloudRequest},
		} {
			if field.value != "" {
				attributes = append(attributes, slog.String(field.name, field.value))
			}
		}
		l.Log.LogAttrs(ctx, slog.LevelInfo, "event", attributes...)
	}
	return nil
}
