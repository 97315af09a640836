package rest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp/internal/command"
)

// TestReferenceRoutes makes the calls of the Python system's REST interface and those of its clients, in the words that they
// use. ID, OPEN and MACHINE stand for what there is. What is answered otherwise is in docs/rest.md.
func TestReferenceRoutes(t *testing.T) {
	t.Parallel()
	mine := `{"template_id": "mine", "max_number": 2, "spec": {"type": "small"}}`
	for _, test := range []struct {
		call, body string
		status     int
		has        string
	}{
		{"GET /health", "", 200, `"status":"healthy"`},
		{"GET /info", "", 200, `"authEnabled":false`},
		{"GET /docs", "", 200, "swagger"},
		{"GET /redoc", "", 302, ""},
		{"GET /openapi.json", "", 200, `"openapi": "3.1`},
		{"GET /favicon.ico", "", 200, "PNG"},
		{"GET /api/v1/templates/?provider_api=RunInstances&limit=50&offset=0", "", 200, `"templates":`},
		{"POST /api/v1/templates/validate", mine, 200, `"valid":true`},
		{"POST /api/v1/templates/", mine, 201, `"templateId":"mine"`},
		{"GET /api/v1/templates/mine", "", 200, `"templateId":"mine"`},
		{"PUT /api/v1/templates/mine", mine, 200, `"maxNumber":2`},
		{"DELETE /api/v1/templates/mine", "", 204, ""},
		{"POST /api/v1/templates/refresh", "", 200, `"templates":`},
		{"GET /api/v1/templates/none", "", 404, `"not_found"`},
		{"POST /api/v1/machines/request", `{"template_id": "small", "count": 1}`, 202, `"requestId"`},
		{"POST /api/v1/machines/request", `{"templateId": "small", "machineCount": 1}`, 202, `"requestId"`},
		{"POST /api/v1/machines/request/", `{"template_id": "small", "machine_count": 1}`, 202, `"requestId"`},
		{"POST /api/v1/machines/request/", `{"template_id": "small", "count": 1, "additional_data": {}}`, 202, `"requestId"`},
		{"POST /api/v1/machines/request/", `{"template_id": "small", "count": 1, "additional_data": {"x": 1}}`, 422, "additionalData"},
		{"GET /api/v1/machines/?status=running&provider_name=cloud&request_id=ID&limit=50&offset=1", "", 200, `"machines":[{`},
		{"GET /api/v1/machines/MACHINE", "", 200, `"machineId":"MACHINE"`},
		{"GET /api/v1/machines/none", "", 404, `"detail"`},
		{"POST /api/v1/machines/return", `{"machine_ids": ["MACHINE"], "force": false}`, 200, `"requestId"`},
		{"POST /api/v1/machines/return/", `{"machineIds": ["MACHINE"]}`, 200, `"requestId"`},
		{"POST /api/v1/machines/return/", `{"machine_ids": ["MACHINE"], "force": true}`, 200, `"requestId"`},
		{"POST /api/v1/machines/return/", `{"all_machines": true}`, 400, "force"},
		{"POST /api/v1/machines/return/", `{"all_machines": true, "force": true}`, 200, `"count":2`},
		{"GET /api/v1/requests/?status=complete&limit=50&offset=0&sync=true", "", 200, `"requests":[{`},
		{"GET /api/v1/requests/return?limit=10", "", 200, `"requests":[]`},
		{"GET /api/v1/requests/ID", "", 200, `"status":"complete"`},
		{"GET /api/v1/requests/ID/status?verbose=true", "", 200, `"machines":[{`},
		{"GET /api/v1/requests/ID/stream?interval=2&timeout=300", "", 200, "data: {}"},
		{"DELETE /api/v1/requests/OPEN?reason=no%20need", "", 200, `no need`},
		{"DELETE /api/v1/requests/OPEN/", "", 200, `"status"`},
	} {
		t.Run(test.call, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.delivered(2)
			other, err := w.commands.RequestMachines(t.Context(), command.RequestMachines{Template: "small", Count: 1})
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(strings.Fields(test.call)[1], "/mine") {
				w.want(http.StatusCreated, w.call(http.MethodPost, "/api/v1/templates", mine), nil)
			}
			names := strings.NewReplacer("MACHINE", string(r.Machines[0].ID), "OPEN", string(other.ID), "ID", string(r.ID))
			method, path, _ := strings.Cut(test.call, " ")
			a := w.call(method, names.Replace(path), names.Replace(test.body))
			w.want(test.status, a, nil)
			if !strings.Contains(a.Text, names.Replace(test.has)) {
				t.Errorf("%s: %s; want %s", test.call, a.Text, test.has)
			}
		})
	}
}
