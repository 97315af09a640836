package rest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
)

// callerKey is where the context of a call has who makes it.
type callerKey struct{}

// callerOf is who makes a call.
func callerOf(ctx context.Context) access.Caller {
	caller, _ := ctx.Value(callerKey{}).(access.Caller)
	return caller
}

// open are the paths that answer anybody, for those who watch over processes.
func open(path string) bool { return path == "/health" || path == "/livez" || path == "/readyz" }

// identify finds out who calls. Who sends something is recognised by it or refused, also where nothing is needed.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if open(strings.TrimRight(r.URL.Path, "/")) {
			next.ServeHTTP(w, r)
			return
		}
		caller, err := s.caller(r)
		switch {
		case errors.Is(err, ohfp.ErrDenied):
			w.Header().Set("WWW-Authenticate", `Bearer realm="ohfp"`)
			w.Header().Add("WWW-Authenticate", `Basic realm="ohfp", charset="UTF-8"`)
			newProblem(http.StatusUnauthorized, "unauthenticated", err.Error()).write(w)
		case err != nil:
			s.problemOf(r.Context(), err).write(w)
		default:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
		}
	})
}

func (s *Server) caller(r *http.Request) (access.Caller, error) {
	token, sent := credential(r)
	switch {
	case sent:
		return s.Tokens.Recognise(r.Context(), token)
	case s.Open:
		return access.Caller{Face: "rest", Role: s.LocalRole}, nil
	default:
		return access.Caller{}, ohfp.Errorf(ohfp.ErrDenied, "this call needs a token; send Authorization: Bearer TOKEN, made by ohfp auth token create")
	}
}

// credential is the token that a call brings: as a bearer, or as the password that browsers ask for.
func credential(r *http.Request) (token string, sent bool) {
	if _, password, ok := r.BasicAuth(); ok {
		return password, true
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		return "", false
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", true
	}
	return strings.TrimSpace(token), true
}

// protect keeps the pages of strangers in a browser on this machine from calling, and tells browsers what they may do
// with answers. The check of the host is against names that are made to point here.
func (s *Server) protect(next http.Handler) http.Handler {
	foreign := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "+
			"img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		switch err := foreign.Check(r); {
		case s.Open && !s.knownHost(r.Host):
			newProblem(http.StatusForbidden, "denied", "host "+r.Host+" is not this server; call it as localhost or 127.0.0.1").write(w)
		case err != nil, s.Open && !s.knownOrigin(r):
			newProblem(http.StatusForbidden, "denied", "calls from pages of other origins are refused").write(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (s *Server) knownHost(host string) bool {
	if s.unix {
		return true // no page in a browser reaches a socket
	}
	name := host
	if alone, _, err := net.SplitHostPort(host); err == nil {
		name = alone
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if ip := net.ParseIP(name); ip != nil && ip.IsLoopback() {
		return true
	}
	return name == "localhost"
}

func (s *Server) knownOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin == "" || origin == "http://"+r.Host
}

// authorise lets a call through whose caller may make it.
func (s *Server) authorise(ctx huma.Context, next func(huma.Context)) {
	op, _ := ctx.Operation().Metadata[operationKey].(access.Operation)
	if op == "" {
		next(ctx)
		return
	}
	if err := callerOf(ctx.Context()).May(op); err != nil {
		refuse(ctx, s.problemOf(ctx.Context(), err))
		return
	}
	next(ctx)
}

// refuse answers in the place of an operation.
func refuse(ctx huma.Context, p *Problem) {
	ctx.SetHeader("Content-Type", problemJSON)
	ctx.SetStatus(p.Status)
	_ = marshal(ctx.BodyWriter(), p) // the caller may have gone
}
