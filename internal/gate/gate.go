// Package gate stands before whatever answers over HTTP: it finds out who calls and from where, keeps strange pages and
// names out, bounds how fast each caller may call, and tells browsers what they may do with answers.
// It refuses to decide what a caller may do, which the table of package access says, and to answer anything itself but
// refusals.
package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/peer"
)

// Bearers recognises callers by what they send.
type Bearers interface {
	// Recognise returns the caller of a token, or [ohfp.ErrDenied].
	Recognise(ctx context.Context, token string) (access.Caller, error)
}

// Refusal is why a call does not get through.
type Refusal struct {
	Status int
	Code   string // unauthenticated, denied, throttled or unavailable
	Detail string // a sentence
}

// Gate stands before a face. Face, Bearers, Refuse and Now are required.
type Gate struct {
	Face         string
	Bearers      Bearers
	Certificates *access.Certificates // of callers; nil: they are not looked at
	Open         bool                 // callers need not be recognised: only where nobody but this machine reaches the listener
	Local        access.Caller        // who callers are who need not be recognised, but for the name where the system tells it
	Socket       bool                 // callers come through a Unix socket, which no page in a browser reaches
	TLS          *tls.Config          // nil: answers are not encrypted

	Public  func(path string) bool // what answers anybody, for those who watch over processes; nil: nothing
	Origins []string               // of pages that may call, such as https://example.com
	Proxies []netip.Prefix         // which may say for whom they call
	Limit   Limit                  // of each caller who is recognised
	Misses  Limit                  // of each address whose callers are not; of IPv6, of each network of one customer
	Audit   *audit.Log             // of who was not recognised; nil: none
	Now     func() time.Time

	// Refuse answers with a refusal. Headers are set already.
	Refuse func(w http.ResponseWriter, r *http.Request, refusal Refusal)

	calls, misses paces
}

// Wrap is the whole of it, from the outside to the inside.
func (g *Gate) Wrap(next http.Handler) http.Handler {
	return g.headers(g.strangers(g.identify(g.slow(next))))
}

// visit is what the context of a call has of who makes it.
type visit struct {
	caller access.Caller
	from   string
}

type visitKey struct{}

// CallerOf is who makes a call.
func CallerOf(ctx context.Context) access.Caller {
	v, _ := ctx.Value(visitKey{}).(visit)
	return v.caller
}

// peerKey is where the context of a connection through a Unix socket has who made it.
type peerKey struct{}

// Connected notes who is at the other end of a Unix socket: the ConnContext of whatever serves through one. Elsewhere it notes nothing.
func Connected(ctx context.Context, connection net.Conn) context.Context {
	socket, ok := connection.(*net.UnixConn)
	if !ok {
		return ctx
	}
	who, err := peer.Of(socket)
	if err != nil {
		return ctx // whoever it is, the socket's rights let them in
	}
	return context.WithValue(ctx, peerKey{}, who.Name())
}

// FromOf is where a call comes from.
func FromOf(ctx context.Context) string {
	v, _ := ctx.Value(visitKey{}).(visit)
	return v.from
}

// headers tell browsers what they may do with answers.
func (g *Gate) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "+
			"img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000") // a year
		}
		next.ServeHTTP(w, r)
	})
}

// identify finds out who calls. Who sends something is recognised by it or refused, also where nothing is needed.
func (g *Gate) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.Public != nil && g.Public(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		from := g.from(r)
		if !g.misses.may(g.Misses, network(from), g.Now()) {
			g.tooFast(w, r, "too many calls from "+from+" were not recognised; wait a moment")
			return
		}
		caller, err := g.recognise(r)
		switch {
		case errors.Is(err, ohfp.ErrDenied):
			g.misses.take(g.Misses, network(from), g.Now())
			g.Audit.Begin(access.Caller{Face: g.Face}, from, audit.Authenticate).Refuse(r.Context(), err.Error())
			w.Header().Set("WWW-Authenticate", `Bearer realm="ohfp"`)
			w.Header().Add("WWW-Authenticate", `Basic realm="ohfp", charset="UTF-8"`)
			g.Refuse(w, r, Refusal{http.StatusUnauthorized, "unauthenticated", err.Error()})
		case err != nil:
			g.Refuse(w, r, Refusal{http.StatusServiceUnavailable, "unavailable", sentence(err)})
		default:
			caller.Face = g.Face
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitKey{}, visit{caller, from})))
		}
	})
}

// sentence is what a caller may read of an error.
func sentence(err error) string {
	if ohfp.KindOf(err) == nil {
		return "who calls cannot be found out just now; try again"
	}
	return err.Error()
}

func (g *Gate) recognise(r *http.Request) (access.Caller, error) {
	token, sent := Credential(r)
	switch {
	case sent:
		return g.Bearers.Recognise(r.Context(), token)
	case g.Certificates != nil && r.TLS != nil && len(r.TLS.VerifiedChains) > 0:
		return g.Certificates.Recognise(r.TLS.VerifiedChains[0][0])
	case g.Open:
		caller := g.Local
		if name, known := r.Context().Value(peerKey{}).(string); known {
			caller.Name = name
		}
		return caller, nil
	default:
		return access.Caller{}, ohfp.Errorf(ohfp.ErrDenied, "this call needs a token; send Authorization: Bearer TOKEN, made by ohfp auth token create")
	}
}

func (g *Gate) tooFast(w http.ResponseWriter, r *http.Request, detail string) {
	w.Header().Set("Retry-After", "1")
	g.Refuse(w, r, Refusal{http.StatusTooManyRequests, "throttled", detail})
}

// slow holds each caller to the limit.
func (g *Gate) slow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if caller := CallerOf(r.Context()); caller.By != access.ByPlace && !g.calls.take(g.Limit, string(caller.By)+" "+caller.Name, g.Now()) {
			g.tooFast(w, r, caller.Name+" calls too often; wait a moment, or ask an administrator about api.rate_limit")
			return
		}
		next.ServeHTTP(w, r)
	})
}
