package cli

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/daemon"
	"github.com/openhostfactory/ohfp/internal/figures"
	"github.com/openhostfactory/ohfp/internal/gate"
	"github.com/openhostfactory/ohfp/internal/rest"
	"github.com/openhostfactory/ohfp/internal/storage"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/internal/view"
	"github.com/openhostfactory/ohfp/store"
)

// serveAt is where the command line wants REST.
type serveAt struct {
	Host   string
	Port   int
	Socket string
}

func (at *serveAt) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&at.Host, "host", "", "answer over HTTP at this `ADDRESS` (default: the setting api.host, 127.0.0.1)")
	flags.IntVar(&at.Port, "port", 0, "answer over HTTP at this port, 0 for any that is free (default: the setting api.port, 8000)")
	flags.StringVar(&at.Socket, "socket-path", "", "answer over HTTP on this Unix socket instead (default: the setting api.socket_path)")
}

// settings are those that were given.
func (at *serveAt) settings(cmd *cobra.Command) map[string]string {
	settings := map[string]string{}
	for flag, setting := range map[string][2]string{
		"host": {"api.host", at.Host}, "port": {"api.port", strconv.Itoa(at.Port)}, "socket-path": {"api.socket_path", at.Socket},
	} {
		if cmd.Flags().Changed(flag) {
			settings[setting[0]], settings["api.enabled"] = setting[1], "true"
		}
	}
	return settings
}

// restLook is how often streams look for what is new. A second is how often the daemon looks at the cloud.
const restLook = 500 * time.Millisecond

// restFace is REST while the daemon runs.
type restFace struct {
	listener net.Listener
	gate     func(a *app.App) (*gate.Gate, error) // finds out who calls

	mutex  sync.Mutex
	app    *app.App // that answers
	first  *gate.Gate
	server *rest.Server
	ctx    context.Context
}

// restFace takes the place where calls over HTTP come in.
func (p *program) restFace(ctx context.Context, a *app.App) (*restFace, error) {
	cfg := a.Config
	listener, err := rest.Listen(ctx, cfg.API)
	if err != nil {
		return nil, err
	}
	g, err := p.gate(ctx, a, "rest", listener)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if cfg.API.SocketPath != "" {
		p.note("REST on the socket %s", cfg.API.SocketPath)
	} else {
		p.note("REST at %s://%s, described at /docs", scheme(g), place(cfg.API.Host, listener))
	}
	return &restFace{listener: listener, first: g, app: a, gate: func(a *app.App) (*gate.Gate, error) {
		return p.gate(ctx, a, "rest", listener)
	}}, nil
}

// serve answers until ctx ends.
func (f *restFace) serve(ctx context.Context, served daemon.Served) error {
	f.mutex.Lock()
	f.server, f.ctx = serverOf(f.app, f.first, served), ctx
	server, patience := f.server, f.app.Config.Daemon.StopWithin
	f.mutex.Unlock()
	return server.Serve(ctx, f.listener, patience)
}

// use lets another program answer the calls that come from now on.
func (f *restFace) use(next *app.App) (func(served daemon.Served), error) {
	g, err := f.gate(next)
	if err != nil {
		return nil, err
	}
	return func(served daemon.Served) {
		f.mutex.Lock()
		defer f.mutex.Unlock()
		f.app, f.first = next, g
		if f.server == nil {
			return // it begins with this one
		}
		if err := f.server.Replace(f.ctx, serverOf(next, g, served)); err != nil {
			next.Log.ErrorContext(f.ctx, "REST goes on with the configuration before", "error", err)
		}
	}, nil
}

// serverOf is what answers over a program.
func serverOf(a *app.App, g *gate.Gate, served daemon.Served) *rest.Server {
	cfg := a.Config
	return &rest.Server{
		Commands: served.Commands, Queries: a.Queries, Revision: a.Revision, Providers: a, Settings: a, Templates: a,
		Storage: keeperOf(a), Gate: g, Audit: a.Audit, Memory: a.Commands.Store,
		Health: func() rest.Health {
			status := served.Status()
			return rest.Health{Ready: status.Ready, Live: status.Live, Problem: status.Problem}
		},
		Parse: parseTemplate, Judge: func(ctx context.Context, t ohfp.Template, online bool) (view.TemplateVerdict, error) {
			return a.Judge(ctx, app.WrittenTemplate{Template: t}, online)
		},
		Budget: cfg.Requests.CallBudget, UnusedFor: cfg.Cleaning.UnusedAfter, Look: restLook, MaxStreams: cfg.API.MaxStreams, NewID: a.Commands.NewID, Now: time.Now,
		Log: a.Log, Watched: watched(a, served),
	}
}

// keeperOf is a keeper of the store that the program has open.
func keeperOf(a *app.App) storage.Keeper {
	return storage.Keeper{
		Storage: a.Config.Storage, Now: time.Now,
		Open: func(ctx context.Context, at config.Storage) (store.Store, error) {
			if at != a.Config.Storage { // a place to try where the store would be, had nobody removed it
				return app.OpenStore(ctx, at, app.Options{Now: time.Now})
			}
			return opened{a.Commands.Store}, nil
		},
	}
}

// opened is a store that its owner closes.
type opened struct{ store.Store }

// Close leaves it open.
func (opened) Close() error { return nil }

// watched is what REST tells those who watch over the program.
func watched(a *app.App, served daemon.Served) rest.Watched {
	return rest.Watched{
		Telemetry: a.Telemetry, Counted: a.Figures.Counted,
		Figures: func(ctx context.Context) (telemetry.Tally, error) {
			t, err := a.Figures.Gather(ctx)
			if err == nil {
				daemonFigures(t, served.Status(), time.Now())
			}
			return t, err
		},
		Status: func() api.SystemStatus {
			s := served.Status()
			told := api.SystemStatus{
				Ready: s.Ready, Live: s.Live, PID: s.PID, Version: s.Version, StartedAt: s.StartedAt, Conf: s.Conf, Work: s.Work,
				Rounds: s.Rounds, UnderWay: s.UnderWay, Problem: s.Problem,
			}
			if s.LookedAt != nil {
				told.LookedAt = *s.LookedAt
			}
			if s.DrivenAt != nil {
				told.DrivenAt = *s.DrivenAt
			}
			return told
		},
		Checks: func(ctx context.Context) figures.HealthReport { return a.Figures.Health(ctx, a.Commands.Store) },
		Reload: func(ctx context.Context) (api.Reloaded, error) {
			done, err := served.Reload(ctx)
			return api.Reloaded(done), err
		},
	}
}

// parseTemplate reads the one template of a document.
func parseTemplate(document []byte) (ohfp.Template, error) {
	list, err := parseTemplates("the body", document)
	switch {
	case err != nil:
		return ohfp.Template{}, err
	case len(list) != 1:
		return ohfp.Template{}, ohfp.Errorf(ohfp.ErrInvalid, "the body holds %d templates; give one", len(list))
	default:
		return list[0].Template, nil
	}
}
