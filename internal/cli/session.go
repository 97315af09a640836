package cli

import (
	"context"
	"errors"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/telemetry"
)

// commands is the write side as far as the command line reaches it.
type commands interface {
	hostfactory.Commands
	SwitchMachines(ctx context.Context, in command.SwitchMachines) (command.SwitchedMachines, error)
	PlanRequest(ctx context.Context, in command.RequestMachines) (command.RequestPlan, error)
	CancelRequest(ctx context.Context, in command.CancelRequest) (ohfp.Request, error)
	FindOrphans(ctx context.Context) (command.OrphanSurvey, error)
	RebuildRecords(ctx context.Context, in command.RebuildRecords) (command.Rebuild, error)
	CollectOrphans(ctx context.Context, in command.CollectOrphans) (command.Collection, error)
	DrainMachines(ctx context.Context, in command.DrainMachines) (command.Drained, error)
}

// queries is the read side as far as the command line reaches it.
type queries interface {
	hostfactory.Queries
	Template(ctx context.Context, id ohfp.TemplateID) (query.TemplateView, error)
	Requests(ctx context.Context, filter query.RequestFilter) ([]ohfp.Request, error)
	Machines(ctx context.Context, filter query.MachineFilter) ([]ohfp.Machine, error)
	Usage(ctx context.Context, by query.UsageBy) (query.UsageReport, error)
	RequestTimeline(ctx context.Context, id ohfp.RequestID, each bool) (query.Timeline, error)
	MachineTimeline(ctx context.Context, id ohfp.MachineID) (query.Timeline, error)
	Orphans(ctx context.Context) (query.Orphans, error)
	Abandoned(ctx context.Context, filter query.RequestFilter) ([]ohfp.Request, error)
	InHand(ctx context.Context) (machines []ohfp.Machine, underWay int, err error)
	Returnable(ctx context.Context, request ohfp.RequestID, named []query.Named) ([]ohfp.Machine, error)
}

// session is an open store with the commands and queries on it.
type session struct {
	Commands commands
	Queries  queries
	Partial  hostfactory.Partial
	Caller   string        // who runs the program
	Role     access.Role   // what they may do
	Audit    *audit.Log    // of who did what; nil: none
	Budget   time.Duration // how long one look at the cloud may take
	Close    func() error

	Telemetry *telemetry.Instruments
}

// close ends a session. What was to be stored is stored already, so a failure is only told.
func (s *session) close(p *program) {
	if err := s.Close(); err != nil {
		p.complain(err)
	}
}

// as is whoever runs the program, at a face.
func (s *session) as(face string) access.Caller {
	return access.Caller{Name: s.Caller, Face: face, Role: s.Role}
}

func (s *session) origin() ohfp.Origin { return s.as("cli").Origin() }

// with opens a session for the time of one command.
func (p *program) with(ctx context.Context, do func(s *session) error) error {
	return p.during(ctx, wish{Global: p.global, Console: true}, do)
}

// listing is with for commands that only list templates.
func (p *program) listing(ctx context.Context, do func(s *session) error) error {
	return p.during(ctx, wish{Global: p.global, Console: true, Listing: true}, do)
}

func (p *program) during(ctx context.Context, w wish, do func(s *session) error) error {
	s, err := p.open(ctx, w, p)
	if err != nil {
		return err
	}
	defer s.close(p)
	_, call := s.Telemetry.Begin(ctx, "cli", string(p.operation), "")
	err = do(s)
	call.End(err)
	return err
}

// sync asks the cloud how things stand, within the budget of one call. When the cloud cannot be asked, the records are
// still good for an answer, and the problem says why it may be old; only a refused identity is an error, because asking
// again would never help.
func (s *session) sync(ctx context.Context, in command.SyncRequests) (problem, err error) {
	within, cancel := context.WithTimeout(ctx, s.Budget)
	defer cancel()
	err = s.Commands.SyncRequests(within, in)
	if errors.Is(err, ohfp.ErrDenied) || ctx.Err() != nil {
		return nil, err
	}
	return err, nil
}

// look is sync for commands that look once.
func (p *program) look(ctx context.Context, s *session, in command.SyncRequests) error {
	problem, err := s.sync(ctx, in)
	if problem != nil {
		p.note("the cloud could not be asked, this is what was known last: %v", problem)
	}
	return err
}
