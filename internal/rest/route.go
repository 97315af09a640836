package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/version"
)

// slack is what an answer may take longer than its call may spend on the cloud: the reading of the records.
const slack = 10 * time.Second

// maxBody bounds what a caller may send, in bytes. Ten thousand machine ids, Host Factory's most, take 250 KB.
const maxBody = 1 << 20

// operationKey is where a route keeps what its operation is in the table of internal/access.
const operationKey = "operation"

// route is one method and path.
type route struct {
	Operation access.Operation // who may; empty: everybody
	Method    string
	Path      string
	ID        string // unique, for client generators
	Tag       string
	Summary   string
	Text      string
	Status    int                                             // of success; 0: 200
	Produces  string                                          // the type of a body of bytes; empty: JSON
	Write     bool                                            // goes on when the caller hangs up
	Holds     time.Duration                                   // how long an answer is good for while the store does not change; 0: not at all
	After     func(ctx huma.Context, next func(huma.Context)) // around the call, nil: nothing
}

// surface is where routes are registered.
type surface struct {
	server *Server
	api    huma.API
	mux    *http.ServeMux
	routes []route
	paths  *http.ServeMux      // finds the path of a call, whatever its method
	made   map[string][]string // by path: the methods of its routes
}

// described makes all routes and the document that describes them.
func (s *Server) described() (*surface, error) {
	on := s.surface()
	for _, add := range []func(*surface){
		addSystem, addTemplates, addRequests, addMachines, addReturns, addOrphans, addProviders, addInfrastructure, addEvents,
		addWrites, addTemplateWrites, addTemplateFiles, addSettings, addStorage, addUpkeep, addStreams, addWatched, addAudit,
	} {
		add(on)
	}
	nullable(on.api.OpenAPI())
	document, err := json.MarshalIndent(on.api.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describe the routes: %w", err)
	}
	s.documented = append(document, '\n')
	return on, nil
}

func (s *Server) surface() *surface {
	mux := http.NewServeMux()
	cfg := huma.DefaultConfig("Open Host Factory", version.Current().Version)
	cfg.Info.Description = "Ask a cloud for machines, follow the request, give them back. Names may be written as templateId or template_id. " +
		"Paths may end in a slash. Failures are RFC 9457 problems; their codes are in docs/errors.md."
	cfg.Info.License = &huma.License{Name: "Apache-2.0"}
	cfg.Info.Version = "1" // of what is promised here, not of the program: the document changes when the promise does
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.CreateHooks = nil // it would add $schema to every answer
	cfg.RejectUnknownQueryParameters = true
	cfg.Transformers = []huma.Transformer{fromHuma, recorded}
	format := huma.Format{Marshal: marshal, Unmarshal: unmarshal}
	cfg.Formats = map[string]huma.Format{"application/json": format, "json": format}
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "A token made by ohfp auth token create"},
		"basic": {Type: "http", Scheme: "basic", Description: "For browsers: any name, and a token as the password"},
	}
	cfg.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[ohfp.Attribute](), reflect.TypeFor[[2]string]())
	return &surface{server: s, mux: mux, api: humago.New(mux, cfg), paths: http.NewServeMux(), made: map[string][]string{}}
}

// nullable says of the fields of bodies that may be left out that they may be null, too: clients in other languages send them
// so, and they are taken so.
func nullable(document *huma.OpenAPI) {
	for _, item := range document.Paths {
		for _, op := range []*huma.Operation{item.Post, item.Put} {
			if op == nil || op.RequestBody == nil {
				continue
			}
			for _, media := range op.RequestBody.Content {
				schema := media.Schema
				if schema.Ref != "" {
					schema = document.Components.Schemas.SchemaFromRef(schema.Ref)
				}
				for name, field := range schema.Properties {
					if !slices.Contains(schema.Required, name) && field.Ref == "" {
						field.Nullable = true
					}
				}
			}
		}
	}
}

// marshal leaves <, > and & as they are.
func marshal(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// unmarshal reads a body whose own names may be written in either style.
func unmarshal(data []byte, v any) error {
	var object map[string]json.RawMessage
	if bytes.ContainsRune(data, '_') && json.Unmarshal(data, &object) == nil {
		renamed := make(map[string]json.RawMessage, len(object))
		for name, value := range object {
			renamed[camel(name)] = value
		}
		if len(renamed) < len(object) {
			return ohfp.Errorf(ohfp.ErrInvalid, "a name is given in both styles; write it once")
		}
		if again, err := json.Marshal(renamed); err == nil {
			data = again
		}
	}
	err := json.Unmarshal(data, v)
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) && strings.HasPrefix(mistyped.Value, "number ") {
		if again, changed := wholeNumbers(data); changed {
			return json.Unmarshal(again, v)
		}
	}
	return err
}

// wholeNumbers writes 2.0 and 2e3 as 2 and 2000: they are integers by JSON Schema, and languages with one kind of number
// write them so.
func wholeNumbers(data []byte) (again []byte, changed bool) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var document any
	if decoder.Decode(&document) != nil {
		return nil, false
	}
	var walk func(v any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for name, field := range v {
				v[name] = walk(field)
			}
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case json.Number:
			const exact = 1 << 53 // up to here every integer is a float
			if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") && f == math.Trunc(f) && math.Abs(f) <= exact {
				changed = true
				return int64(f)
			}
		}
		return v
	}
	again, err := json.Marshal(walk(document))
	return again, changed && err == nil
}

// camel turns template_id into templateId.
func camel(name string) string {
	words := strings.Split(name, "_")
	for i, word := range words {
		if word == "" {
			return name
		}
		if i > 0 {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

// add registers a route whose answer is described by its type.
func add[I, O any](on *surface, r route, do func(ctx context.Context, in *I) (*O, error)) {
	s := on.server
	op := on.operation(r)
	huma.Register(on.api, op, func(ctx context.Context, in *I) (*O, error) {
		if r.Write {
			ctx = context.WithoutCancel(ctx)
		}
		ctx, cancel := context.WithTimeout(ctx, s.Budget+slack)
		defer cancel()
		out, err := do(ctx, in)
		if err != nil {
			return nil, s.problemOf(ctx, err)
		}
		return out, nil
	})
}

// operation is a route as the framework wants it.
func (on *surface) operation(r route) huma.Operation {
	on.routes = append(on.routes, r)
	if len(on.made[r.Path]) == 0 {
		on.paths.Handle(r.Path, http.NotFoundHandler())
	}
	on.made[r.Path] = append(on.made[r.Path], r.Method)
	text := r.Text
	var security []map[string][]string
	if r.Operation != "" {
		rule, _ := access.RuleOf(r.Operation)
		text = strings.TrimSpace(text + "\n\nNeeds the role " + string(rule.Role) + ".")
		security = []map[string][]string{{"token": {}}, {"basic": {}}}
		if on.server.Gate.Open {
			security = append(security, map[string][]string{})
		}
	}
	around := huma.Middlewares{on.server.authorise, notEmpty}
	if r.Holds > 0 {
		around = append(around, on.server.answers.again(on.server, r.Holds))
	}
	if r.After != nil {
		around = append(around, r.After)
	}
	responses := map[string]*huma.Response{"default": {
		Description: "A problem",
		Content: map[string]*huma.MediaType{
			problemJSON: {Schema: on.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")},
		},
	}}
	if r.Produces != "" {
		responses["200"] = &huma.Response{Content: map[string]*huma.MediaType{r.Produces: {Schema: &huma.Schema{Type: huma.TypeString}}}}
	}
	return huma.Operation{
		OperationID: r.ID, Method: r.Method, Path: r.Path, Tags: []string{r.Tag}, Summary: r.Summary, Description: text,
		DefaultStatus: r.Status, MaxBodyBytes: maxBody, Security: security,
		Metadata:    map[string]any{operationKey: r.Operation},
		Middlewares: around,
		Responses:   responses,
	}
}

// notEmpty refuses parameters that are given without a value and are neither texts nor lists: the framework would take them as left out.
func notEmpty(ctx huma.Context, next func(huma.Context)) {
	at := ctx.URL()
	if at.RawQuery == "" {
		next(ctx)
		return
	}
	given := at.Query()
	for _, p := range ctx.Operation().Parameters {
		values, sent := given[p.Name]
		text := p.Schema.Type == huma.TypeString && len(p.Schema.Enum) == 0 && p.Schema.Format == ""
		if p.In != "query" || !sent || !slices.Contains(values, "") || text || p.Schema.Type == huma.TypeArray {
			continue // a list of nothing is written without a value
		}
		refuse(ctx, newProblem(http.StatusUnprocessableEntity, "invalid_input", "query."+p.Name+": there is no value; give one, or leave it out"))
		return
	}
	next(ctx)
}

// plain answers what no route answers with a problem, finds routes whose path ends in a slash, and takes names of
// parameters in either style.
func (on *surface) plain() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := r.URL.Path; len(path) > 1 && strings.HasSuffix(path, "/") && path != docsPath+"/" {
			short := *r.URL
			short.Path, short.RawPath = strings.TrimRight(path, "/"), strings.TrimRight(short.RawPath, "/")
			r2 := *r
			r2.URL = &short
			r = &r2
		}
		if strings.Contains(r.URL.RawQuery, "_") {
			renamed := *r.URL
			renamed.RawQuery = camelQuery(renamed.RawQuery)
			r2 := *r
			r2.URL = &renamed
			r = &r2
		}
		handler, pattern := on.mux.Handler(r)
		if allow := on.allowed(r, handler, pattern); allow != "" {
			w.Header().Set("Allow", allow)
			newProblem(http.StatusMethodNotAllowed, "method_not_allowed", r.Method+" is not made of "+r.URL.Path+"; use "+allow).write(w)
			return
		}
		if pattern != "" {
			on.mux.ServeHTTP(w, r)
			return
		}
		newProblem(http.StatusNotFound, "not_found", "there is nothing at "+r.URL.Path+"; see /docs").write(w)
	})
}

// allowed are the methods of a path that is called with another one. A path without a variable is no value of a variable:
// DELETE of /requests/count does not cancel a request of that name.
func (on *surface) allowed(r *http.Request, handler http.Handler, pattern string) string {
	_, path := on.paths.Handler(r)
	methods := on.made[path]
	switch {
	case pattern != "" && (len(methods) == 0 || pattern[strings.IndexByte(pattern, ' ')+1:] == path):
		return ""
	case len(methods) == 0: // no route, but a page may be there
		probe := &probe{header: http.Header{}}
		handler.ServeHTTP(probe, r)
		return probe.header.Get("Allow")
	}
	methods = slices.Clone(methods)
	if slices.Contains(methods, http.MethodGet) {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// camelQuery renames the parameters and leaves their values and their order.
func camelQuery(raw string) string {
	parts := strings.Split(raw, "&")
	for i, part := range parts {
		name, value, found := strings.Cut(part, "=")
		parts[i] = camel(name)
		if found {
			parts[i] += "=" + value
		}
	}
	return strings.Join(parts, "&")
}

// probe takes what the standard library would have answered.
type probe struct{ header http.Header }

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(int)             {}
