package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/daemon"
	"github.com/openhostfactory/ohfp/internal/rest"
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

// firstAdmin is the name of the token that the first start off loopback makes, and of the file in the work directory.
const firstAdmin = "first-admin"

// restFace takes the place where calls over HTTP come in, and returns what answers them while the daemon runs.
func (p *program) restFace(ctx context.Context, a *app.App) (func(ctx context.Context, served daemon.Served) error, error) {
	cfg := a.Config
	listener, err := rest.Listen(ctx, cfg.API)
	if err != nil {
		return nil, err
	}
	tokens := access.Tokens{Memory: a.Commands.Store, Face: "rest", Now: time.Now}
	open := rest.Loopback(listener) && (!cfg.API.Tokens || cfg.API.SocketPath != "")
	if !open {
		if err := p.makeFirstAdmin(ctx, tokens, cfg.WorkDir); err != nil {
			return nil, errors.Join(err, listener.Close())
		}
	}
	if cfg.API.SocketPath != "" {
		p.note("REST on the socket %s", cfg.API.SocketPath)
	} else {
		p.note("REST at http://%s, described at /docs", listener.Addr())
	}
	if !rest.Loopback(listener) {
		p.note("tokens and answers travel unencrypted; put something that ends TLS in front of it")
	}
	return func(ctx context.Context, served daemon.Served) error {
		server := &rest.Server{
			Commands: served.Commands, Queries: a.Queries, Revision: a.Revision, Providers: restProviders{a}, Tokens: tokens, Memory: a.Commands.Store,
			Health: func() rest.Health {
				status := served.Status()
				return rest.Health{Ready: status.Ready, Live: status.Live, Problem: status.Problem}
			},
			Parse: parseTemplate, Check: func(ctx context.Context, t ohfp.Template) error {
				_, err := a.CheckTemplate(ctx, t)
				return err
			},
			Open: open, LocalRole: access.Role(cfg.Access.LocalRole), Budget: cfg.Requests.CallBudget,
			UnusedFor: cfg.Cleaning.UnusedAfter, Look: restLook, NewID: a.Commands.NewID, Now: time.Now, Log: a.Log,
		}
		return server.Serve(ctx, listener, cfg.Daemon.StopWithin)
	}, nil
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

// makeFirstAdmin makes a token for an administrator when there is none at all, and leaves it in a file for whoever
// installs the program.
func (p *program) makeFirstAdmin(ctx context.Context, tokens access.Tokens, workDir string) error {
	known, err := tokens.List(ctx)
	if err != nil || len(known) > 0 {
		return err
	}
	token, _, err := tokens.Create(ctx, firstAdmin, access.Admin, 0, "ohfp serve")
	if errors.Is(err, ohfp.ErrConflict) {
		return nil // another process was first
	}
	if err != nil {
		return err
	}
	path := filepath.Join(workDir, firstAdmin+".token")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = file.WriteString(token + "\n")
		err = errors.Join(err, file.Chmod(0o600), file.Close()) // it may have been there with other rights
	}
	if err != nil {
		return errors.Join(fmt.Errorf("leave the first token in %s: %w", path, err), tokens.Revoke(ctx, firstAdmin))
	}
	p.note("calls need a token; one for an administrator is in %s", path)
	return nil
}

// restProviders is the configured clouds as REST shows them.
type restProviders struct{ *app.App }

// Providers lists the configured provider instances.
func (p restProviders) Providers() []rest.Provider {
	list := []rest.Provider{}
	for _, instance := range p.App.Providers() {
		list = append(list, rest.Provider(instance))
	}
	return list
}

// References lists what the templates of a provider instance refer to.
func (p restProviders) References(ctx context.Context, name string) ([]rest.Reference, []string, error) {
	found, problems, err := p.App.References(ctx, name)
	list := make([]rest.Reference, 0, len(found))
	for _, r := range found {
		list = append(list, rest.Reference(r))
	}
	return list, problems, err
}

// Missing returns those of the references that their clouds do not have.
func (p restProviders) Missing(ctx context.Context, wanted []rest.Reference) ([]rest.Reference, error) {
	asked := make([]app.Reference, len(wanted))
	for i, r := range wanted {
		asked[i] = app.Reference(r)
	}
	missing, err := p.App.Missing(ctx, asked)
	list := make([]rest.Reference, 0, len(missing))
	for _, r := range missing {
		list = append(list, rest.Reference(r))
	}
	return list, err
}
