package telemetry_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/openhostfactory/ohfp/internal/doctest"
	"github.com/openhostfactory/ohfp/internal/telemetry"
)

//go:generate go test . -run TestTheTableOfMetrics -update

var update = flag.Bool("update", false, "rewrite the table in docs/monitoring.md")

// queries are what the dashboard and the alert rules ask, by where they ask it.
func queries(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	content, err := os.ReadFile(filepath.Join("..", "..", "deploy", "prometheus", "alerts.yml"))
	if err == nil {
		err = yaml.Unmarshal(content, &rules)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" || found["alert "+rule.Alert] != "" {
				t.Errorf("alert %q has no name of its own", rule.Alert)
			}
			found["alert "+rule.Alert] = rule.Expr
		}
	}
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Type, Query string }
		}
	}
	content, err = os.ReadFile(filepath.Join("..", "..", "deploy", "grafana", "ohfp.json"))
	if err == nil {
		err = json.Unmarshal(content, &board)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, panel := range board.Panels {
		for i, target := range panel.Targets {
			found[fmt.Sprintf("panel %d %s %d", panel.ID, panel.Title, i)] = target.Expr
		}
	}
	for _, variable := range board.Templating.List {
		if variable.Type == "query" {
			found["variable "+variable.Name] = variable.Query
		}
	}
	return found
}

var (
	quoted    = regexp.MustCompile(`"[^"]*"`)
	ranges    = regexp.MustCompile(`\[[^]]*\]`)
	matchers  = regexp.MustCompile(`\{[^}]*\}`)
	groupings = regexp.MustCompile(`\b(by|without) \([^)]*\)`)
	names     = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
	words     = []string{"or", "and", "unless", "by", "without", "vector", "absent", "label_values"}
	calls     = regexp.MustCompile(`[a-z_]+ ?\($`)
)

// TestQueriesNameWhatExists fails when the dashboard or an alert names a metric or a label that nobody tells.
func TestQueriesNameWhatExists(t *testing.T) {
	t.Parallel()
	series := map[string][]string{} // labels by name
	for _, d := range telemetry.Definitions() {
		series[string(d.Name)] = d.Labels
		if d.Kind == telemetry.Histogram {
			delete(series, string(d.Name))
			for _, part := range []string{"_bucket", "_sum", "_count"} {
				series[string(d.Name)+part] = d.Labels
			}
			series[string(d.Name)+"_bucket"] = append(slices.Clone(d.Labels), "le")
		}
	}
	asked := queries(t)
	if len(asked) < 40 {
		t.Fatalf("only %d queries were found", len(asked))
	}
	watched := map[string]bool{}
	for where, query := range asked {
		if where == "variable instance" {
			query, _, _ = strings.Cut(strings.TrimPrefix(query, "label_values("), ",")
		}
		if strings.Count(query, "(") != strings.Count(query, ")") || strings.Count(query, "{") != strings.Count(query, "}") {
			t.Errorf("%s: brackets do not match in %s", where, query)
		}
		labels := []string{"instance", "job"} // Prometheus adds them
		bare := groupings.ReplaceAllString(matchers.ReplaceAllString(ranges.ReplaceAllString(quoted.ReplaceAllString(query, ""), ""), ""), "")
		asks := 0
		for _, at := range names.FindAllStringIndex(bare, -1) {
			name := bare[at[0]:at[1]]
			if at[1] < len(bare) && calls.MatchString(bare[at[0]:at[1]+1]) || slices.Contains(words, name) {
				continue // a function
			}
			if at[0] > 0 && bare[at[0]-1] >= '0' && bare[at[0]-1] <= '9' {
				continue // the end of a number
			}
			of, ok := series[name]
			if !ok && !slices.Contains([]string{"sum", "max", "min"}, name) {
				t.Errorf("%s asks for %s, which nobody tells", where, name)
			}
			if ok {
				asks++
				watched[name] = true
				labels = append(labels, of...)
			}
		}
		if asks == 0 {
			t.Errorf("%s asks for nothing: %s", where, query)
		}
		var used []string
		for _, group := range groupings.FindAllString(query, -1) {
			_, list, _ := strings.Cut(group, "(")
			used = append(used, names.FindAllString(list, -1)...)
		}
		for _, matcher := range matchers.FindAllString(query, -1) {
			used = append(used, names.FindAllString(quoted.ReplaceAllString(matcher, ""), -1)...)
		}
		for _, label := range used {
			if !slices.Contains(labels, label) {
				t.Errorf("%s uses the label %s, which nothing it asks for has: %s", where, label, query)
			}
		}
	}
	for _, name := range []telemetry.Metric{
		telemetry.Orphans, telemetry.EndsOverdue, telemetry.BreakerOpen, telemetry.RequestsOverdue, telemetry.ReconcileLag,
		telemetry.StoreOperations, telemetry.CloudCalls,
	} {
		if !watched[string(name)] {
			t.Errorf("nobody watches %s", name)
		}
	}
}

const again = "go test ./internal/telemetry -run TestTheTableOfMetrics -update"

// TestTheTableOfMetrics fails when docs/monitoring.md tells of other metrics than there are.
func TestTheTableOfMetrics(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("\n| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, d := range telemetry.Definitions() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Name, d.Kind, strings.Join(d.Labels, ", "), d.Help)
	}
	b.WriteString("\n")
	doctest.Written{
		Path: "../../docs/monitoring.md", Ends: "<!-- end of the table -->\n", Again: again,
		Begins: "<!-- The table is written by: " + again + " -->\n",
	}.Check(t, b.String(), *update)
}
