package app

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/events"
)

// opened opens the program with a configuration file, for a test that looks at what became of its settings.
func opened(t *testing.T, settings string, environ ...string) *App {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.yml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Sources{Environ: append(environ, "OHFP_CONF_DIR="+dir, "OHFP_WORK_DIR="+dir), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		variables[name] = value
	}
	a, err := Open(t.Context(), cfg, Options{Stderr: io.Discard, Now: time.Now, LookupEnv: func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// TestPoliciesReachTheCommands: what package command's own tests show the effect of.
func TestPoliciesReachTheCommands(t *testing.T) {
	t.Parallel()
	a := opened(t, `
requests: {unanswered_release: 3m, abandoned_after: 4m, release_abandoned: true, timeout: 5m}
orphans: {policy: terminate, quarantine: 2h, min_age: 3m, max_share: 7, interval: 9m}
interruptions: {rebalance: true}
limits: {max_machines_per_request: 11, max_machines: 12, max_vcpus: 13, max_hourly_cost: 1.5}
`)
	if diff := cmp.Diff(command.RequestPolicy{Timeout: 5 * time.Minute, Abandon: ohfp.AbandonPolicy{
		Unanswered: 3 * time.Minute, Unpolled: 4 * time.Minute, Release: true,
	}}, a.Commands.Requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(command.OrphanPolicy{
		Watch: true, Collect: true, Quarantine: 2 * time.Hour, MinAge: 3 * time.Minute, Interval: 9 * time.Minute, MaxShare: 7,
	}, a.Commands.Orphans); diff != "" {
		t.Errorf("orphans (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(command.Limits{PerRequest: 11, Provider: 12, VCPUs: 13, Price: 1_500_000}, a.Commands.Limits); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
	if !a.Queries.Rebalance {
		t.Error("interruptions.rebalance is lost")
	}
}

// TestLogIsRotated: by size, and so many are kept.
func TestLogIsRotated(t *testing.T) {
	t.Parallel()
	for keep := range 2 {
		a := opened(t, fmt.Sprintf("logging: {max_size_mb: 1, max_rotate: %d, file: x.log}\n", keep))
		line := strings.Repeat("x", 300_000)
		for range 5 {
			a.Log.Info(line)
		}
		_, err := os.Stat(filepath.Join(a.Config.ConfDir, "x.log.1"))
		if (err == nil) != (keep == 1) {
			t.Errorf("with max_rotate %d the old file: %v", keep, err)
		}
	}
}

// TestSinkSettings: what package events' own tests show the effect of.
func TestSinkSettings(t *testing.T) {
	t.Parallel()
	a := opened(t, "events: {sinks: [{name: a, type: file, path: e.jsonl, max_size_mb: 2, max_rotate: 3}]}\n")
	want := events.File{Path: filepath.Join(a.Config.ConfDir, "e.jsonl"), MaxBytes: 2 << 20, Keep: 3}
	if diff := cmp.Diff(want, a.Commands.Events.Followers[0].Sink); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestDynamoDBSettings: the store calls the endpoint, signs for the region with the profile's key, and names its table.
func TestDynamoDBSettings(t *testing.T) { //nolint:paralleltest // the SDK finds credentials by the environment of the process
	var mu sync.Mutex
	var signature, body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		mu.Lock()
		signature, body = r.Header.Get("Authorization"), string(text)
		mu.Unlock()
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.Copy(w, bytes.NewReader([]byte(`{"__type":"com.amazon.coral.service#AccessDeniedException","message":"no"}`)))
	}))
	defer server.Close()
	credentials := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(credentials, []byte("[records]\naws_access_key_id=AKRECORDS\naws_secret_access_key=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", credentials)
	t.Setenv("AWS_CONFIG_FILE", "/nowhere")
	place := config.DynamoDB{Region: "eu-north-1", Profile: "records", Endpoint: server.URL, TablePrefix: "site7"}
	records, err := OpenStore(t.Context(), config.Storage{Strategy: config.StrategyDynamoDB, DynamoDB: place}, Options{
		Now: time.Now, LookupEnv: os.LookupEnv,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer records.Close()
	if _, err := records.Request(t.Context(), "req-01932f3c-7c3e-7abc-9abc-123456789012"); err == nil {
		t.Error("a refused read succeeded")
	}
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(signature, "AKRECORDS/") || !strings.Contains(signature, "/eu-north-1/dynamodb/") || !strings.Contains(body, `"site7-records"`) {
		t.Errorf("signed %q, asked %s", signature, body)
	}
}
