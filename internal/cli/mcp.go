package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/mcpserver"
	"github.com/openhostfactory/ohfp/internal/output"
)

func (p *program) mcpCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "mcp",
		Short: "Serve AI assistants",
		Long: `Serves AI assistants by the Model Context Protocol: they ask for machines, follow requests and give machines back with
the same rules, limits and roles as everybody else. What ends or removes something is planned first and done once it is
confirmed (the setting mcp.confirm).`,
		Example: `  ohfp mcp serve --stdio
  ohfp mcp tools list --format table`,
		GroupID: groupTools,
	})
	cmd.AddCommand(p.mcpServeCommand(), p.mcpToolsCommand(), p.mcpValidateCommand())
	return cmd
}

// assistants opens the program for the time of one command that serves assistants.
func (p *program) assistants(ctx context.Context, readOnly bool, do func(a *app.App, f *mcpserver.Face, caller access.Caller) error) error {
	return p.around(ctx, false, func(a *app.App) error {
		f := &mcpserver.Face{
			Commands: a.Commands, Queries: a.Queries, Clouds: clouds{a}, Settings: configuration{p, a}, Config: a.Config,
			ReadOnly: readOnly, Audit: a.Audit,
			Now: time.Now, Log: a.Log, Tokens: &mcpserver.Tokens{Now: time.Now},
			Telemetry: a.Telemetry, Counted: a.Figures.Counted,
		}
		return do(a, f, access.Caller{Name: p.caller(), Face: "mcp", Role: access.Role(a.Config.Access.LocalRole)})
	})
}

// mcpServe is what mcp serve was asked.
type mcpServe struct {
	Stdio     bool
	Host      string
	Port      int
	Transport string
	ReadOnly  bool
}

func (p *program) mcpServeCommand() *cobra.Command {
	var in mcpServe
	cmd := &cobra.Command{
		Use:   "serve [--stdio | --port PORT]",
		Short: "Serve assistants until stopped",
		Long: `Serves the assistant that has started it over standard input and output, until that ends; nothing but messages of the
protocol is written to standard output. Or it serves assistants over a port until it is told to stop:
by streamable HTTP at /mcp, or with --transport tcp by a message on each line. The log goes to its file, and with
--log-level to standard error.

It works on the same records as scripts, commands and a daemon, beside them. With --read-only nothing changes.
On this machine callers are not asked who they are, unless the configuration says so, and may do what the setting
access.local_role says. On another address each call needs a token or certificate, whose role says what it may do;
when there is none yet, the first start makes a token for an administrator and says where. See docs/security.md.`,
		Example: `  ohfp mcp serve --stdio
  ohfp mcp serve --stdio --read-only --log-level DEBUG
  ohfp mcp serve --port 3000 --host localhost
  ohfp mcp serve --port 3000 --host 0.0.0.0
  ohfp mcp serve --port 3000 --transport tcp`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := in.check(cmd); err != nil {
				return err
			}
			return p.assistants(cmd.Context(), in.ReadOnly, func(a *app.App, f *mcpserver.Face, caller access.Caller) error {
				if in.Stdio {
					return f.ServeLines(cmd.Context(), p.in, p.out, caller)
				}
				return p.serveAssistants(cmd.Context(), a, f, caller, in)
			})
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&in.Stdio, "stdio", false, "over standard input and output")
	flags.IntVar(&in.Port, "port", 3000, "over this port; 0 is a free one")
	flags.StringVar(&in.Host, "host", "localhost", "the name or address of this machine that the port is opened on")
	flags.StringVar(&in.Transport, "transport", mcpserver.TransportHTTP, "how messages go over the port: http or tcp")
	flags.BoolVar(&in.ReadOnly, "read-only", false, "refuse tools that change something")
	complete(cmd, "transport", mcpserver.TransportHTTP, mcpserver.TransportTCP)
	return cmd
}

func (in mcpServe) check(cmd *cobra.Command) error {
	for _, name := range []string{"port", "host", "transport"} {
		if in.Stdio && cmd.Flags().Changed(name) {
			return usageErrorf("--%s is about a port; leave it out with --stdio", name)
		}
	}
	if in.Port < 0 || in.Port > 65535 {
		return usageErrorf("--port %d is no port; use 1 to 65535, or 0 for a free one", in.Port)
	}
	if in.Transport != mcpserver.TransportHTTP && in.Transport != mcpserver.TransportTCP {
		return usageErrorf("--transport %q makes no sense; use %s or %s", in.Transport, mcpserver.TransportHTTP, mcpserver.TransportTCP)
	}
	return nil
}

func (p *program) serveAssistants(ctx context.Context, a *app.App, f *mcpserver.Face, caller access.Caller, in mcpServe) error {
	listener, err := mcpserver.Listen(ctx, in.Host, in.Port)
	if err != nil {
		return err
	}
	g, err := p.gate(ctx, a, "mcp", listener)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	g.Local.Name = caller.Name
	if in.Transport == mcpserver.TransportTCP {
		if !g.Open {
			return errors.Join(ohfp.Errorf(ohfp.ErrInvalid, "nobody can be asked who they are over lines of TCP, so they are for this machine alone, where callers need no token; use --transport http"), listener.Close())
		}
		p.note("serving assistants on tcp://%s; stop it with SIGTERM or Ctrl-C", place(in.Host, listener))
		return f.ServeTCP(ctx, listener, caller)
	}
	p.note("serving assistants on %s://%s/mcp; stop it with SIGTERM or Ctrl-C", scheme(g), place(in.Host, listener))
	return f.ServeHTTP(ctx, listener, g)
}

// validationCheck is one thing that was tried.
type validationCheck struct {
	Check   string `json:"check"`
	Status  string `json:"status"` // ok or failed
	Details string `json:"details,omitempty"`
}

type mcpValidation struct {
	Valid  bool              `json:"valid"`
	Checks []validationCheck `json:"checks"`
}

func (p *program) mcpValidateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate",
		Short: "Try whether assistants can be served",
		Long: `Reads the configuration, opens the records, lists templates, and begins a session as an assistant would. It asks no
cloud. The exit code is 1 when something failed.`,
		Example: "  ohfp mcp validate --format table",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := mcpValidation{Valid: true, Checks: []validationCheck{}}
			tried := func(check, details string, err error) {
				status := "ok"
				if err != nil {
					status, details, v.Valid = "failed", err.Error(), false
				}
				v.Checks = append(v.Checks, validationCheck{Check: check, Status: status, Details: details})
			}
			opened := false
			err := p.assistants(cmd.Context(), false, func(_ *app.App, f *mcpserver.Face, caller access.Caller) error {
				opened = true
				tried("configuration", fmt.Sprintf("%s; assistants have the role %s", ohfp.Count(len(f.Config.Providers), "provider"), caller.Role), nil)
				templates, problems, err := f.Queries.TemplateList(cmd.Context())
				if err == nil && len(problems) > 0 {
					err = errors.New(problems[0])
				}
				tried("templates", ohfp.Count(len(templates), "template"), err)
				offer, err := f.Try(cmd.Context(), caller)
				tried("session", offer.String(), err)
				return nil
			})
			if err != nil && opened {
				return err
			}
			if !opened {
				tried("configuration", "", err)
			}
			if err := p.show(v, output.Layout{Records: "checks", Columns: []output.Column{{Key: "check"}, {Key: "status"}, {Key: "details"}}}); err != nil {
				return err
			}
			if !v.Valid {
				return exitError{code: exitFailure}
			}
			return nil
		},
	}
}
