package output

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func conditions(t *testing.T, texts ...string) []Condition {
	t.Helper()
	var all []Condition
	for _, text := range texts {
		c, err := ParseCondition(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

func TestWhere(t *testing.T) {
	t.Parallel()
	tests := []struct {
		where         string
		limit, offset int
		want          string
	}{
		{"", 0, 0, "complete failed"},
		{"status=failed", 0, 0, "failed"},
		{"status=fail", 0, 0, ""},
		{"status~fail", 0, 0, "failed"},
		{"status=~^(complete|failed)$", 0, 0, "complete failed"},
		{"count=10", 0, 0, "failed"},
		{"template_id=1", 0, 0, "failed"},
		{"status~e count=2", 0, 0, "complete"},
		{"machines.state=terminated", 0, 0, "complete"},
		{"message=", 0, 0, "complete"},
		{"tags~risk", 0, 0, "complete"},
		{"status~e", 1, 0, "complete"},
		{"status~e", 1, 1, "failed"},
		{"status=failed", 1, 0, "failed"}, // paged after it was filtered
		{"status=failed", 0, 1, ""},
		{"", 0, 9, ""},
	}
	for _, test := range tests {
		s := Selection{Where: conditions(t, strings.Fields(test.where)...), Limit: test.limit, Offset: test.offset}
		chosen, _, err := s.Apply(two(), layout())
		if err != nil {
			t.Fatal(err)
		}
		var got document
		encoded, err := json.Marshal(chosen)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(encoded, &got); err != nil {
			t.Fatal(err)
		}
		var statuses []string
		for _, r := range got.Requests {
			statuses = append(statuses, r.Status)
		}
		if joined := strings.Join(statuses, " "); joined != test.want || got.Message != "2 requests" {
			t.Errorf("%s, limit %d, offset %d: %q, want %q", test.where, test.limit, test.offset, joined, test.want)
		}
	}
}

func TestBadConditions(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "status", "=x", "~x", "status=~("} {
		if _, err := ParseCondition(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	for _, s := range []Selection{{Where: conditions(t, "stat=x")}, {Fields: []string{"requestId", "stat"}}} {
		if _, _, err := s.Apply(two(), layout()); err == nil || !strings.Contains(err.Error(), `field "stat" does not exist here; the fields are requestId, status,`) {
			t.Errorf("unknown field: %v", err)
		}
	}
}

// TestFields: the same fields, in the same order, in each format.
func TestFields(t *testing.T) {
	t.Parallel()
	s := Selection{Fields: []string{"status", "machines.state", "request_id", "machines.machineId"}, Limit: 1, Snake: true}
	chosen, how, err := s.Apply(two(), layout())
	if err != nil {
		t.Fatal(err)
	}
	want := map[Format]string{
		JSON: `{
  "requests": [
    {
      "status": "complete",
      "machines": [
        {
          "state": "running",
          "machine_id": "i-0123456789abcdef0"
        },
        {
          "state": "terminated",
          "machine_id": "i-0123456789abcdef1"
        }
      ],
      "request_id": "req-01932f3c-7c3e-7abc-9abc-123456789012"
    }
  ],
  "message": "2 requests",
  "problems": [
    "template x is not listed: its file is broken",
    "template y too"
  ]
}
`,
		YAML: `requests:
  - status: complete
    machines:
      - state: running
        machine_id: i-0123456789abcdef0
      - state: terminated
        machine_id: i-0123456789abcdef1
    request_id: req-01932f3c-7c3e-7abc-9abc-123456789012
message: 2 requests
problems:
  - 'template x is not listed: its file is broken'
  - template y too
`,
		List: `status: complete
machines:
  - state: running
    machine_id: i-0123456789abcdef0
  - state: terminated
    machine_id: i-0123456789abcdef1
request_id: req-01932f3c-7c3e-7abc-9abc-123456789012

message: 2 requests
problems: template x is not listed: its file is broken, template y too
`,
		Table: `╭──────────┬──────────────────────────────────────────╮
│ STATUS   │ REQUEST                                  │
├──────────┼──────────────────────────────────────────┤
│ complete │ req-01932f3c-7c3e-7abc-9abc-123456789012 │
╰──────────┴──────────────────────────────────────────╯

Machines
╭────────────┬─────────────────────╮
│ STATE      │ MACHINE             │
├────────────┼─────────────────────┤
│ running    │ i-0123456789abcdef0 │
│ terminated │ i-0123456789abcdef1 │
╰────────────┴─────────────────────╯

2 requests
template x is not listed: its file is broken
template y too
`,
	}
	for _, format := range Formats() {
		var out bytes.Buffer
		if err := Write(&out, format, chosen, how, Screen{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[format], out.String()); diff != "" {
			t.Errorf("%s, -want +got:\n%s", format, diff)
		}
	}
}

// TestSnake: our names are spelled the other way, those of operators are not.
func TestSnake(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"requestId": "request_id", "privateIpAddress": "private_ip_address", "vCPUs": "v_cpus", "iso8601Date": "iso8601_date", "": "", "x": "x",
	} {
		if got := snake(name); got != want {
			t.Errorf("%s becomes %s, want %s", name, got, want)
		}
	}
	chosen, _, err := Selection{Snake: true}.Apply(map[string]any{
		"templateId": "myTemplate", "attributes": map[string]any{"priceInfo": 1}, "fields": map[string]any{"vmTypes": map[string]any{"aB": 1}},
	}, Layout{})
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(chosen)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"attributes":{"priceInfo":1},"fields":{"vm_types":{"aB":1}},"template_id":"myTemplate"}`; string(encoded) != want {
		t.Errorf("%s, want %s", encoded, want)
	}
}
