package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"
	"go.yaml.in/yaml/v4"

	"github.com/openhostfactory/ohfp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

type machine struct {
	ID    string `json:"machineId"`
	Name  string `json:"name,omitempty"`
	State string `json:"state"`
}

type request struct {
	ID        string            `json:"requestId"`
	Status    string            `json:"status"`
	Template  string            `json:"templateId"`
	Count     int               `json:"count"`
	CreatedAt string            `json:"createdAt"`
	Message   string            `json:"message,omitempty"`
	Tags      map[string]string `json:"tags,omitempty"`
	Machines  []machine         `json:"machines,omitempty"`
}

type document struct {
	Requests []request `json:"requests"`
	Message  string    `json:"message,omitempty"`
	Problems []string  `json:"problems,omitempty"`
}

func layout() Layout {
	return Layout{
		Records: "requests",
		Empty:   "No requests.",
		Columns: []Column{
			{Key: "requestId", Heading: "request"},
			{Key: "status", State: true},
			{Key: "templateId", Heading: "template"},
			{Key: "count", Number: true},
			{Key: "message"},
			{Key: "tags", Text: func(value json.RawMessage) string { return "tags: " + string(value) }},
		},
		Within: map[string]Layout{"machines": {Columns: []Column{{Key: "machineId", Heading: "machine"}, {Key: "state", State: true}}}},
	}
}

func two() document {
	return document{
		Requests: []request{
			{
				ID: "req-01932f3c-7c3e-7abc-9abc-123456789012", Status: "complete", Template: "EC2FleetInstant", Count: 2,
				CreatedAt: "2026-11-23T11:43:10Z", Tags: map[string]string{"team": "risk <a&b>"},
				Machines: []machine{{"i-0123456789abcdef0", "ip-10-0-0-4.ec2.internal", "running"}, {"i-0123456789abcdef1", "", "terminated"}},
			},
			{
				ID: "req-01932f3c-7c3e-7abc-9abc-123456789013", Status: "failed", Template: "1", Count: 10,
				CreatedAt: "2026-11-23T11:44:10Z",
				Message:   "0 of 10 delivered; t3.medium in us-east-1a: InsufficientInstanceCapacity: there is\nno \x1b[31mcapacity",
			},
		},
		Message:  "2 requests",
		Problems: []string{"template x is not listed: its file is broken", "template y too"},
	}
}

// nestedRecords are records with what no column holds on a line: settings inside settings, and a listing.
func nestedRecords() []map[string]any {
	call := map[string]any{"type": "instant", "overrides": []map[string]any{{"type": "m5.xlarge", "weight": 1}, {"type": "c5.xlarge", "weight": 1}}}
	return []map[string]any{
		{"requestId": "req-1", "call": call, "diff": "--- /dev/null\n+++ /etc/ohfp/config.json\n+{\n+  \"region\": \"us-east-1\"\n+}\n", "machines": []machine{{"i-1", "", "running"}}},
		{"requestId": "req-2", "status": "failed", "labels": map[string]any{"face": "cli", "operation": "infrastructure.validate", "outcome": "not_found"}, "machines": []machine{{"i-2", "", "running"}}},
	}
}

// nested is lists beside the records.
func nested() map[string]any {
	return map[string]any{
		"requests": nestedRecords(),
		"notTaken": []map[string]any{{"key": "naming", "line": 1, "reason": "names of requests and machines are fixed"}},
		"total":    map[string]any{"machines": 5, "vcpus": 20},
		"sum":      map[string]any{"machines": 5, "vcpus": 20, "dollarsPerHour": "0.50596", "vcpusUnknown": 0},
		"settings": map[string]any{"strategy": "sql", "sql": map[string]any{"type": "sqlite", "url": ""}},
	}
}

// arns are ids too long to lead a column of a terminal.
func arns() map[string]any {
	return map[string]any{"resources": []map[string]any{
		{"kind": "subnet", "id": "subnet-0000000000000000a"},
		{"kind": "role", "id": "arn:aws:iam::123456789012:role/aws-service-role/spotfleet.amazonaws.com/AWSServiceRoleForEC2SpotFleet", "name": "AWSServiceRoleForEC2SpotFleet"},
	}}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	single := layout()
	single.Records = ""
	tests := []struct {
		name     string
		document any
		layout   Layout
		format   Format
		screen   Screen
	}{
		{"json", two(), layout(), JSON, Screen{Width: 20, Colour: true}},
		{"yaml", two(), layout(), YAML, Screen{Width: 20, Colour: true}},
		{"list", two(), layout(), List, Screen{Width: 20, Colour: true}},
		{"table-wide", two(), layout(), Table, Screen{}},
		{"table-160", two(), layout(), Table, Screen{Width: 160}},
		{"table-100-colour", two(), layout(), Table, Screen{Width: 100, Colour: true}},
		{"table-80", two(), layout(), Table, Screen{Width: 80}},
		{"table-44", two(), layout(), Table, Screen{Width: 44}},
		{"table-20", two(), layout(), Table, Screen{Width: 20}},
		{"table-empty", document{}, layout(), Table, Screen{}},
		{"list-empty", document{}, layout(), List, Screen{}},
		{"nested-60", nested(), layout(), Table, Screen{Width: 60}},
		{"arn-80", arns(), Layout{Records: "resources", Columns: []Column{{Key: "kind"}, {Key: "id"}, {Key: "name"}}}, Table, Screen{Width: 80}},
		{"nested-wide", nested(), layout(), Table, Screen{}},
		{"nested-single", nestedRecords()[0], single, Table, Screen{Width: 60}},
		{"single-table", two().Requests[0], single, Table, Screen{Width: 80}},
		{"single-list", two().Requests[0], single, List, Screen{}},
		{"single-json", two().Requests[1], single, JSON, Screen{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := Write(&out, test.format, test.document, test.layout, test.screen); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", test.name+".golden")
			if *update {
				if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Errorf("-want +got, go test -update if it should be so:\n%s", diff)
			}
		})
	}
}

// TestSameDataEverywhere: every value of the document is somewhere in each format, and at every width.
func TestSameDataEverywhere(t *testing.T) {
	t.Parallel()
	for _, format := range Formats() {
		for _, width := range []int{0, 44, 60, 80, 120, 200} {
			var out bytes.Buffer
			if err := Write(&out, format, two(), layout(), Screen{Width: width}); err != nil {
				t.Fatal(err)
			}
			squeezed := squeeze(out.String())
			for _, r := range two().Requests {
				values := []string{r.ID, r.Status, r.Template, strconv.Itoa(r.Count), r.CreatedAt}
				for _, m := range r.Machines {
					values = append(values, m.ID, m.Name, m.State)
				}
				for _, value := range values {
					if !strings.Contains(squeezed, squeeze(value)) {
						t.Errorf("%s at width %d does not show %q", format, width, value)
					}
				}
			}
			if format == Table && width > 0 {
				for line := range strings.Lines(out.String()) {
					if got := text.StringWidth(strings.TrimSuffix(line, "\n")); got > width {
						t.Errorf("a line of %d columns at width %d: %s", got, width, line)
					}
				}
			}
		}
	}
}

// squeeze takes out what wrapping adds.
func squeeze(s string) string {
	return strings.NewReplacer(" ", "", "\n", "", "│", "").Replace(s)
}

func TestParseFormat(t *testing.T) {
	t.Parallel()
	for _, f := range Formats() {
		if got, err := ParseFormat(string(f)); err != nil || got != f {
			t.Errorf("ParseFormat(%q) = %q, %v", f, got, err)
		}
	}
	if _, err := ParseFormat("xml"); !errors.Is(err, ohfp.ErrInvalid) || !strings.Contains(err.Error(), "json, yaml, table, list") {
		t.Errorf("ParseFormat(xml): %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	if err := Write(failingWriter{full}, JSON, two(), layout(), Screen{}); !errors.Is(err, full) {
		t.Errorf("a writer's error is lost: %v", err)
	}
	if err := Write(&bytes.Buffer{}, JSON, func() {}, layout(), Screen{}); err == nil {
		t.Error("a document that is no JSON was written")
	}
	if err := Write(&bytes.Buffer{}, "xml", two(), layout(), Screen{}); !errors.Is(err, ohfp.ErrInvalid) {
		t.Errorf("format xml: %v", err)
	}
}

// FuzzYAML: YAML says the same as JSON, whatever the strings look like.
func FuzzYAML(f *testing.F) {
	for _, seed := range []string{"", "1", "true", "null", "~", "2026-11-23", "a: b", "- x", "\x1b[31m", "l1\nl2", " lead", "é", "0x10", "1_000", "<<", "=", "yes"} {
		f.Add(seed, seed, int64(5))
	}
	f.Fuzz(func(t *testing.T, key, value string, count int64) {
		document := map[string]any{key: value, "count": count, "list": []any{value, nil, true, map[string]any{"x": value}}}
		encoded, err := json.Marshal(document)
		if err != nil {
			t.Skip()
		}
		var out bytes.Buffer
		if err := Write(&out, YAML, document, Layout{}, Screen{}); err != nil {
			t.Fatal(err)
		}
		var fromYAML map[string]any
		if err := yaml.Unmarshal(out.Bytes(), &fromYAML); err != nil {
			t.Fatalf("%v in:\n%s", err, out.String())
		}
		back, err := json.Marshal(fromYAML)
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		for data, target := range map[*any][]byte{&want: encoded, &got: back} {
			if err := json.Unmarshal(target, data); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-JSON +YAML:\n%s\n%s", diff, out.String())
		}
	})
}

// TestSpareWidth: room goes to the column that is broken into most lines, wherever it stands.
func TestSpareWidth(t *testing.T) {
	t.Parallel()
	type finding struct {
		About string `json:"about"`
		Text  string `json:"text"`
		Fix   string `json:"fix"`
	}
	how := Layout{Records: "findings", Columns: []Column{{Key: "about"}, {Key: "text"}, {Key: "fix"}}}
	short, long := strings.Repeat("word ", 8), strings.Repeat("many words ", 20)
	for name, f := range map[string]finding{"last": {short, short, long}, "middle": {short, long, short}, "first": {long, short, short}} {
		var out bytes.Buffer
		if err := Write(&out, Table, map[string]any{"findings": []finding{f}}, how, Screen{Width: 150}); err != nil {
			t.Fatal(err)
		}
		// Of 140 columns the short ones get 28 each, which is enough for two lines. The long one has 219 characters.
		if strings.Count(out.String(), "\n") != 4+3 {
			t.Errorf("%s:\n%s", name, out.String())
		}
	}
}

// FuzzTable: whatever the text and the width, tables are drawn and no control character reaches the terminal.
func FuzzTable(f *testing.F) {
	f.Add("a b c", 10)
	f.Add("\x1b]0;title\x07", 80)
	f.Add("日本語 テキスト", 12)
	f.Fuzz(func(t *testing.T, value string, width int) {
		doc := two()
		doc.Requests[0].Message = value
		for _, format := range []Format{Table, List} {
			var out bytes.Buffer
			if err := Write(&out, format, doc, layout(), Screen{Width: width % 300}); err != nil {
				t.Fatal(err)
			}
			if i := strings.IndexFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }); i >= 0 {
				t.Errorf("control character %q in %s", out.String()[i], format)
			}
		}
	})
}
