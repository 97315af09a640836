package rest

import (
	"context"
	"embed"
	"net/http"
	"path"

	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/internal/version"
)

// service is how this program calls itself to those who watch over it.
const service = "ohfp"

const docsPath = "/docs"

type healthAnswer struct {
	Status int
	Body   api.Health
}

type infoAnswer struct{ Body api.Info }

func addSystem(on *surface) {
	s := on.server
	health := func(good func(Health) bool) func(context.Context, *struct{}) (*healthAnswer, error) {
		return func(context.Context, *struct{}) (*healthAnswer, error) {
			h := s.Health()
			out := &healthAnswer{Status: http.StatusOK, Body: api.Health{
				Status: "healthy", Service: service, Version: version.Current().Version, Ready: h.Ready, Live: h.Live,
			}}
			if !good(h) {
				out.Status, out.Body.Status = http.StatusServiceUnavailable, "unhealthy"
			}
			return out, nil
		}
	}
	live := func(h Health) bool { return h.Live }
	add(on, route{
		Method: http.MethodGet, Path: "/health", ID: "health", Tag: "system",
		Summary: "Whether the program does its work", Text: "Answers anybody. 503 when it should be started again.",
	}, health(live))
	add(on, route{
		Method: http.MethodGet, Path: "/livez", ID: "livez", Tag: "system",
		Summary: "Whether the program lives", Text: "Answers anybody. 503 when it should be started again.",
	}, health(live))
	add(on, route{
		Method: http.MethodGet, Path: "/readyz", ID: "readyz", Tag: "system",
		Summary: "Whether the program is ready for calls", Text: "Answers anybody. 503 before the first look at the cloud.",
	},
		health(func(h Health) bool { return h.Ready && h.Live }))
	add(on, route{Method: http.MethodGet, Path: "/info", ID: "info", Tag: "system", Summary: "What answers here, and as whom it takes you"},
		func(ctx context.Context, _ *struct{}) (*infoAnswer, error) {
			caller := callerOf(ctx)
			return &infoAnswer{Body: api.Info{
				Service: service, Version: version.Current().Version, AuthEnabled: !s.Gate.Open, Caller: caller.Name, Role: string(caller.Role),
				Description: "Asks a cloud for machines, follows the request, gives them back",
			}}, nil
		})
	on.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
		_, _ = w.Write(s.documented) // the caller may have gone
	})
	on.mux.HandleFunc("GET /{$}", toDocs)
	on.mux.HandleFunc("GET /redoc", toDocs)
	on.mux.HandleFunc("GET "+docsPath+"/", toDocs)
	on.mux.HandleFunc("GET "+docsPath, page("index.html", "text/html; charset=utf-8"))
	on.mux.HandleFunc("GET "+docsPath+"/start.js", page("start.js", "text/javascript; charset=utf-8"))
	on.mux.HandleFunc("GET "+docsPath+"/swagger-ui-bundle.js", page("swagger-ui-bundle.js.gz", "text/javascript; charset=utf-8"))
	on.mux.HandleFunc("GET "+docsPath+"/swagger-ui.css", page("swagger-ui.css.gz", "text/css; charset=utf-8"))
	on.mux.HandleFunc("GET /favicon.ico", page("favicon.png", "image/png"))
}

func toDocs(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, docsPath, http.StatusFound)
}

// pages are Swagger UI 5.35.0, Apache-2.0, as its makers published it but compressed, and the page that starts it.
//
//go:embed swagger/*
var pages embed.FS

// page answers with one of them. Every browser takes what is compressed.
func page(name, contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		content, err := pages.ReadFile("swagger/" + name)
		if err != nil {
			newProblem(http.StatusInternalServerError, "internal_error", "internal error").write(w)
			return
		}
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Cache-Control", "private, max-age=3600")
		if path.Ext(name) == ".gz" {
			h.Set("Content-Encoding", "gzip")
		}
		_, _ = w.Write(content) // the caller may have gone
	}
}
