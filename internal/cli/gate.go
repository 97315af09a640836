package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/gate"
	"github.com/openhostfactory/ohfp/internal/rest"
)

// firstAdmin is the name of the token that the first start makes where callers need one, and of the file in the work
// directory.
const firstAdmin = "first-admin"

// gate is what stands before a face that answers over HTTP on the listener. Callers are recognised, except on a socket that
// only this user may open, and on loopback when the configuration names no way to recognise them.
func (p *program) gate(ctx context.Context, a *app.App, face string, listener net.Listener) (*gate.Gate, error) {
	g, err := a.Gate(face)
	if err != nil {
		return nil, err
	}
	cfg := a.Config
	_, g.Socket = listener.Addr().(*net.UnixAddr)
	if g.Socket {
		g.TLS, g.Open, g.Local.Name = nil, true, p.caller() // unless the system tells who it is: root may open it too
		return g, nil
	}
	// A proxy on this machine calls in the name of others.
	g.Open = rest.Loopback(listener) && !cfg.API.Tokens && !app.Authenticates(cfg) && len(g.Proxies) == 0
	if !g.Open && !app.Authenticates(cfg) {
		if err := p.makeFirstAdmin(ctx, a); err != nil {
			return nil, err
		}
	}
	if !rest.Loopback(listener) && g.TLS == nil {
		p.note("tokens and answers travel unencrypted; set api.tls, or put something that ends TLS in front of it")
	}
	return g, nil
}

// scheme is how addresses behind a gate begin.
func scheme(g *gate.Gate) string {
	if g.TLS != nil {
		return "https"
	}
	return "http"
}

// place is where a listener is reached, with the host as it is configured: the system calls 0.0.0.0 [::].
func place(host string, listener net.Listener) string {
	if at, ok := listener.Addr().(*net.TCPAddr); ok && host != "" {
		return net.JoinHostPort(host, strconv.Itoa(at.Port))
	}
	return listener.Addr().String()
}

// makeFirstAdmin makes a token for an administrator when there is none at all, and leaves it in a file for whoever
// installs the program. The audit log has it like any other token.
func (p *program) makeFirstAdmin(ctx context.Context, a *app.App) error {
	tokens := a.Tokens()
	known, err := tokens.List(ctx)
	if err != nil || len(known) > 0 {
		return err
	}
	token, _, err := tokens.Create(ctx, firstAdmin, access.Admin, 0, "ohfp serve")
	if errors.Is(err, ohfp.ErrConflict) {
		return nil // another process was first
	}
	record := a.Audit.Begin(access.Caller{Name: p.caller(), Face: "cli", Role: access.Admin}, audit.Local, "auth.token.create")
	record.About(firstAdmin)
	path := filepath.Join(a.Config.WorkDir, firstAdmin+".token")
	if err == nil {
		if err = leave(path, token); err != nil {
			err = errors.Join(fmt.Errorf("leave the first token in %s: %w", path, err), tokens.Revoke(ctx, firstAdmin))
		}
	}
	record.End(ctx, err)
	if err != nil {
		return err
	}
	p.note("calls need a token; one for an administrator is in %s", path)
	return nil
}

// leave writes a token into a file that only its owner may read.
func leave(path, token string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = file.Chmod(0o600) // it may have been there with other rights
	if err == nil {
		_, err = file.WriteString(token + "\n")
	}
	return errors.Join(err, file.Close())
}
