// Package rest is the face that programs and dashboards speak to over HTTP: JSON described by OpenAPI, the same commands,
// queries, views and roles as every other face has, and streams of what happens.
// It refuses to decide anything about machines, to answer anybody whom it has not recognised, and to load anything from
// elsewhere into a browser.
package rest

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/gate"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/storage"
	"github.com/openhostfactory/ohfp/internal/view"
	"github.com/openhostfactory/ohfp/provider"
)

// Commands is the write side as far as this face reaches it.
type Commands interface {
	RequestMachines(ctx context.Context, in command.RequestMachines) (ohfp.Request, error)
	ReturnMachines(ctx context.Context, in command.ReturnMachines) (ohfp.Request, error)
	CancelRequest(ctx context.Context, in command.CancelRequest) (ohfp.Request, error)
	SyncRequests(ctx context.Context, in command.SyncRequests) error
	Answered(ctx context.Context, id ohfp.RequestID) error
	DrainMachines(ctx context.Context, in command.DrainMachines) (command.Drained, error)
	SwitchMachines(ctx context.Context, in command.SwitchMachines) (command.SwitchedMachines, error)
	FindOrphans(ctx context.Context) (command.OrphanSurvey, error)
	CollectOrphans(ctx context.Context, in command.CollectOrphans) (command.Collection, error)
	RebuildRecords(ctx context.Context, in command.RebuildRecords) (command.Rebuild, error)
	Clean(ctx context.Context, in command.Clean) ([]command.Cleaned, error)
	PlanRequest(ctx context.Context, in command.RequestMachines) (command.RequestPlan, error)
	PutTemplate(ctx context.Context, in command.PutTemplate) (ohfp.Template, error)
	DeleteTemplate(ctx context.Context, in command.DeleteTemplate) error
	ForgetTemplate(ctx context.Context, in command.ForgetTemplate) error
}

// Queries is the read side as far as this face reaches it.
type Queries interface {
	TemplateList(ctx context.Context) ([]query.TemplateView, []string, error)
	Template(ctx context.Context, id ohfp.TemplateID) (query.TemplateView, error)
	RequestStatus(ctx context.Context, ids []ohfp.RequestID) (found []ohfp.Request, unknown []ohfp.RequestID, err error)
	Requests(ctx context.Context, filter query.RequestFilter) ([]ohfp.Request, error)
	Abandoned(ctx context.Context, filter query.RequestFilter) ([]ohfp.Request, error)
	Machines(ctx context.Context, filter query.MachineFilter) ([]ohfp.Machine, error)
	InHand(ctx context.Context) (machines []ohfp.Machine, underWay int, err error)
	Reclaimed(ctx context.Context, known []query.Named) ([]query.Reclaimed, error)
	Usage(ctx context.Context, by query.UsageBy) (query.UsageReport, error)
	RequestTimeline(ctx context.Context, id ohfp.RequestID, each bool) (query.Timeline, error)
	MachineTimeline(ctx context.Context, id ohfp.MachineID) (query.Timeline, error)
	Orphans(ctx context.Context) (query.Orphans, error)
	Events(ctx context.Context, filter query.EventFilter) ([]ohfp.Event, error)
	Returnable(ctx context.Context, request ohfp.RequestID, named []query.Named) ([]ohfp.Machine, error)
}

// Providers is what is asked of the configured clouds as such.
type Providers interface {
	Providers() []view.Provider
	Health(ctx context.Context, name string) (identity string, err error)
	Policy(ctx context.Context, name string, features []string) ([]byte, error)
	Refresh(ctx context.Context, name string) (machineTypes int, err error)
	Discover(ctx context.Context, name string) (provider.Inventory, error)
	References(ctx context.Context, name string) (list []view.Reference, problems []string, err error)
	Missing(ctx context.Context, wanted []view.Reference) ([]view.Reference, error)
}

// Settings is what is asked of the configuration.
type Settings interface {
	Settings(name string) (config.Shown, error) // one, those of a section, or with an empty name all; without secrets
	ConfigSchema() map[string]any
	Schedulers() view.Schedulers
	Scheduler() view.SchedulerState
}

// Templates is what is asked of templates as files hold them.
type Templates interface {
	TemplateExamples(ctx context.Context, provider, api string, fields map[string][]string) (view.TemplateFile, error)
	TemplateDocuments(ctx context.Context, ids ...ohfp.TemplateID) (view.TemplateFile, error) // all, or those named
	TakeTemplates(ctx context.Context, name string, data []byte, how command.PutTemplate) (changes []view.TemplateChange, left int, err error)
}

// Health is how the program that serves is.
type Health struct {
	Ready   bool   // it has looked once at everything that it has to look at
	Live    bool   // its loop goes round
	Problem string // what the last look could not do
}

// Server answers over HTTP. All fields but Audit are required.
type Server struct {
	Commands  Commands
	Queries   Queries
	Providers Providers
	Settings  Settings
	Templates Templates
	Storage   storage.Keeper // over the store that is open; moves no records
	Gate      *gate.Gate     // finds out who calls
	Audit     *audit.Log     // of who did what
	Memory    Memory
	Health    func() Health
	Parse     func(document []byte) (ohfp.Template, error)                                          // reads a template as a file would be read
	Judge     func(ctx context.Context, t ohfp.Template, online bool) (view.TemplateVerdict, error) // says why a template cannot be used

	// Revision is a number that changes with the store, where one is to be had cheaply; ok false or nil: nowhere. It takes that
	// Commands only look at records when they are told to sync, as those of a daemon do.
	Revision func(ctx context.Context) (n int64, ok bool, err error)

	Budget     time.Duration // what one call may spend on the cloud
	UnusedFor  time.Duration // how long nothing must have used what infrastructure clean removes; 0: callers must say
	Look       time.Duration // how often streams look for what is new
	MaxStreams int           // that a caller may have open at once; 0: any number
	NewID      func(t ohfp.RequestType) ohfp.RequestID
	Now        func() time.Time
	Log        *slog.Logger
	Watched    Watched
	current    atomic.Pointer[http.Handler]
	feed       *feed
	followers  *followers
	answers    *answers
	documented []byte
}

// Memory keeps what callers may repeat; every store is one.
type Memory = provider.Memory

// Handler is the whole face. It ends its streams when ctx ends.
func (s *Server) Handler(ctx context.Context) (http.Handler, error) {
	own, err := s.face(ctx)
	if err != nil {
		return nil, err
	}
	s.current.CompareAndSwap(nil, &own) // it may have been replaced already
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*s.current.Load()).ServeHTTP(w, r) }), nil
}

// Replace lets another server answer the calls that come from now on. Those under way, and streams, go on as they began.
func (s *Server) Replace(ctx context.Context, next *Server) error {
	next.followers = s.followers
	face, err := next.face(ctx)
	if err != nil {
		return err
	}
	s.current.Store(&face)
	return nil
}

// face is what answers a call.
func (s *Server) face(ctx context.Context) (http.Handler, error) {
	s.feed, s.answers = newFeed(ctx, s), newAnswers()
	if s.followers == nil {
		s.followers = newFollowers()
	}
	on, err := s.described()
	if err != nil {
		return nil, err
	}
	s.Gate.Public, s.Gate.Refuse = open, turnAway
	return s.observe(s.survive(s.within(s.Gate.Wrap(s.compress(on.plain()))))), nil
}
