package rest

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/figures"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/telemetry"
	"github.com/openhostfactory/ohfp/internal/view"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, has := range map[string]string{
		"/api/v1/config?key=limits":        `"limits.type"`,
		"/api/v1/config/schema":            `"type":"object"`,
		"/api/v1/providers/cloud":          `providers[cloud].type`,
		"/api/v1/scheduler":                `"confDir":"/conf"`,
		"/api/v1/scheduler/strategies/":    `"currentStrategy":"hostfactory"`,
		"/api/v1/storage":                  `"strategy":"dynamodb"`,
		"/api/v1/storage/strategies":       `"current_strategy":"dynamodb"`,
		"/api/v1/storage/health":           `"healthy":true`,
		"/api/v1/storage/validate":         `"success":true`,
		"/api/v1/storage/metrics?rounds=2": `"operations_count":`,
	} {
		a := w.call(http.MethodGet, path, "")
		w.want(http.StatusOK, a, nil)
		if !strings.Contains(a.Text, has) {
			t.Errorf("%s: %s", path, a.Text)
		}
	}
	w.want(http.StatusOK, w.call(http.MethodPost, "/api/v1/storage/test", ""), nil)
	w.want(http.StatusUnprocessableEntity, w.call(http.MethodGet, "/api/v1/storage/metrics?rounds=0", ""), nil)
}

// TestABrokenStore: what monitors ask says so in the status, too.
func TestABrokenStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(w *world) { w.broken = ohfp.Errorf(ohfp.ErrUnavailable, "the disk is gone") })
	for _, call := range []string{"GET /api/v1/storage/health", "GET /api/v1/storage/validate", "POST /api/v1/storage/test"} {
		method, path, _ := strings.Cut(call, " ")
		a := w.call(method, path, "")
		if a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.Text, "the disk is gone") {
			t.Errorf("%s: %s: %s", call, a.Status, a.Text)
		}
	}
}

// TestFailuresAreSafeToTell: nobody reads a password, and only administrators read the words of drivers.
func TestFailuresAreSafeToTell(t *testing.T) {
	t.Parallel()
	const dsn = "postgresql://ohfp:hunter2@db.internal:5432/ohfp"
	failure := ohfp.Errorf(ohfp.ErrUnavailable, "store cannot be reached: %w", errors.New("failed to connect to `"+dsn+"`: user=ohfp password=hunter2 open /var/lib/ohfp/ohfp.db"))
	var lines lockedBuffer
	w := newWorld(t, closed, func(w *world) {
		w.broken = failure
		w.server.Log = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{ReplaceAttr: telemetry.Mask}))
		looks, status := w.server.Watched.Checks, w.server.Watched.Status
		w.server.Watched.Checks = func(ctx context.Context) figures.HealthReport {
			h := looks(ctx)
			h.Look("store read", w.clock.Now, func() (string, string, error) { return "", "", failure })
			return h
		}
		w.server.Watched.Status = func() api.SystemStatus {
			told := status()
			told.Problem = failure.Error()
			return told
		}
		w.server.Providers = unreached{err: failure}
	})
	for _, role := range access.Roles() {
		w.token = w.tokenFor(role)
		for _, call := range []string{
			"GET /api/v1/storage/health", "GET /api/v1/storage/validate", "POST /api/v1/storage/test", "GET /api/v1/system/health", "GET /api/v1/system/status",
			"GET /api/v1/storage/metrics", "GET /api/v1/providers/cloud/health",
		} {
			method, path, _ := strings.Cut(call, " ")
			a := w.call(method, path, "", "X-Request-Id", "call-of-"+string(role))
			if strings.Contains(a.Text, "hunter2") {
				t.Errorf("%s tells %s a password: %s", call, role, a.Text)
			}
			if path == "/api/v1/providers/cloud/health" {
				continue // a cloud's words are for everybody who asks for machines
			}
			if a.StatusCode != http.StatusServiceUnavailable && path != "/api/v1/system/status" {
				t.Errorf("%s: %s", call, a.Status)
			}
			raw := strings.Contains(a.Text, "/var/lib") || strings.Contains(a.Text, "db.internal")
			switch problem := a.Header.Get("Content-Type") == problemJSON; {
			case problem: // its words are those of the error, as everywhere
			case raw != (role == access.Admin):
				t.Errorf("%s tells %s: %s", call, role, a.Text)
			case !raw && !strings.Contains(a.Text, "administrators are told"):
				t.Errorf("%s does not tell %s where to look: %s", call, role, a.Text)
			}
		}
	}
	if log := lines.String(); strings.Contains(log, "hunter2") || !strings.Contains(log, "db.internal") {
		t.Errorf("log:\n%s", log)
	}
}

func TestTemplateFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var file view.TemplateFile
	made := w.call(http.MethodPost, "/api/v1/templates/generate", `{"subnet_ids": ["a"]}`)
	w.want(http.StatusOK, made, &file)
	if len(file.Templates) != 1 || !strings.Contains(string(file.Templates[0]), `"subnetIds":["a"]`) || !strings.Contains(string(file.Templates[0]), `"provider":"cloud"`) {
		t.Error(made.Text)
	}
	w.want(http.StatusBadRequest, w.call(http.MethodPost, "/api/v1/templates/generate", `{"providerApi": "wrong"}`), nil)
	body := `{"templates": [{"templateId": "one", "maxNumber": 1, "spec": {"type": "small"}}, {"templateId": "small"}, {"templateId": "?"}]}`
	for _, dry := range []bool{true, false} {
		var done view.TemplateChanges
		path := "/api/v1/templates/import"
		if dry {
			path += "?dry_run=true"
		}
		w.want(http.StatusOK, w.call(http.MethodPost, path, body), &done)
		if len(done.Templates) != 3 || done.Templates[0].Result != "created" || done.Templates[1].Result != "not taken" || done.Templates[2].Message == "" {
			t.Errorf("%+v", done)
		}
		status := http.StatusOK
		if dry {
			status = http.StatusNotFound
		}
		w.want(status, w.call(http.MethodGet, "/api/v1/templates/one", ""), nil)
	}
	for path, want := range map[string]int{"": 2, "?id=one": 1, "?id=one,small": 2} {
		w.want(http.StatusOK, w.call(http.MethodGet, "/api/v1/templates/export"+path, ""), &file)
		if len(file.Templates) != want {
			t.Errorf("%s: %d templates", path, len(file.Templates))
		}
	}
}

// TestDryRuns: they list what would be done, refuse what would be refused, and do nothing.
func TestDryRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, switching)
	r := w.delivered(2)
	ids := `"machineIds": ["` + string(r.Machines[0].ID) + `", "` + string(r.Machines[1].ID) + `", "i-none"]`
	var open view.Request
	w.want(http.StatusAccepted, w.call(http.MethodPost, "/api/v1/requests", `{"templateId": "small", "count": 3}`), &open)
	before := w.records()
	for _, call := range []struct {
		method, path, body  string
		machines, leftAside int
	}{
		{http.MethodDelete, "/api/v1/requests/" + string(open.ID) + "?dry_run=true", "", 3, 0},
		{http.MethodPost, "/api/v1/machines/stop", `{"dry_run": true, ` + ids + `}`, 2, 1},
		{http.MethodPost, "/api/v1/machines/start", `{"dryRun": true, ` + ids + `}`, 0, 1}, // they run
		{http.MethodPost, "/api/v1/machines/drain", `{"dryRun": true, "force": true, "grace": 0, ` + ids + `}`, 2, 1},
		{http.MethodPost, "/api/v1/machines/drain", `{"dryRun": true, "cancel": true, ` + ids + `}`, 0, 3},
	} {
		var would struct {
			DryRun   bool              `json:"dryRun"`
			Machines []json.RawMessage `json:"machines"`
			Refused  []json.RawMessage `json:"refused"`
			Unknown  []json.RawMessage `json:"unknown"`
		}
		w.want(http.StatusOK, w.call(call.method, call.path, call.body), &would)
		if !would.DryRun || len(would.Machines) != call.machines || len(would.Refused)+len(would.Unknown) != call.leftAside {
			t.Errorf("%s %s %s: %+v", call.method, call.path, call.body, would)
		}
		if diff := cmp.Diff(before, w.records()); diff != "" {
			t.Errorf("%s %s %s has changed something:\n%s", call.method, call.path, call.body, diff)
		}
	}
	w.want(http.StatusConflict, w.call(http.MethodDelete, "/api/v1/requests/"+string(r.ID)+"?dryRun=true", ""), nil)
	w.want(http.StatusNotFound, w.call(http.MethodDelete, "/api/v1/requests/req-none?dryRun=true", ""), nil)
	w.want(http.StatusOK, w.call(http.MethodPost, "/api/v1/machines/stop", `{`+ids+`}`), nil)
	var would api.Switched
	w.want(http.StatusOK, w.call(http.MethodPost, "/api/v1/machines/start", `{"dryRun": true, `+ids+`}`), &would)
	if len(would.Machines) != 2 {
		t.Errorf("%+v", would)
	}
}

// records are all that the store has, as text.
func (w *world) records() string {
	w.tb.Helper()
	requests, err := w.store.Requests(w.tb.Context(), query.RequestFilter{Machines: true})
	if err != nil {
		w.tb.Fatal(err)
	}
	events, err := w.store.Events(w.tb.Context(), query.EventFilter{})
	if err != nil {
		w.tb.Fatal(err)
	}
	text, err := json.MarshalIndent([]any{requests, events}, "", " ")
	if err != nil {
		w.tb.Fatal(err)
	}
	return string(text)
}

// TestPlanOfAReturn: it lists what would end, and ends nothing.
func TestPlanOfAReturn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.delivered(2)
	for body, want := range map[string]int{
		`{"requestId": "` + string(r.ID) + `"}`:                            2,
		`{"machine_ids": ["` + string(r.Machines[0].ID) + `", "unknown"]}`: 1,
		`{"names": ["` + r.Machines[1].Name + `"]}`:                        1,
		`{"allMachines": true}`:                                            2,
	} {
		var plan api.PlannedEnd
		w.want(http.StatusOK, w.call(http.MethodPost, "/api/v1/machines/return/plan", body), &plan)
		if !plan.DryRun || plan.Action != "return" || len(plan.Machines) != want {
			t.Errorf("%s: %+v", body, plan)
		}
	}
	w.want(http.StatusNotFound, w.call(http.MethodPost, "/api/v1/machines/return/plan", `{"requestId": "req-none"}`), nil)
	w.want(http.StatusBadRequest, w.call(http.MethodPost, "/api/v1/machines/return/plan", `{}`), nil)
	machines, err := w.store.Machines(t.Context(), query.MachineFilter{})
	if err != nil || len(machines) != 2 || !machines[0].Wanted() || !machines[1].Wanted() {
		t.Errorf("%+v, %v", machines, err)
	}
}
