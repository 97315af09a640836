// Package mcpserver is the face for AI assistants: it speaks the Model Context Protocol over standard input and output,
// HTTP or TCP, and turns its tools, resources and prompts into commands and queries.
// It refuses to decide anything about requests and machines, and to end or remove anything before its caller has seen
// what that would be and has confirmed it.
package mcpserver

import (
	"context"
	"log/slog"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/internal/view"
	"github.com/openhostfactory/ohfp/provider"
)

// Commands is the write side as far as assistants reach it.
type Commands interface {
	RequestMachines(ctx context.Context, in command.RequestMachines) (ohfp.Request, error)
	ReturnMachines(ctx context.Context, in command.ReturnMachines) (ohfp.Request, error)
	CancelRequest(ctx context.Context, in command.CancelRequest) (ohfp.Request, error)
	SyncRequests(ctx context.Context, in command.SyncRequests) error
	Answered(ctx context.Context, id ohfp.RequestID) error
	DrainMachines(ctx context.Context, in command.DrainMachines) (command.Drained, error)
	FindOrphans(ctx context.Context) (command.OrphanSurvey, error)
	CollectOrphans(ctx context.Context, in command.CollectOrphans) (command.Collection, error)
	RebuildRecords(ctx context.Context, in command.RebuildRecords) (command.Rebuild, error)
	SwitchMachines(ctx context.Context, in command.SwitchMachines) (command.SwitchedMachines, error)
	PutTemplate(ctx context.Context, in command.PutTemplate) (ohfp.Template, error)
	DeleteTemplate(ctx context.Context, in command.DeleteTemplate) error
	ForgetTemplate(ctx context.Context, in command.ForgetTemplate) error
	Clean(ctx context.Context, in command.Clean) ([]command.Cleaned, error)
}

// Queries is the read side as far as assistants reach it.
type Queries interface {
	TemplateList(ctx context.Context) ([]query.TemplateView, []string, error)
	Template(ctx context.Context, id ohfp.TemplateID) (query.TemplateView, error)
	RequestStatus(ctx context.Context, ids []ohfp.RequestID) (found []ohfp.Request, unknown []ohfp.RequestID, err error)
	Requests(ctx context.Context, filter query.RequestFilter) ([]ohfp.Request, error)
	Abandoned(ctx context.Context, filter query.RequestFilter) ([]ohfp.Request, error)
	RequestTimeline(ctx context.Context, id ohfp.RequestID, each bool) (query.Timeline, error)
	Machines(ctx context.Context, filter query.MachineFilter) ([]ohfp.Machine, error)
	MachineTimeline(ctx context.Context, id ohfp.MachineID) (query.Timeline, error)
	Reclaimed(ctx context.Context, known []query.Named) ([]query.Reclaimed, error)
	Orphans(ctx context.Context) (query.Orphans, error)
	Usage(ctx context.Context, by query.UsageBy) (query.UsageReport, error)
	Events(ctx context.Context, filter query.EventFilter) ([]ohfp.Event, error)
	EventsAfter(ctx context.Context, after int64, limit int) ([]ohfp.Event, error)
	NewestEvent(ctx context.Context) (int64, error)
}

// Clouds is what provider instances are asked themselves.
type Clouds interface {
	Providers() []view.Provider
	Health(ctx context.Context, name string) (identity string, err error)
	Policy(ctx context.Context, name string, features []string) ([]byte, error)
	Refresh(ctx context.Context, name string) (machineTypes int, err error)
	Discover(ctx context.Context, name string) (provider.Inventory, error)
	References(ctx context.Context, name string) (list []view.Reference, problems []string, err error)
	Missing(ctx context.Context, wanted []view.Reference) ([]view.Reference, error)
	ParseTemplate(text []byte) (ohfp.Template, error)
	// Judge checks a template as it is written, or without one the template with the id.
	Judge(ctx context.Context, text []byte, id ohfp.TemplateID, online bool) (view.TemplateVerdict, error)
}

// Settings is what the configuration is asked as a whole.
type Settings interface {
	Show(name string) (config.Shown, error) // one, those of a section, or with an empty name all; without secrets
	Check(ctx context.Context) (config.Checked, error)
	Schema() map[string]any
}

// Face serves assistants. All fields but ReadOnly, Audit, Telemetry and Counted are required.
type Face struct {
	Commands Commands
	Queries  Queries
	Clouds   Clouds
	Settings Settings
	Config   config.Config
	ReadOnly bool // tools that change something are refused
	Now      func() time.Time
	Log      *slog.Logger
	Audit    *audit.Log // of who did what
	Tokens   *Tokens    // those of confirmations under way, which all callers of a process share

	Telemetry *telemetry.Instruments                             // counts and traces calls; nil: nobody does
	Counted   func(ctx context.Context) (telemetry.Tally, error) // what all processes have counted; nil: nobody has

	menu menu
}

// visit is one caller at the face.
type visit struct {
	*Face

	Caller access.Caller
	From   string // an address, or local
}

// may refuses what the caller's role or a face for reading does not cover.
func (v visit) may(op access.Operation) error {
	if err := v.Caller.May(op); err != nil {
		return err
	}
	if rule, _ := access.RuleOf(op); v.ReadOnly && rule.Effect != access.Reads {
		return ohfp.Errorf(ohfp.ErrDenied, "operation %s changes something, and this server was started with --read-only; ask its operator", op)
	}
	return nil
}
