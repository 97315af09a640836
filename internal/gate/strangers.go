package gate

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// strangers keeps the pages of strangers in a browser on this machine from calling. The check of the host is against names
// that are made to point here. Pages of listed origins may call, with a token like everybody.
func (g *Gate) strangers(next http.Handler) http.Handler {
	foreign := http.NewCrossOriginProtection()
	for _, origin := range g.Origins {
		_ = foreign.AddTrustedOrigin(origin) // ParseOrigins has checked them
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		listed := origin != "" && slices.Contains(g.Origins, origin)
		if listed {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Expose-Headers", "ETag, Location, Retry-After, Mcp-Session-Id")
		}
		if len(g.Origins) > 0 {
			w.Header().Add("Vary", "Origin")
		}
		switch err := foreign.Check(r); {
		case g.Open && !g.Socket && !Loopback(r.Host):
			g.Refuse(w, r, Refusal{http.StatusForbidden, "denied", "host " + r.Host + " is not this server; call it as localhost or 127.0.0.1"})
		case listed && r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "":
			h := w.Header()
			h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Mcp-Session-Id, Mcp-Protocol-Version")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
		case err != nil && !listed, g.Open && origin != "" && !listed && origin != own(r):
			g.Refuse(w, r, Refusal{http.StatusForbidden, "denied", "calls from pages of other origins are refused; list them in api.cors_origins"})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// own is the origin of the pages of this server.
func own(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// Loopback says whether a host, with a port or without, is this machine by a name that nobody else can give away.
func Loopback(host string) bool {
	if alone, _, err := net.SplitHostPort(host); err == nil {
		host = alone
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ParseOrigins checks origins of pages.
func ParseOrigins(list []string) ([]string, error) {
	for _, origin := range list {
		at, err := url.Parse(origin)
		if err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" || at.Scheme+"://"+at.Host != origin {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "%q is no origin of pages; write https://host or https://host:port", origin)
		}
	}
	return list, nil
}
