package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/client"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/command"
)

// client calls the world as programs elsewhere do.
func (w *world) client() *client.Client {
	return &client.Client{URL: w.url, Token: w.token, HTTP: w.http, Pause: time.Millisecond}
}

// TestClient does with the client what programs do, and sees that each answer has what it promises.
func TestClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t, closed, switching)
	w.token = w.tokenFor(access.Admin)
	c, ctx := w.client(), t.Context()
	if health, err := c.Health(ctx); err != nil || health.Status != "healthy" {
		t.Errorf("%+v, %v", health, err)
	}
	if info, err := c.Info(ctx); err != nil || info.Caller != "a-admin" {
		t.Errorf("%+v, %v", info, err)
	}
	templates, err := c.Templates(ctx, client.TemplateFilter{Verbose: true})
	if err != nil || len(templates.Templates) != 1 || templates.Templates[0].Attributes["ncpus"] != ohfp.Numeric(2) {
		t.Errorf("%+v, %v", templates, err)
	}
	document := map[string]any{"templateId": "mine", "maxNumber": 5, "spec": map[string]any{"type": "small"}}
	mine, tag, err := c.CreateTemplate(ctx, document)
	if err != nil || mine.ID != "mine" || tag == "" {
		t.Errorf("%+v, %s, %v", mine, tag, err)
	}
	document["maxNumber"] = 7
	if mine, _, err = c.UpdateTemplate(ctx, "mine", document, tag); err != nil || mine.MaxNumber != 7 {
		t.Errorf("%+v, %v", mine, err)
	}
	if err := c.DeleteTemplate(ctx, "mine", tag); !errors.Is(err, ohfp.ErrConflict) {
		t.Errorf("%v; want that it has changed", err)
	}
	if _, tag, err = c.Template(ctx, "mine"); err != nil {
		t.Error(err)
	}
	if err := c.DeleteTemplate(ctx, "mine", tag); err != nil {
		t.Error(err)
	}
	if plan, err := c.PlanRequest(ctx, client.Order{Template: "small", Count: 2}); err != nil || plan.Provider != "cloud" || !plan.DryRun {
		t.Errorf("%+v, %v", plan, err)
	}

	order := client.Order{Template: "small", Count: 3, Provider: "cloud", Key: "once"}
	made, err := c.RequestMachines(ctx, order)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.RequestMachines(ctx, order); err != nil || again.ID != made.ID {
		t.Errorf("%s after %s, %v", again.ID, made.ID, err)
	}
	w.clock.Advance(2 * time.Second)
	if done, err := c.WaitForRequest(ctx, made.ID); err != nil || done.Status != ohfp.StatusComplete || len(done.Machines) != 3 {
		t.Errorf("%+v, %v", done, err)
	}
	var ids []ohfp.MachineID
	for m, err := range c.EachMachine(ctx, client.MachineFilter{Request: made.ID, Provider: "cloud", Limit: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID)
	}
	if len(ids) != 3 {
		t.Fatal(ids)
	}
	if m, err := c.Machine(ctx, ids[0]); err != nil || m.Status != ohfp.MachineRunning {
		t.Errorf("%+v, %v", m, err)
	}
	if list, err := c.Machines(ctx, client.MachineFilter{Provider: "moon", All: true}); err != nil || len(list.Machines.Machines) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if would, err := c.PlanStop(ctx, ids...); err != nil || !would.DryRun || len(would.Machines) != 3 {
		t.Errorf("%+v, %v", would, err)
	}
	if would, err := c.PlanStart(ctx, ids...); err != nil || !would.DryRun || len(would.Machines) != 0 { // they run
		t.Errorf("%+v, %v", would, err)
	}
	if would, err := c.PlanReturn(ctx, client.Return{Request: made.ID}); err != nil || !would.DryRun || len(would.Machines) != 3 {
		t.Errorf("%+v, %v", would, err)
	}
	if would, err := c.DrainMachines(ctx, client.Drain{Machines: ids, DryRun: true}); err != nil || !would.DryRun || len(would.Machines) != 3 {
		t.Errorf("%+v, %v", would, err)
	}
	if done, err := c.StopMachines(ctx, "i-none"); err != nil || len(done.Refused) != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if done, err := c.StartMachines(ctx, "i-none"); err != nil || len(done.Refused) != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if done, err := c.DrainMachines(ctx, client.Drain{Machines: ids[:1]}); err != nil || len(done.Machines) != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if list, err := c.Reclaimed(ctx); err != nil || len(list) != 1 || list[0].Grace != 600 {
		t.Errorf("%+v, %v", list, err)
	}
	back, err := c.ReturnMachines(ctx, client.Return{Machines: ids})
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Second)
	if shown, err := c.Request(ctx, back.ID); err != nil || *shown.Gone != 3 {
		t.Errorf("%+v, %v", shown, err)
	}
	if made, err = c.RequestMachines(ctx, client.Order{Template: "small", Count: 1}); err != nil {
		t.Fatal(err)
	}
	if would, err := c.PlanCancel(ctx, made.ID); err != nil || !would.DryRun || len(would.Machines) != 1 || would.Status.Terminal() {
		t.Errorf("%+v, %v", would, err)
	}
	if shown, err := c.CancelRequest(ctx, made.ID, "nobody needs it"); err != nil || shown.Message != "cancelled by rest:a-admin: nobody needs it" {
		t.Errorf("%+v, %v", shown, err)
	}
	requests := 0
	for r, err := range c.EachRequest(ctx, client.RequestFilter{Limit: 1, Verbose: true, Type: ohfp.TypeAcquire}) {
		if err != nil || r.Type != ohfp.TypeAcquire {
			t.Fatal(r, err)
		}
		requests++
	}
	if requests != 2 {
		t.Errorf("%d requests", requests)
	}
	for e, err := range c.Events(ctx, 0) {
		if err != nil || e.Kind != ohfp.TemplateCreated && e.Kind != ohfp.RequestCreated {
			t.Errorf("%+v, %v", e, err)
		}
		break
	}
	c.Token = "wrong"
	if _, err := c.Info(ctx); !errors.Is(err, ohfp.ErrDenied) {
		t.Error(err)
	}
}

// refusing fails every plan.
type refusing struct {
	*command.Commands

	with error
}

// failing is a world whose plans fail.
func failing(with error) func(*world) {
	return func(w *world) { w.server.Commands = refusing{w.commands, with} }
}

// TestKindsArrive: a failure has the same kind for whoever calls as it has here.
func TestKindsArrive(t *testing.T) {
	t.Parallel()
	for _, kind := range append(ohfp.Kinds(), nil) {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			failure := errors.New("of no kind")
			if kind != nil {
				failure = ohfp.Errorf(kind, "thing is wrong")
			}
			w := newWorld(t, failing(failure))
			_, err := w.client().PlanRequest(t.Context(), client.Order{Template: "small", Count: 1})
			var told *client.Error
			if !errors.As(err, &told) || ohfp.KindOf(err) != kind || kind != nil && told.Retry != ohfp.Retryable(failure) {
				t.Errorf("%v (%v) arrived as %+v", failure, kind, err)
			}
			if kind == nil && (told.Status != http.StatusInternalServerError || told.Detail == failure.Error()) {
				t.Errorf("%+v", told)
			}
		})
	}
}

func (r refusing) PlanRequest(context.Context, command.RequestMachines) (command.RequestPlan, error) {
	return command.RequestPlan{}, r.with
}
