package daemon

import (
	"context"
	"errors"
	"net"
)

// Notifier returns what tells systemd how the daemon is, or nil when it does not want to know. A name that begins with @
// is in Linux's abstract namespace, which the net package writes the same way.
func Notifier(lookupEnv func(string) (string, bool)) func(ctx context.Context, state string) error {
	path, ok := lookupEnv("NOTIFY_SOCKET")
	if !ok || path == "" {
		return nil
	}
	return func(ctx context.Context, state string) error {
		var dialer net.Dialer
		connection, err := dialer.DialContext(context.WithoutCancel(ctx), "unixgram", path)
		if err != nil {
			return err
		}
		_, err = connection.Write([]byte(state))
		return errors.Join(err, connection.Close())
	}
}

func (d *Daemon) notify(ctx context.Context, state string) {
	if d.Notify == nil {
		return
	}
	if err := d.Notify(ctx, state); err != nil {
		d.Log.WarnContext(ctx, "the service manager cannot be told", "state", state, "error", err)
	}
}
