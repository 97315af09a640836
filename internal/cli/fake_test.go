package cli

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/store"
)

// desk is a fake of commands and queries that keeps requests, and of which each look at the cloud makes one more machine
// of every open request ready. It remembers what it was asked.
type desk struct {
	requests []ohfp.Request
	asked    []any
	answered []ohfp.RequestID
	closed   int

	refuse   error // of every command
	problems []error
	panics   bool
}

func (d *desk) RequestMachines(_ context.Context, in command.RequestMachines) (ohfp.Request, error) {
	d.asked = append(d.asked, in)
	if d.panics {
		panic("boom")
	}
	if d.refuse != nil {
		return ohfp.Request{}, d.refuse
	}
	r := ohfp.Request{
		ID: "req-01932f3c-7c3e-7abc-9abc-123456789012", Type: ohfp.TypeAcquire, Template: ohfp.Template{ID: in.Template},
		Count: in.Count, Status: ohfp.StatusInProgress, CreatedAt: time.Date(2026, 11, 23, 11, 43, 10, 0, time.UTC),
	}
	for i := range in.Count {
		r.Machines = append(r.Machines, ohfp.Machine{ID: ohfp.MachineID("i-" + strings.Repeat("0", i+1)), State: ohfp.MachinePending})
	}
	d.requests = append(d.requests, r)
	return r, nil
}

func (d *desk) SwitchMachines(_ context.Context, in command.SwitchMachines) (command.SwitchedMachines, error) {
	d.asked = append(d.asked, in)
	return command.SwitchedMachines{Refused: []ohfp.Unknown{{Machine: in.IDs[0], Message: "machine is not known here"}}}, d.refuse
}

func (d *desk) PlanRequest(_ context.Context, in command.RequestMachines) (command.RequestPlan, error) {
	d.asked = append(d.asked, command.RequestPlan{Template: in.Template, Count: in.Count, Provider: in.Provider})
	return command.RequestPlan{Template: in.Template, Count: in.Count}, d.refuse
}

func (d *desk) ReturnMachines(_ context.Context, in command.ReturnMachines) (ohfp.Request, error) {
	d.asked = append(d.asked, in)
	if d.refuse != nil {
		return ohfp.Request{}, d.refuse
	}
	r := ohfp.Request{ID: "ret-01932f3c-7c3e-7abc-9abc-123456789012", Type: ohfp.TypeReturn, Status: ohfp.StatusComplete}
	for _, m := range in.Machines {
		r.Count++
		r.Unknown = append(r.Unknown, ohfp.Unknown{Machine: m.ID, Name: m.Name, Message: "machine " + string(m.ID) + m.Name + " is not known here"})
	}
	d.requests = append(d.requests, r)
	return r, nil
}

func (d *desk) CancelRequest(_ context.Context, in command.CancelRequest) (ohfp.Request, error) {
	d.asked = append(d.asked, in)
	for i := range d.requests {
		if d.requests[i].ID == in.ID {
			d.requests[i].Status = ohfp.StatusCancelled
			return d.requests[i], nil
		}
	}
	return ohfp.Request{}, ohfp.Errorf(ohfp.ErrNotFound, "request %s does not exist", in.ID)
}

func (d *desk) DrainMachines(_ context.Context, in command.DrainMachines) (command.Drained, error) {
	d.asked = append(d.asked, in)
	return command.Drained{Unknown: in.IDs}, nil
}

func (d *desk) SyncRequests(ctx context.Context, in command.SyncRequests) error {
	d.asked = append(d.asked, in)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(d.problems) > 0 {
		problem := d.problems[0]
		d.problems = d.problems[1:]
		if problem != nil {
			return problem
		}
	}
	for i := range d.requests {
		if r := &d.requests[i]; !r.Status.Terminal() {
			d.advance(r)
		}
	}
	return nil
}

func (d *desk) advance(r *ohfp.Request) {
	for i := range r.Machines {
		if m := &r.Machines[i]; m.State == ohfp.MachinePending {
			m.State, m.Name, m.PrivateIP, m.DeliveredAt = ohfp.MachineRunning, "host-"+string(m.ID), "10.0.0.1", time.Unix(1, 0)
			if i < len(r.Machines)-1 {
				return
			}
		}
	}
	r.Status = ohfp.StatusComplete
}

func (d *desk) DoChores(context.Context) error { return nil }

func (d *desk) Usage(context.Context, query.UsageBy) (query.UsageReport, error) {
	return query.UsageReport{}, d.refuse
}

func (d *desk) RequestTimeline(context.Context, ohfp.RequestID, bool) (query.Timeline, error) {
	return query.Timeline{}, d.refuse
}

func (d *desk) MachineTimeline(context.Context, ohfp.MachineID) (query.Timeline, error) {
	return query.Timeline{}, d.refuse
}

func (d *desk) Reported(context.Context, []ohfp.Request, ohfp.Origin) error { return nil }

func (d *desk) HostsNamed(context.Context, []command.Named) {}

func (d *desk) FindOrphans(context.Context) (command.OrphanSurvey, error) {
	return command.OrphanSurvey{}, d.refuse
}

func (d *desk) CollectOrphans(_ context.Context, in command.CollectOrphans) (command.Collection, error) {
	d.asked = append(d.asked, in)
	return command.Collection{}, d.refuse
}

func (d *desk) Abandoned(_ context.Context, filter store.RequestFilter) ([]ohfp.Request, error) {
	d.asked = append(d.asked, filter)
	return nil, d.refuse
}

func (d *desk) RebuildRecords(context.Context, command.RebuildRecords) (command.Rebuild, error) {
	return command.Rebuild{}, d.refuse
}

func (d *desk) Orphans(context.Context) (query.Orphans, error) { return query.Orphans{}, d.refuse }

func (d *desk) Answered(_ context.Context, id ohfp.RequestID) error {
	d.answered = append(d.answered, id)
	return nil
}

func (d *desk) TemplateList(context.Context) ([]query.TemplateView, []string, error) {
	return []query.TemplateView{{
		Template: ohfp.Template{
			ID: "my-template", MaxNumber: ohfp.Unlimited, ProviderAPI: "RunInstances", Description: "d", Timeout: time.Minute,
		},
		Attributes: map[string]ohfp.Attribute{"ncpus": ohfp.Numeric(4), "type": ohfp.Text("X86_64")},
		Fields:     map[string]any{"vmType": "m5.xlarge", "rootDeviceVolumeSize": 8},
	}}, []string{"template broken is not listed"}, d.refuse
}

func (d *desk) Template(ctx context.Context, id ohfp.TemplateID) (query.TemplateView, error) {
	views, _, err := d.TemplateList(ctx)
	if err != nil || views[0].Template.ID != id {
		return query.TemplateView{}, ohfp.Errorf(ohfp.ErrNotFound, "template %s does not exist", id)
	}
	return views[0], nil
}

func (d *desk) RequestStatus(_ context.Context, ids []ohfp.RequestID) (found []ohfp.Request, unknown []ohfp.RequestID, err error) {
	for _, id := range ids {
		i := slices.IndexFunc(d.requests, func(r ohfp.Request) bool { return r.ID == id })
		if i < 0 {
			unknown = append(unknown, id)
			continue
		}
		r := d.requests[i]
		r.Machines = slices.Clone(r.Machines)
		found = append(found, r)
	}
	return found, unknown, nil
}

func (d *desk) Requests(_ context.Context, filter store.RequestFilter) ([]ohfp.Request, error) {
	d.asked = append(d.asked, filter)
	return d.requests, nil
}

func (d *desk) Machines(_ context.Context, filter store.MachineFilter) ([]ohfp.Machine, error) {
	d.asked = append(d.asked, filter)
	var machines []ohfp.Machine
	for _, r := range d.requests {
		machines = append(machines, r.Machines...)
	}
	return machines, nil
}

func (d *desk) InHand(context.Context) (machines []ohfp.Machine, underWay int, err error) {
	for _, r := range d.requests {
		machines = append(machines, r.Machines...)
	}
	return machines, 0, d.refuse
}

func (d *desk) Returnable(ctx context.Context, _ ohfp.RequestID, _ []query.Named) ([]ohfp.Machine, error) {
	return d.Machines(ctx, store.MachineFilter{})
}

func (d *desk) Reclaimed(context.Context, []query.Named) ([]query.Reclaimed, error) { return nil, nil }

// run runs a command line on the desk.
func (d *desk) run(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errw bytes.Buffer
	code = d.program(&out, &errw).run(ctx, args)
	return code, out.String(), errw.String()
}

func (d *desk) program(out, errw *bytes.Buffer) *program {
	return &program{
		in: strings.NewReader(""), out: out, errw: errw,
		lookupEnv: func(string) (string, bool) { return "", false },
		providers: app.Registry(),
		open: func(context.Context, wish, *program) (*session, error) {
			return &session{
				Commands: d, Queries: d, Caller: "ann", Role: access.Admin, Budget: 20 * time.Second,
				Close: func() error { d.closed++; return nil },
			}, nil
		},
	}
}

// expect fails the test when the outcome is another.
func expect(t *testing.T, wantCode, code int, stderr string) {
	t.Helper()
	if code != wantCode {
		t.Fatalf("exit code %d, want %d; standard error: %s", code, wantCode, stderr)
	}
}
