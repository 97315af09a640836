package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
)

// write makes a directory with these files.
func write(tb testing.TB, files map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// hostFactory is the environment in which Host Factory starts the scripts.
func hostFactory(dir string, more ...string) []string {
	return append([]string{
		"HF_PROVIDER_NAME=awsinst", "HF_PROVIDER_CONFDIR=" + dir, "HF_PROVIDER_WORKDIR=" + dir + "/work", "HF_PROVIDER_LOGDIR=" + dir + "/log",
	}, more...)
}

func load(t *testing.T, s Sources) Config {
	t.Helper()
	c, err := Load(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	dir := write(t, nil)
	c := load(t, Sources{Environ: hostFactory(dir)})
	want := Config{
		Instance: "awsinst", ConfDir: dir, WorkDir: dir + "/work", LogDir: dir + "/log",
		Providers: []Provider{{Name: "awsinst", Type: "aws", Enabled: true, Weight: 100}},
		Placement: Placement{Policy: "FIRST_AVAILABLE"},
		Storage:   Storage{Strategy: "sql", SQL: SQL{Type: SQLite, Path: dir + "/work/ohfp.db", Schema: "ohfp", MaxConnections: 8}, JSON: JSON{Path: dir + "/work/data", Backups: 5}, DynamoDB: DynamoDB{TablePrefix: "hostfactory"}, Retention: 720 * time.Hour},
		Limits:    Limits{MaxMachinesPerRequest: 10_000},
		Requests: Requests{
			Timeout: 10 * time.Minute, UnansweredRelease: 10 * time.Minute, AbandonedAfter: 40 * time.Minute, CallBudget: 20 * time.Second,
		},
		Scheduler: Scheduler{Type: SchedulerHostFactory},
		Cleaning:  Cleaning{UnusedAfter: 24 * time.Hour},
		Orphans: Orphans{
			Policy: OrphansReport, Interval: 10 * time.Minute, Quarantine: time.Hour, MinAge: 15 * time.Minute, MaxShare: 20,
		},
		Daemon: Daemon{
			Interval: time.Second, IdleInterval: 15 * time.Second, LiveInterval: 30 * time.Second,
			AnswerWithin: 5 * time.Second, StopWithin: 20 * time.Second, Lease: 6 * time.Second,
		},
		Resilience: Resilience{Breaker: Breaker{Enabled: true, Failures: 5, OpenFor: 30 * time.Second}, Pacing: true},

		Interruptions: Interruptions{PollInterval: 15 * time.Second, MaintenanceInterval: 5 * time.Minute},

		HostFactory: HostFactory{PartialResult: PartialWithError},
		Events:      Events{Templates: true},
		API:         API{Enabled: true, Host: "127.0.0.1", Port: 8000, TLS: TLS{MinVersion: "1.2"}, RateLimit: 100, MaxStreams: 2000},
		Auth:        Auth{NameClaim: "sub", RolesClaim: "groups", Leeway: 30 * time.Second},
		Audit:       Audit{Enabled: true, File: dir + "/work/audit.jsonl"},
		Access:      Access{LocalRole: "admin"},
		MCP:         MCP{Confirm: true},
		Logging:     Logging{AcceptPropagated: true, Level: slog.LevelInfo, Format: LogText, File: dir + "/log/ohfp.awsinst.log", MaxSizeMB: 10, MaxRotate: 5},
		Origins:     map[string]string{"providers": "environment"},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
}

// every is a file that sets every setting to something that is not its default.
const every = `{
  "providers": [
    {"name": "a", "type": "aws", "enabled": false, "priority": -1, "weight": 9, "config": {"region": "$REGION", "deep": [{"x": "${REGION}-1 $$5"}]},
     "template_defaults": {"keyName": "k", "subnetIds": ["s-1"]}},
    {"name": "b", "type": "aws"}
  ],
  "default_provider": "b",
  "placement": {"policy": "round_robin", "fallback": ["a"]},
  "provider_defaults": {"aws": {"template_defaults": {"price_type": "spot"}}},
  "storage": {"strategy": "sql", "sql": {"path": "store/x.db", "type": "postgresql", "url": "postgresql://u:p@h/d", "schema": "two", "max_connections": 3}, "json": {"path": "store/data", "backups": 2}, "retention": "48h",
    "dynamodb": {"region": "eu-west-1", "profile": "records", "endpoint": "http://127.0.0.1:8000", "table_prefix": "hf"}},
  "limits": {"max_machines_per_request": 5, "max_machines": "50", "max_vcpus": 128, "max_hourly_cost": 12.5},
  "requests": {"timeout": 90, "unanswered_release": "5m", "abandoned_after": "1h", "release_abandoned": true, "call_budget": "2.5s"},
  "resilience": {"breaker": {"enabled": false, "failures": 7, "open_for": 10}, "pacing": {"enabled": false}},
  "scheduler": {"type": "default"},
  "output": {"fields": {"machines": ["machineId"], "providers": ["name"], "requests": ["requestId", "machines.name"], "templates": ["templateId"]}},
  "cleaning": {"unused_after": "36h"},
  "orphans": {"policy": "terminate", "interval": "5m", "quarantine": "2h", "min_age": 60, "max_share": 5},
  "interruptions": {"poll_interval": 20, "maintenance_interval": "0", "rebalance": true},
  "daemon": {"interval": "2s", "idle_interval": 3, "live_interval": "4s", "answer_within": 0, "stop_within": "1m", "lease": "9s", "groups": ["egoadmin", 1000]},
  "hostfactory": {"partial_result": "complete"},
  "templates": {"files": ["t.json", "~/u.yml", "/v.json"]},
  "api": {"enabled": false, "host": "0.0.0.0", "port": 8443, "socket_path": "rest.sock", "require_token": true,
    "tls": {"cert_file": "c.pem", "key_file": "k.pem", "client_ca_file": "ca.pem", "min_version": "1.3"}, "rate_limit": 7, "max_streams_per_caller": 9,
    "cors_origins": ["https://b.example"], "trusted_proxies": ["10.0.0.0/8", "::1"]},
  "auth": {"jwt": {"key_file": "jwt.pem", "issuer": "me", "audience": "us"}, "oidc": {"issuer": "https://i", "audience": "client"}, "name_claim": "email",
    "roles_claim": "cognito:groups", "roles": ["ops=operator", "a=b=admin"], "default_role": "viewer", "certificate_roles": ["OU:ops=operator"], "leeway": 5},
  "audit": {"enabled": false, "file": "~/who.jsonl", "reads": true},
  "access": {"local_role": "viewer"},
  "mcp": {"confirm": false},
  "events": {"templates": false, "sinks": [
    {"name": "audit", "type": "file", "path": "e.jsonl", "max_size_mb": 3, "max_rotate": 4, "kinds": ["machine.*", "request.changed"]},
    {"name": "ops", "type": "webhook", "url": "https://ops.example/hook", "secret": "$HOOK"},
    {"name": "more", "type": "webhook", "url": "https://ops.example/more", "secret_file": "~/hook"},
    {"name": "lines", "type": "log"}]},
  "logging": {"accept_propagated": false, "level": "LOG_DEBUG", "format": "json", "file": "/tmp/x.log", "max_size_mb": 1, "max_rotate": 2, "console": true},
  "telemetry": {"traces": {"endpoint": "http://collector:4318"}}
}`

func TestEverySettingFromAFile(t *testing.T) {
	t.Parallel()
	asYAML := `
providers:
- {name: a, type: aws, enabled: no, priority: -1, weight: 9, config: {region: $REGION, deep: [{x: "${REGION}-1 $$5"}]}, template_defaults: {keyName: k, subnetIds: [s-1]}}
- name: b
  type: aws
default_provider: b
placement: {policy: ROUND_ROBIN, fallback: [a]}
provider_defaults: {aws: {template_defaults: {price_type: spot}}}
storage: {type: sql, sql: {path: store/x.db, type: postgresql, url: "postgresql://u:p@h/d", schema: two, max_connections: 3}, retention: 48h, json_strategy: {base_path: store/data, backup_count: 2}, dynamodb: {endpoint: "http://127.0.0.1:8000"}, dynamodb_strategy: {region: eu-west-1, profile: records, table_prefix: hf}}
limits: {max_machines_per_request: 5, max_machines: "50", max_vcpus: 128, max_hourly_cost: "12.50"}
requests: {timeout: 90, unanswered_release: 5m, abandoned_after: 1h, release_abandoned: true, call_budget: 2.5s}
resilience: {breaker: {enabled: false, failures: 7, open_for: 10s}, pacing: {enabled: false}}
scheduler: {type: default}
output: {fields: {machines: [machineId], providers: [name], requests: [requestId, machines.name], templates: [templateId]}}
cleaning: {unused_after: 36h}
orphans: {policy: terminate, interval: 5m, quarantine: 2h, min_age: 60, max_share: 5}
interruptions: {poll_interval: 20s, maintenance_interval: 0, rebalance: yes}
daemon: {interval: 2s, idle_interval: 3, live_interval: 4s, answer_within: 0, stop_within: 1m, lease: 9s, groups: [egoadmin, 1000]}
hostfactory: {partial_result: complete}
templates: {files: [t.json, ~/u.yml, /v.json]}
api: {enabled: no, host: 0.0.0.0, port: "8443", socket_path: rest.sock, require_token: "true",
  tls: {cert_file: c.pem, key_file: k.pem, client_ca_file: ca.pem, min_version: "1.3"}, rate_limit: 7, max_streams_per_caller: 9,
  cors_origins: ["https://b.example"], trusted_proxies: [10.0.0.0/8, "::1"]}
auth: {jwt: {key_file: jwt.pem, issuer: me, audience: us}, oidc: {issuer: "https://i", audience: client}, name_claim: email,
  roles_claim: "cognito:groups", roles: [ops=operator, a=b=admin], default_role: viewer, certificate_roles: ["OU:ops=operator"], leeway: 5s}
audit: {enabled: no, file: ~/who.jsonl, reads: yes}
access: {local_role: viewer}
mcp: {confirm: no}
events:
  templates: no
  sinks:
  - {name: audit, type: file, path: e.jsonl, max_size_mb: 3, max_rotate: 4, kinds: ["machine.*", request.changed]}
  - {name: ops, type: webhook, url: "https://ops.example/hook", secret: $HOOK}
  - {name: more, type: webhook, url: "https://ops.example/more", secret_file: ~/hook}
  - {name: lines, type: log}
logging: {accept_propagated: false, level: LOG_DEBUG, format: json, file: /tmp/x.log, max_size_mb: 1, max_rotate: 2, console: yes}
telemetry: {traces: {endpoint: "http://collector:4318"}}
`
	for name, text := range map[string]string{"config.json": every, "config.yml": asYAML, "config.yaml": every} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, map[string]string{name: text})
			environ := hostFactory(dir, "REGION=eu-west-1", "HOOK=0123456789abcdef", "HOME=/home/u", "HF_LOGLEVEL=LOG_ERROR")
			c := load(t, Sources{Environ: environ})
			for _, key := range Keys() {
				if key.set != nil && c.Origin(key.Name) == "default" {
					t.Errorf("%s comes from nowhere", key.Name)
				}
			}
			if got, want := c.Origin("limits.max_machines"), dir+"/"+name+":"; !strings.HasPrefix(got, want) {
				t.Errorf("Origin = %s, want %s and a line", got, want)
			}
			c.Origins = nil
			want := Config{
				Instance: "awsinst", ConfDir: dir, WorkDir: dir + "/work", LogDir: dir + "/log",
				Providers: []Provider{
					{
						Name: "a", Type: "aws", Priority: -1, Weight: 9,
						Config:           json.RawMessage(`{"region":"eu-west-1","deep":[{"x":"eu-west-1-1 $5"}]}`),
						TemplateDefaults: FieldTable{"keyName": json.RawMessage(`"k"`), "subnetIds": json.RawMessage(`["s-1"]`)},
					},
					{Name: "b", Type: "aws", Enabled: true, Weight: 100},
				},
				DefaultProvider:  "b",
				Placement:        Placement{Policy: "ROUND_ROBIN", Fallback: []string{"a"}},
				ProviderDefaults: map[string]FieldTable{"aws": {"price_type": json.RawMessage(`"spot"`)}},
				Storage: Storage{Strategy: "sql", SQL: SQL{
					Type: PostgreSQL, Path: dir + "/store/x.db", URL: "postgresql://u:p@h/d", Schema: "two", MaxConnections: 3,
				}, JSON: JSON{Path: dir + "/store/data", Backups: 2}, Retention: 48 * time.Hour, DynamoDB: DynamoDB{
					Region: "eu-west-1", Profile: "records", Endpoint: "http://127.0.0.1:8000", TablePrefix: "hf",
				}},
				Limits: Limits{MaxMachinesPerRequest: 5, MaxMachines: 50, MaxVCPUs: 128, MaxHourlyCost: 12_500_000},
				Requests: Requests{
					Timeout: 90 * time.Second, UnansweredRelease: 5 * time.Minute, AbandonedAfter: time.Hour,
					ReleaseAbandoned: true, CallBudget: 2500 * time.Millisecond,
				},
				Scheduler: Scheduler{Type: SchedulerDefault},
				Output: Output{
					Machines: []string{"machineId"}, Providers: []string{"name"}, Requests: []string{"requestId", "machines.name"}, Templates: []string{"templateId"},
				},
				Cleaning: Cleaning{UnusedAfter: 36 * time.Hour},
				Orphans:  Orphans{Policy: OrphansTerminate, Interval: 5 * time.Minute, Quarantine: 2 * time.Hour, MinAge: time.Minute, MaxShare: 5},
				Daemon: Daemon{
					Interval: 2 * time.Second, IdleInterval: 3 * time.Second, LiveInterval: 4 * time.Second, StopWithin: time.Minute, Lease: 9 * time.Second,
					Groups: []string{"egoadmin", "1000"},
				},
				Resilience: Resilience{Breaker: Breaker{Failures: 7, OpenFor: 10 * time.Second}},

				Interruptions: Interruptions{PollInterval: 20 * time.Second, Rebalance: true},

				HostFactory: HostFactory{PartialResult: "complete"},
				Events: Events{Sinks: []Sink{
					{Name: "audit", Type: SinkFile, Path: dir + "/e.jsonl", MaxSizeMB: 3, MaxRotate: 4, Kinds: []string{"machine.*", "request.changed"}},
					{Name: "ops", Type: SinkWebhook, MaxRotate: 5, URL: "https://ops.example/hook", Secret: "0123456789abcdef"},
					{Name: "more", Type: SinkWebhook, MaxRotate: 5, URL: "https://ops.example/more", SecretFile: "/home/u/hook"},
					{Name: "lines", Type: SinkLog, MaxRotate: 5},
				}},
				Templates: Templates{Files: []string{dir + "/t.json", "/home/u/u.yml", "/v.json"}},
				API: API{
					Host: "0.0.0.0", Port: 8443, SocketPath: dir + "/rest.sock", Tokens: true,
					TLS:       TLS{CertFile: dir + "/c.pem", KeyFile: dir + "/k.pem", ClientCAFile: dir + "/ca.pem", MinVersion: "1.3"},
					RateLimit: 7, MaxStreams: 9, Origins: []string{"https://b.example"}, Proxies: []string{"10.0.0.0/8", "::1"},
				},
				Auth: Auth{
					JWT: JWT{KeyFile: dir + "/jwt.pem", Issuer: "me", Audience: "us"}, OIDC: OIDC{Issuer: "https://i", Audience: "client"},
					NameClaim: "email", RolesClaim: "cognito:groups", Roles: []string{"ops=operator", "a=b=admin"}, DefaultRole: "viewer",
					CertificateRoles: []string{"OU:ops=operator"}, Leeway: 5 * time.Second,
				},
				Audit:     Audit{File: "/home/u/who.jsonl", Reads: true},
				Access:    Access{LocalRole: "viewer"},
				Logging:   Logging{Level: slog.LevelDebug, Format: LogJSON, File: "/tmp/x.log", MaxSizeMB: 1, MaxRotate: 2, Console: true},
				Telemetry: Telemetry{Traces: Traces{Endpoint: "http://collector:4318"}},
				Files:     []string{dir + "/" + name},
			}
			if diff := cmp.Diff(want, c); diff != "" {
				t.Errorf("Load (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSeedProvidersFile(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"config/providers.yml": `# config/providers.yml
providers:
  - name: aws-primary
    type: aws
    config:
      region: us-east-1
      profile: default
      handlers:
        default: ec2_fleet
        spot_fleet:
          enabled: true
        auto_scaling_group:
          enabled: true
    template_defaults:
`})
	c := load(t, Sources{
		Dir:     dir,
		Environ: []string{"HOME=/home/u", "PROVIDER_TYPE=aws", "AWS_REGION=us-east-1", "AWS_PROFILE=default", "API_HOST=0.0.0.0", "API_PORT=8000"},
	})
	want := []Provider{{
		Name: "aws-primary", Type: "aws", Enabled: true, Weight: 100,
		Config: json.RawMessage(`{"region":"us-east-1","profile":"default","handlers":{"default":"ec2_fleet","spot_fleet":{"enabled":true},"auto_scaling_group":{"enabled":true}}}`),
	}}
	if diff := cmp.Diff(want, c.Providers); diff != "" {
		t.Errorf("Providers (-want +got):\n%s", diff)
	}
	if c.DefaultProvider != "aws-primary" || c.Origin("default_provider") != "environment PROVIDER_TYPE" {
		t.Errorf("DefaultProvider = %q from %s", c.DefaultProvider, c.Origin("default_provider"))
	}
	if got, want := [3]string{c.ConfDir, c.WorkDir, c.LogDir}, [3]string{dir + "/config", dir + "/work", dir + "/work/log"}; got != want {
		t.Errorf("directories = %v, want %v", got, want)
	}
	if c.Notes != nil {
		t.Errorf("Notes = %q, want none", c.Notes)
	}
}

func TestTwoFilesMakeOneConfiguration(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"config.json":   `{"limits": {"max_machines": 3}}`,
		"providers.yml": "providers: [{name: a, type: aws}]\n",
	})
	c := load(t, Sources{Environ: hostFactory(dir)})
	if c.Limits.MaxMachines != 3 || len(c.Providers) != 1 || c.Providers[0].Name != "a" {
		t.Errorf("Limits = %+v, Providers = %+v", c.Limits, c.Providers)
	}
	if diff := cmp.Diff([]string{dir + "/config.json", dir + "/providers.yml"}, c.Files); diff != "" {
		t.Errorf("Files (-want +got):\n%s", diff)
	}
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"config.json": `{"logging": {"level": "ERROR", "max_rotate": 1, "max_size_mb": 2}, "limits": {"max_machines": 1}, "requests": {"timeout": 60}}`})
	c := load(t, Sources{
		Environ: hostFactory(dir,
			"HF_LOGLEVEL=LOG_WARN", "HF_LOG_MAX_ROTATE=9", "HF_LOG_MAX_FILE_SIZE=33",
			"OHFP_LOGGING_MAX_ROTATE=7", "OHFP_LIMITS_MAX_MACHINES=2", "OHFP_REQUESTS_TIMEOUT=120", "OHFP_TEMPLATES_FILES=a.json:b.json", "STORAGE_TYPE=sql"),
		Flags: map[string]string{"limits.max_machines": "4", "logging.level": "debug"},
		Dir:   "/here",
	})
	type got struct {
		Level                              slog.Level
		MaxRotate, MaxSizeMB, MaxMachines  int
		Timeout                            time.Duration
		Files                              []string
		LevelFrom, RotateFrom, StorageFrom string
	}
	want := got{
		Level: slog.LevelDebug, MaxRotate: 7, MaxSizeMB: 33, MaxMachines: 4, Timeout: 2 * time.Minute,
		Files: []string{"/here/a.json", "/here/b.json"}, LevelFrom: "flag", RotateFrom: "environment OHFP_LOGGING_MAX_ROTATE",
		StorageFrom: "environment STORAGE_TYPE",
	}
	if diff := cmp.Diff(want, got{
		c.Logging.Level, c.Logging.MaxRotate, c.Logging.MaxSizeMB, c.Limits.MaxMachines, c.Requests.Timeout, c.Templates.Files,
		c.Origin("logging.level"), c.Origin("logging.max_rotate"), c.Origin("storage.strategy"),
	}); diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
}

// TestSeedsDynamoDB chooses the store as the system before this one does.
func TestSeedsDynamoDB(t *testing.T) {
	t.Parallel()
	c := load(t, Sources{Environ: hostFactory(t.TempDir(), "STORAGE_TYPE=dynamodb", "STORAGE_TABLE_PREFIX=cluster7")})
	if c.Storage.Strategy != StrategyDynamoDB || c.Storage.DynamoDB != (DynamoDB{TablePrefix: "cluster7"}) || !c.Storage.Shared() || len(c.Notes) > 0 {
		t.Errorf("storage is %+v, notes are %q", c.Storage, c.Notes)
	}
}

func TestPropagatedLogSettings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		file    string
		environ []string
		flags   map[string]string
		want    slog.Level
		notes   int
	}{
		{"accepted by default", `{}`, []string{"HF_LOGLEVEL=LOG_DEBUG"}, nil, slog.LevelDebug, 0},
		{"refused by the file", `{"logging": {"accept_propagated": false}}`, []string{"HF_LOGLEVEL=LOG_DEBUG"}, nil, slog.LevelInfo, 0},
		{"accepted by the environment", `{"logging": {"accept_propagated": false}}`, []string{"HF_LOGLEVEL=LOG_DEBUG", "ACCEPT_PROPAGATED_LOG_SETTING=true"}, nil, slog.LevelDebug, 0},
		{"refused by a flag", `{}`, []string{"HF_LOGLEVEL=LOG_DEBUG"}, map[string]string{"logging.accept_propagated": "false"}, slog.LevelInfo, 0},
		{"a level that nobody knows is remarked", `{}`, []string{"HF_LOGLEVEL=LOG_LOUD"}, nil, slog.LevelInfo, 1},
		{"our own variable wins", `{}`, []string{"HF_LOGLEVEL=LOG_DEBUG", "OHFP_LOGGING_LEVEL=CRITICAL"}, nil, slog.LevelError + 4, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, map[string]string{"config.json": tt.file})
			c := load(t, Sources{Environ: hostFactory(dir, tt.environ...), Flags: tt.flags})
			if c.Logging.Level != tt.want || len(c.Notes) != tt.notes {
				t.Errorf("Level = %v, Notes = %q; want %v and %d notes", c.Logging.Level, c.Notes, tt.want, tt.notes)
			}
		})
	}
}

func TestProviderFromEnvironment(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		environ []string
		want    Provider
	}{
		{"nothing said", nil, Provider{Name: "aws", Type: "aws", Enabled: true, Weight: 100}},
		{
			"as the seed says",
			[]string{"PROVIDER_TYPE=aws", "AWS_REGION=us-east-1", "AWS_PROFILE=default"},
			Provider{Name: "aws", Type: "aws", Enabled: true, Weight: 100, Config: json.RawMessage(`{"profile":"default","region":"us-east-1"}`)},
		},
		{"another type", []string{"PROVIDER_TYPE=fake", "AWS_REGION=us-east-1"}, Provider{Name: "aws", Type: "fake", Enabled: true, Weight: 100}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := load(t, Sources{Environ: append(tt.environ, "HOME=/home/u"), Dir: t.TempDir()})
			if diff := cmp.Diff([]Provider{tt.want}, c.Providers); diff != "" {
				t.Errorf("Providers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		files   map[string]string
		environ []string
		flags   map[string]string
		want    string // DIR stands for the configuration directory
	}{
		{"unknown key", map[string]string{"config.json": "{\n\"limits\": {\n\"max_machine\": 1}}"}, nil, nil, "DIR/config.json:3: limits.max_machine is not a setting; did you mean limits.max_machines?"},
		{"unknown key far from all", map[string]string{"config.yml": "logging:\n  colour: red\n"}, nil, nil, "DIR/config.yml:2: logging.colour is not a setting; use one of accept_propagated, level, format, file, max_size_mb, max_rotate, console"},
		{"a key of another section", map[string]string{"config.json": `{"max_machines": 1}`}, nil, nil, "DIR/config.json:1: max_machines is not a setting; did you mean limits.max_machines?"},
		{"unknown section", map[string]string{"config.json": `{"provders": {"type": "aws"}}`}, nil, nil, "DIR/config.json:1: provders is not a setting; did you mean providers?"},
		{"wrong number", map[string]string{"config.json": `{"limits": {"max_machines": "many"}}`}, nil, nil, `DIR/config.json:1: limits.max_machines is "many"; write a whole number, 0 or more`},
		{"sinks no list", map[string]string{"config.json": `{"events": {"sinks": {}}}`}, nil, nil, "DIR/config.json:1: events.sinks is an object; write a list of objects"},
		{"a sink without name", map[string]string{"config.json": `{"events": {"sinks": [{"type": "log"}]}}`}, nil, nil, "DIR/config.json:1: events.sinks[0] has no name; give it one"},
		{"a sink of no type", map[string]string{"config.json": `{"events": {"sinks": [{"name": "a", "type": "fax"}]}}`}, nil, nil, `DIR/config.json:1: events.sinks[0].type is "fax"; write log, file or webhook`},
		{"a sink twice", map[string]string{"config.json": `{"events": {"sinks": [{"name": "a", "type": "log"}, {"name": "a", "type": "log"}]}}`}, nil, nil, `DIR/config.json:1: events.sinks[1].name is "a", which another has already; give each its own`},
		{"a sink with more", map[string]string{"config.json": `{"events": {"sinks": [{"name": "a", "type": "log", "path": "x"}]}}`}, nil, nil, "DIR/config.json:1: events.sinks[0].path does not go with type log; remove it"},
		{"a sink with too little", map[string]string{"config.json": `{"events": {"sinks": [{"name": "a", "type": "file"}]}}`}, nil, nil, "DIR/config.json:1: events.sinks[0] (a) has no path; write the name of the file"},
		{"a sink with something else", map[string]string{"config.json": `{"events": {"sinks": [{"name": "a", "type": "file", "paht": "x"}]}}`}, nil, nil, "DIR/config.json:1: events.sinks[0].paht is not a setting; did you mean path?"},
		{"a webhook without secret", map[string]string{"config.json": `{"events": {"sinks": [{"name": "a", "type": "webhook", "url": "https://x"}]}}`}, nil, nil, "DIR/config.json:1: events.sinks[0] (a) needs either secret or secret_file"},
		{"a short secret", map[string]string{"config.json": `{"events": {"sinks": [{"name": "a", "type": "webhook", "url": "https://x", "secret": "geheim"}]}}`}, nil, nil, "DIR/config.json:1: events.sinks[0].secret has fewer than 16 bytes; use a longer one"},
		{"events misspelt", map[string]string{"config.json": `{"events": {"sink": []}}`}, nil, nil, "DIR/config.json:1: events.sink is not a setting; did you mean events.sinks?"},
		{"not an amount", map[string]string{"config.json": `{"limits": {"max_hourly_cost": "$5"}}`}, nil, nil, `DIR/config.json:1: limits.max_hourly_cost is "$5"; write an amount of dollars, such as 12.5`},
		{"out of range", map[string]string{"config.json": `{"limits": {"max_machines_per_request": 0}}`}, nil, nil, `DIR/config.json:1: limits.max_machines_per_request is "0"; write a whole number from 1 to 10000`},
		{"wrong duration", map[string]string{"config.json": `{"requests": {"timeout": "soon"}}`}, nil, nil, `DIR/config.json:1: requests.timeout is "soon"; write a duration such as "90s", "10m", "12h" or "30d", or a number of seconds, 1s or more, 24h or less`},
		{"negative duration", map[string]string{"config.json": `{"requests": {"abandoned_after": -1}}`}, nil, nil, `DIR/config.json:1: requests.abandoned_after is "-1"; write a duration such as "90s", "10m", "12h" or "30d", or a number of seconds`},
		{"a list for one value", map[string]string{"config.json": `{"logging": {"file": ["a"]}}`}, nil, nil, `DIR/config.json:1: logging.file is a list; write a path`},
		{"a value for a section", map[string]string{"config.json": `{"logging": "DEBUG"}`}, nil, nil, `DIR/config.json:1: logging is a single value; write an object of settings`},
		{"an empty path", map[string]string{"config.json": `{"logging": {"file": ""}}`}, nil, nil, `DIR/config.json:1: logging.file is ""; write a path`},
		{"a key twice", map[string]string{"config.json": "{\"limits\": {},\n\"limits\": {}}"}, nil, nil, "DIR/config.json:2: limits is there twice, first on line 1; keep one"},
		{"a key under two names", map[string]string{"config.json": "{\"storage\": {\"type\": \"sql\",\n\"strategy\": \"sql\"}}"}, nil, nil, "DIR/config.json:2: storage.strategy is set in DIR/config.json:1 too; keep one"},
		{"a key in two files", map[string]string{"config.json": `{"providers": []}`, "providers.yml": "providers: []"}, nil, nil, "DIR/providers.yml:1: providers is set in DIR/config.json:1 too; keep one"},
		{"not an object", map[string]string{"config.json": `[]`}, nil, nil, "DIR/config.json:1: the configuration is a list; write an object of settings"},
		{"broken", map[string]string{"config.json": "{\n"}, nil, nil, "configuration: DIR/config.json:1:2: unexpected end of JSON input"},
		{"a store of another version", map[string]string{"config.json": `{"storage": {"strategy": "mongodb"}}`}, nil, nil, `DIR/config.json:1: storage.strategy is "mongodb"; write sql, json or dynamodb`},
		{"a database without an address", nil, []string{"OHFP_STORAGE_SQL_TYPE=postgresql"}, nil, "environment OHFP_STORAGE_SQL_TYPE: storage.sql.type is postgresql, but storage.sql.url is not set; set it, for example in the environment as OHFP_STORAGE_SQL_URL"},
		{"another database", nil, []string{"OHFP_STORAGE_SQL_TYPE=mysql"}, nil, `environment OHFP_STORAGE_SQL_TYPE: storage.sql.type is "mysql"; write sqlite or postgresql`},
		{"a variable that is not set", map[string]string{"config.json": "{\"providers\": [{\"name\": \"a\", \"type\": \"aws\", \"config\": {\n\"region\": \"$NOWHERE\"}}]}"}, nil, nil, "DIR/config.json:2: the variable NOWHERE is not set; export it, or write $$ for a dollar sign"},
		{"an open brace", map[string]string{"config.json": `{"logging": {"file": "${LOG"}}`}, nil, nil, `DIR/config.json:1: "${LOG" does not name a variable; write ${NAME}, or $$ for a dollar sign`},
		{"a provider without name", map[string]string{"config.json": `{"providers": [{"type": "aws"}]}`}, nil, nil, "DIR/config.json:1: providers[0] has no name; give it one"},
		{"a provider without type", map[string]string{"config.json": `{"providers": [{"name": "a"}]}`}, nil, nil, "DIR/config.json:1: providers[0] (a) has no type; write a provider type, for example aws"},
		{"a bad name", map[string]string{"config.json": `{"providers": [{"name": "a b", "type": "aws"}]}`}, nil, nil, `DIR/config.json:1: providers[0].name is "a b"; write 1 to 64 of the characters 0-9 A-Z a-z _ -`},
		{"two of one name", map[string]string{"config.yml": "providers:\n- {name: a, type: aws}\n- {name: a, type: aws}\n"}, nil, nil, `DIR/config.yml:3: providers[1].name is "a", which another provider has already; give each its own`},
		{"a misspelt provider key", map[string]string{"config.json": `{"providers": [{"name": "a", "typ": "aws"}]}`}, nil, nil, "DIR/config.json:1: providers[0].typ is not a setting; did you mean type?"},
		{"a far provider key", map[string]string{"config.json": `{"providers": [{"handlers_everywhere": 1}]}`}, nil, nil, "DIR/config.json:1: providers[0].handlers_everywhere is not a setting; use one of config, template_defaults, name, type, enabled, priority, weight"},
		{"a wrong provider value", map[string]string{"config.json": `{"providers": [{"priority": "high"}]}`}, nil, nil, `DIR/config.json:1: providers[0].priority is "high"; write a whole number`},
		{"a provider that is text", map[string]string{"config.json": `{"providers": ["aws"]}`}, nil, nil, "DIR/config.json:1: providers[0] is a single value; write an object with name, type and config"},
		{"providers that are an object", map[string]string{"config.json": `{"providers": {}}`}, nil, nil, "DIR/config.json:1: providers is an object; write a list of objects"},
		{"a config that is text", map[string]string{"config.json": `{"providers": [{"config": "x"}]}`}, nil, nil, "DIR/config.json:1: providers[0].config is a single value; write an object"},
		{"a default id", map[string]string{"config.json": `{"providers": [{"template_defaults": {"template_id": "x"}}]}`}, nil, nil, "DIR/config.json:1: providers[0].template_defaults.template_id cannot have a default; write it in the template"},
		{"a far default of a type", map[string]string{"config.json": `{"provider_defaults": {"aws": {"handlers": {}}}}`}, nil, nil, "DIR/config.json:1: provider_defaults.aws.handlers is not a setting here; write it in config.handlers"},
		{"a setting of the reference system", map[string]string{"config.json": `{"request": {"default_timeout": 300, "default_grace_period": 300}}`}, nil, nil, "DIR/config.json:1: request.default_grace_period is not a setting here; the cloud says how long a machine has; remove it"},
		{"a section of it", map[string]string{"config.json": `{"performance": {"max_workers": 10}}`}, nil, nil, "DIR/config.json:1: performance is not a setting here; the program batches, caches and works in parallel by itself; remove it"},
		{"a provider's of it", map[string]string{"config.json": `{"provider": {"providers": [{"name": "a", "type": "aws", "health_check": {}}]}}`}, nil, nil, "DIR/config.json:1: providers[0].health_check is not a setting here; health is learnt from the calls themselves; remove it"},
		{"a default provider that is off", map[string]string{"config.json": `{"default_provider": "a", "providers": [{"name": "a", "type": "aws", "enabled": false}, {"name": "b", "type": "aws"}]}`}, nil, nil, `DIR/config.json:1: default_provider is "a", which is not an enabled provider; use one of b`},
		{"a type that no provider has", map[string]string{"config.json": `{"providers": [{"name": "a", "type": "aws"}]}`}, []string{"PROVIDER_TYPE=azure"}, nil, `environment: PROVIDER_TYPE is "azure", but no enabled provider has that type; unset it or configure one`},
		{"an unknown flag", nil, nil, map[string]string{"logging.levle": "INFO"}, "flag: logging.levle is not a setting; did you mean logging.level?"},
		{"a wrong flag", nil, nil, map[string]string{"logging.level": "LOUD"}, `flag: logging.level is "LOUD"; write DEBUG, INFO, WARNING, ERROR or CRITICAL`},
		{"a wrong variable", nil, []string{"OHFP_LIMITS_MAX_MACHINES=-1"}, nil, `environment OHFP_LIMITS_MAX_MACHINES: limits.max_machines is "-1"; write a whole number, 0 or more`},
		{"a bad instance", nil, []string{"HF_PROVIDER_NAME=../x"}, nil, `environment: HF_PROVIDER_NAME is "../x"; write 1 to 64 of the characters 0-9 A-Z a-z _ -`},
		{"a file that is not there", nil, []string{"OHFP_CONFIG=DIR/none.json"}, nil, "configuration: DIR/none.json cannot be read: no such file or directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, tt.files)
			environ := hostFactory(dir)
			for _, entry := range tt.environ {
				environ = append(environ, strings.ReplaceAll(entry, "DIR", dir))
			}
			_, err := Load(Sources{Environ: environ, Flags: tt.flags})
			if err == nil {
				t.Fatal("Load accepts it")
			}
			if got := strings.ReplaceAll(err.Error(), dir, "DIR"); got != tt.want {
				t.Errorf("Load =\n %s, want\n %s", got, tt.want)
			}
			if !errors.Is(err, ohfp.ErrInvalid) {
				t.Errorf("%v is not ErrInvalid", err)
			}
		})
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"config.json": `{"providers": [{"name": "a", "type": "aws"}], "provider_defaults": {"azure": {"template_defaults": {}}}}`,
		"config.yml":  "", "awsprov_config.json": `{"AWS_REGION": "x"}`,
	})
	c := load(t, Sources{Environ: hostFactory(dir, "OHFP_LIMIT_MAX_MACHINES=1", "OHFP_COMMAND=ohfp", "STORAGE_TABLE_PREFIX=hostfactory", "OHFP_STORAGE_SQL_URL=postgresql://u:hunter2@h/d")})
	want := []string{
		"DIR/config.yml is not read, since DIR/config.json is there",
		"DIR/awsprov_config.json is not read, since DIR/config.json:1 configures providers",
		"environment: OHFP_LIMIT_MAX_MACHINES is set but is no setting; did you mean OHFP_LIMITS_MAX_MACHINES?",
		"environment: STORAGE_TABLE_PREFIX has no effect with the storage strategy sql",
		"environment OHFP_STORAGE_SQL_URL: storage.sql.url has no effect while storage.sql.type is not postgresql",
		"provider_defaults.azure has no effect, since no provider has that type",
	}
	if diff := cmp.Diff(want, strings.Split(strings.ReplaceAll(strings.Join(c.Notes, "\n"), dir, "DIR"), "\n")); diff != "" {
		t.Errorf("Notes (-want +got):\n%s", diff)
	}
}

// TestSecrets: whatever a configuration is printed with, its secrets stay out.
func TestSecrets(t *testing.T) {
	t.Parallel()
	c := load(t, Sources{Environ: hostFactory(write(t, nil), "OHFP_STORAGE_SQL_URL=postgresql://u:hunter2@h/d")})
	if string(c.Storage.SQL.URL) != "postgresql://u:hunter2@h/d" {
		t.Fatalf("the URL is %q", string(c.Storage.SQL.URL))
	}
	var printed strings.Builder
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("x", "config", c, "url", c.Storage.SQL.URL)
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&printed, "%v %+v %#v %s %q %s", c, c, c, c.Storage.SQL.URL, c.Storage.SQL.URL, asJSON)
	if text := printed.String(); strings.Contains(text, "hunter2") || !strings.Contains(text, "***") {
		t.Errorf("printed as %s", text)
	}
	l := newLoader(Sources{})
	key, ok := l.key("storage.sql.url")
	if err := l.set(key, "here", "", "hunter2", "twice"); !ok || err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error is %v", err)
	}
}

func TestKeysAreDocumented(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, key := range Keys() {
		if key.Name == "" || key.Expected == "" || key.Description == "" {
			t.Errorf("%+v is not documented", key)
		}
		for _, name := range append([]string{key.Name}, append(key.Aliases, key.Env...)...) {
			if seen[name] {
				t.Errorf("%s is there twice", name)
			}
			seen[name] = true
		}
	}
	for _, name := range []string{"providers[].config", "provider_defaults.<type>.template_defaults", "OHFP_LIMITS_MAX_MACHINES"} {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("config.json", every)
	f.Add("config.yml", "providers:\n- {name: a, type: aws, config: {x: $HOME}}\n")
	f.Add("config.json", ibmSample)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, name, text string) {
		if name != "config.json" && name != "config.yml" {
			name = "config.json"
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(Sources{File: path, Environ: []string{"HOME=/home/u"}})
		if err != nil {
			if !errors.Is(err, ohfp.ErrInvalid) {
				t.Errorf("Load = %v, which is not ErrInvalid", err)
			}
			return
		}
		for _, p := range c.Providers {
			if !wellFormed(p.Name) || p.Config != nil && !json.Valid(p.Config) {
				t.Errorf("provider %+v", p)
			}
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	dir := write(b, map[string]string{"config.json": every})
	s := Sources{Environ: append(os.Environ(), hostFactory(dir, "REGION=eu-west-1")...)}
	for b.Loop() {
		if _, err := Load(s); err != nil {
			b.Fatal(err)
		}
	}
}
