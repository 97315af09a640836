package rest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/figures"
	"github.com/openhostfactory/ohfp/internal/gate"
	"github.com/openhostfactory/ohfp/internal/placement"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/internal/storage"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/internal/view"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
)

// world is a cloud and a store with a server over them.
type world struct {
	tb       testing.TB
	clock    *fake.Clock
	cloud    *fake.Cloud
	store    store.Store
	commands *command.Commands
	server   *Server
	url      string
	http     *http.Client
	token    string // sent with calls, when there is one
	broken   error  // why the store cannot be looked at
}

// newWorld serves until the test ends. Callers need no token unless the test changes that before the first call.
func newWorld(tb testing.TB, change ...func(*world)) *world {
	tb.Helper()
	clock := fake.NewClock(time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC))
	w := &world{
		tb: tb, clock: clock, store: memory.New(clock.Now),
		cloud: fake.New(clock.Now, fake.Settings{LaunchDelay: time.Second, TerminateDelay: time.Second}),
	}
	p, err := w.cloud.Open(provider.Environment{Name: "cloud", Installation: "here", Memory: w.store, Now: clock.Now})
	if err != nil {
		tb.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	shelf := &shelf{store: w.store}
	w.commands = &command.Commands{
		Store: w.store, Templates: shelf, Catalog: shelf,
		Placement: placement.Policy{Instances: []placement.Instance{{Name: "cloud", Type: fake.Type}}},
		Executor:  &reconcile.Executor{Store: w.store, Providers: only{p}, Now: clock.Now, Log: log},
		Orphans:   command.OrphanPolicy{Quarantine: time.Hour, Interval: time.Minute, MaxShare: 20},
		Requests:  command.RequestPolicy{Timeout: 10 * time.Minute, Abandon: ohfp.AbandonPolicy{Unanswered: 10 * time.Minute}},
		Now:       clock.Now,
		NewID:     func(kind ohfp.RequestType) ohfp.RequestID { return ohfp.NewRequestID(kind, clock.Now()) },
		Log:       log,
	}
	w.server = &Server{
		Commands: w.commands, Queries: &query.Queries{Store: w.store, Memory: w.store, Templates: shelf, Now: clock.Now},
		Providers: clouds{}, Settings: settled{}, Templates: files{w}, Memory: w.store,
		Storage: storage.Keeper{
			Storage: config.Storage{Strategy: config.StrategyDynamoDB}, Now: clock.Now,
			Open: func(context.Context, config.Storage) (store.Store, error) { return w.store, w.broken },
		},
		Gate: &gate.Gate{
			Face: "rest", Bearers: access.Tokens{Memory: w.store, Now: clock.Now}, Open: true, Local: access.Caller{Role: access.Admin}, Now: clock.Now,
		},
		Parse: func(document []byte) (t ohfp.Template, err error) {
			if err = json.Unmarshal(document, &t); err != nil {
				return t, ohfp.Errorf(ohfp.ErrInvalid, "no template: %w", err)
			}
			return t, t.Validate()
		},
		Judge: func(_ context.Context, t ohfp.Template, _ bool) (view.TemplateVerdict, error) {
			return view.TemplateVerdict{ID: t.ID, Valid: true}, nil
		},
		Health: func() Health { return Health{Ready: true, Live: true} },
		Budget: 20 * time.Second, UnusedFor: time.Hour, Look: 10 * time.Millisecond,
		NewID: w.commands.NewID, Now: clock.Now, Log: log,
	}
	instruments := &telemetry.Instruments{Meter: telemetry.NewMeter(), Now: clock.Now}
	numbers := &figures.Figures{
		Records: w.store, Memory: w.store, Installation: "here", Meter: instruments.Meter,
		Queries: &query.Queries{Store: w.store, Memory: w.store, Templates: shelf, Now: clock.Now},
		Book:    telemetry.Book{Path: filepath.Join(tb.TempDir(), "counters")}, Now: clock.Now, Log: log,
	}
	w.server.Watched = Watched{
		Telemetry: instruments, Figures: numbers.Gather, Counted: numbers.Counted,
		Status: func() api.SystemStatus { return api.SystemStatus{Ready: true, Live: true, StartedAt: clock.Now()} },
		Checks: func(ctx context.Context) figures.HealthReport { return numbers.Health(ctx, w.store) },
		Reload: func(context.Context) (api.Reloaded, error) {
			return api.Reloaded{Changed: []string{"limits.max_machines"}, Restart: []string{}, Problems: []string{}}, nil
		},
	}
	for _, c := range change {
		c(w)
	}
	ctx, stop := context.WithCancel(context.Background())
	handler, err := w.server.Handler(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	listening := httptest.NewServer(handler)
	tb.Cleanup(func() {
		stop()
		listening.Close()
	})
	w.url, w.http = listening.URL, listening.Client()
	return w
}

// closed is a world in which callers need tokens.
func closed(w *world) { w.server.Gate.Open = false }

// tokenFor makes a token.
func (w *world) tokenFor(role access.Role) string {
	w.tb.Helper()
	token, _, err := access.Tokens{Memory: w.store, Now: w.clock.Now}.Create(w.tb.Context(), "a-"+string(role), role, 0, "")
	if err != nil {
		w.tb.Fatal(err)
	}
	return token
}

// answer is what came back.
type answer struct {
	*http.Response

	Text string
}

// call makes a call. Headers are name, value, name, value.
func (w *world) call(method, path, body string, headers ...string) answer {
	w.tb.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(w.tb.Context(), method, w.url+path, reader)
	if err != nil {
		w.tb.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if w.token != "" {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	response, err := w.http.Transport.RoundTrip(r)
	if err != nil {
		w.tb.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.tb.Fatal(err)
	}
	return answer{response, string(text)}
}

// want fails unless the answer has the status; into, when it is not nil, takes its body.
func (w *world) want(status int, a answer, into any) {
	w.tb.Helper()
	if a.StatusCode != status {
		w.tb.Fatalf("%s %s: %s, want %d: %s", a.Request.Method, a.Request.URL.Path, a.Status, status, a.Text)
	}
	if status >= 400 && a.Request.Method != http.MethodHead {
		var p Problem
		if err := json.Unmarshal([]byte(a.Text), &p); err != nil || p.Status != status || p.Code == "" || p.Detail == "" ||
			a.Header.Get("Content-Type") != problemJSON {
			w.tb.Errorf("%s %s: no problem but %s: %s", a.Request.Method, a.Request.URL.Path, a.Header.Get("Content-Type"), a.Text)
		}
	}
	if into != nil {
		if err := json.Unmarshal([]byte(a.Text), into); err != nil {
			w.tb.Fatalf("%s %s: %v: %s", a.Request.Method, a.Request.URL.Path, err, a.Text)
		}
	}
}

// delivered asks for machines and waits until they are there.
func (w *world) delivered(count int) ohfp.Request {
	w.tb.Helper()
	r, err := w.commands.RequestMachines(w.tb.Context(), command.RequestMachines{Template: "small", Count: count, Origin: ohfp.Origin{Face: "test"}})
	if err != nil {
		w.tb.Fatal(err)
	}
	w.clock.Advance(2 * time.Second)
	if err := w.commands.SyncRequests(w.tb.Context(), command.SyncRequests{IDs: []ohfp.RequestID{r.ID}}); err != nil {
		w.tb.Fatal(err)
	}
	if r, err = w.store.Request(w.tb.Context(), r.ID); err != nil || r.Status != ohfp.StatusComplete {
		w.tb.Fatalf("request %s is %s, %v", r.ID, r.Status, err)
	}
	return r
}

// only is a provider that is the only one.
type only struct{ it provider.Provider }

// Provider implements the executor's Providers.
func (o only) Provider(context.Context, string) (provider.Provider, error) { return o.it, nil }

// switching makes the world's cloud one that stops and starts machines, as far as its answers go.
func switching(w *world) {
	p, err := w.commands.Executor.Providers.Provider(w.tb.Context(), "cloud")
	if err != nil {
		w.tb.Fatal(err)
	}
	w.commands.Executor.Providers = only{switcher{p}}
}

type switcher struct{ provider.Provider }

func (switcher) Switch(_ context.Context, ids []ohfp.MachineID, on bool) (said []provider.Switched, err error) {
	for _, id := range ids {
		state := ohfp.MachineStopped
		if on {
			state = ohfp.MachinePending
		}
		said = append(said, provider.Switched{Machine: id, State: state})
	}
	return said, nil
}

// Unwrap lets what else the cloud can do be found.
func (s switcher) Unwrap() provider.Provider { return s.Provider }

// shelf is a catalog with one template of a file, and those of the store.
type shelf struct {
	store store.Store
	mu    sync.Mutex
	gone  []ohfp.TemplateID
}

func small() ohfp.Template {
	return ohfp.Template{
		ID: "small", MaxNumber: 10_000, ProviderAPI: fake.APIInstances, Source: "templates.json", Spec: json.RawMessage(`{"type":"small"}`),
	}
}

func (s *shelf) all(ctx context.Context) ([]ohfp.Template, error) {
	own, err := s.store.Templates(ctx)
	return append([]ohfp.Template{small()}, own...), err
}

func (s *shelf) Template(ctx context.Context, id ohfp.TemplateID) (ohfp.Template, error) {
	list, err := s.all(ctx)
	for _, t := range list {
		if t.ID == id {
			return t, nil
		}
	}
	if err != nil {
		return ohfp.Template{}, err
	}
	return ohfp.Template{}, ohfp.Errorf(ohfp.ErrNotFound, "template %s does not exist", id)
}

func (s *shelf) Listed(ctx context.Context) ([]query.TemplateView, []string, error) {
	list, err := s.all(ctx)
	var views []query.TemplateView
	for _, t := range list {
		views = append(views, query.TemplateView{Template: t, Attributes: map[string]ohfp.Attribute{
			"type": ohfp.Text("X86_64"), "ncpus": ohfp.Numeric(2), "nram": ohfp.Numeric(4096),
		}})
	}
	return views, nil, err
}

func (s *shelf) Check(context.Context, ohfp.Template) error { return nil }

func (s *shelf) InFile(id ohfp.TemplateID) string {
	if id == "small" {
		return "templates.json"
	}
	return ""
}

func (s *shelf) Forget(_ context.Context, id ohfp.TemplateID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = append(s.gone, id)
	return nil
}

// clouds are the configured ones.
type clouds struct{}

func (clouds) Providers() []view.Provider {
	return []view.Provider{{Name: "cloud", Type: "fake", Enabled: true, Default: true}}
}

func (clouds) known(name string) error {
	if name != "cloud" && name != "" {
		return ohfp.Errorf(ohfp.ErrNotFound, "provider %s does not exist", name)
	}
	return nil
}

func (c clouds) Health(_ context.Context, name string) (string, error) { return "me", c.known(name) }

func (c clouds) Policy(_ context.Context, name string, features []string) ([]byte, error) {
	for _, feature := range features {
		if feature != "spot" {
			return nil, ohfp.Errorf(ohfp.ErrInvalid, "feature %q does not exist; use spot", feature)
		}
	}
	return []byte(`{"Version":"2012-10-17"}`), c.known(name)
}

func (c clouds) Refresh(_ context.Context, name string) (int, error) { return 3, c.known(name) }

func (c clouds) Discover(_ context.Context, name string) (provider.Inventory, error) {
	return provider.Inventory{Identity: "me", Region: "here", Resources: []provider.Resource{{Kind: "subnet", ID: "a"}}}, c.known(name)
}

func (c clouds) References(_ context.Context, name string) ([]view.Reference, []string, error) {
	return []view.Reference{{Template: "small", Provider: "cloud", Resource: provider.Resource{Kind: "subnet", ID: "a"}}}, nil, c.known(name)
}

func (clouds) Missing(_ context.Context, wanted []view.Reference) ([]view.Reference, error) {
	return wanted[:0], nil
}

// settled is the configuration.
type settled struct{}

func (settled) Settings(name string) (config.Shown, error) {
	return config.Shown{Settings: []config.Value{{Key: name + ".type", Value: "fake"}}, Files: []string{}}, nil
}

func (settled) ConfigSchema() map[string]any { return map[string]any{"type": "object"} }

func (settled) Schedulers() view.Schedulers {
	return view.Schedulers{Current: "hostfactory", Strategies: []view.Scheduler{{Name: "hostfactory", Active: true}}}
}

func (s settled) Scheduler() view.SchedulerState {
	return view.SchedulerState{Scheduler: s.Schedulers().Strategies[0], ConfDir: "/conf"}
}

// files are templates as files hold them, of which each is a document of a template as the world's server reads one.
type files struct{ w *world }

func (files) TemplateExamples(_ context.Context, provider, api string, fields map[string][]string) (view.TemplateFile, error) {
	if api == "wrong" {
		return view.TemplateFile{}, ohfp.Errorf(ohfp.ErrInvalid, "api wrong does not exist")
	}
	text, err := json.Marshal(map[string]any{"templateId": "example", "provider": provider, "fields": fields})
	return view.TemplateFile{Templates: []json.RawMessage{text}}, err
}

func (f files) TemplateDocuments(ctx context.Context, ids ...ohfp.TemplateID) (view.TemplateFile, error) {
	file := view.TemplateFile{Templates: []json.RawMessage{}}
	list, err := f.w.store.Templates(ctx)
	for _, t := range append([]ohfp.Template{small()}, list...) {
		if len(ids) == 0 || slices.Contains(ids, t.ID) {
			file.Templates = append(file.Templates, json.RawMessage(`{"templateId":"`+string(t.ID)+`"}`))
		}
	}
	return file, err
}

func (f files) TakeTemplates(ctx context.Context, _ string, data []byte, how command.PutTemplate) (changes []view.TemplateChange, left int, err error) {
	var file view.TemplateFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, 0, ohfp.Errorf(ohfp.ErrInvalid, "no file: %w", err)
	}
	for _, document := range file.Templates {
		t, err := f.w.server.Parse(document)
		if err == nil {
			how.Template = t
			_, err = f.w.commands.PutTemplate(ctx, how)
		}
		change := view.TemplateChange{ID: t.ID, Result: "created"}
		if err != nil {
			left++
			change.Result, change.Message = "not taken", err.Error()
		}
		changes = append(changes, change)
	}
	return changes, left, nil
}

// lockedBuffer takes the lines of a log.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// unreached are clouds whose looks fail.
type unreached struct {
	clouds

	err error
}

func (u unreached) Health(context.Context, string) (string, error) { return "", u.err }

// leaky are clouds that fail with words that are nobody's business.
type leaky struct{ clouds }

func (leaky) References(context.Context, string) ([]view.Reference, []string, error) {
	return nil, nil, errors.New("the secret is 42")
}

func (leaky) Discover(context.Context, string) (provider.Inventory, error) {
	return provider.Inventory{}, &ohfp.CloudError{Kind: ohfp.ErrDenied, Operation: "DescribeVpcs", Code: "UnauthorizedOperation"}
}
