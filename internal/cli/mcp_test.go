package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/cli"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
)

// mcpSite is a configuration and a simulated cloud, for the environment of this process.
func mcpSite(t *testing.T) *awssim.Cloud {
	t.Helper()
	cloud, url := simulated(t)
	dir := t.TempDir()
	conf := filepath.Join(dir, "conf")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "USER": "ann",
		"OHFP_CONF_DIR": conf, "OHFP_WORK_DIR": filepath.Join(dir, "work"),
	} {
		t.Setenv(name, value)
	}
	if err := os.MkdirAll(conf, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"awsprov_config.json": `{"AWS_REGION": "us-east-1"}`, "awsprov_templates.json": templates} {
		if err := os.WriteFile(filepath.Join(conf, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cloud
}

// stdio runs ohfp with what a client writes as its standard input, and returns both ends.
func stdio(t *testing.T, args ...string) (io.WriteCloser, io.ReadCloser, <-chan int) {
	t.Helper()
	in, write := io.Pipe()
	read, out := io.Pipe()
	code, ended := make(chan int, 1), make(chan struct{})
	go func() {
		defer close(ended)
		var errw bytes.Buffer
		c := cli.Main(context.Background(), args, in, out, &errw)
		if errw.Len() > 0 {
			t.Logf("standard error: %s", errw.String())
		}
		_ = out.Close()
		code <- c
	}()
	t.Cleanup(func() { // it writes into the work directory to its end
		_ = errors.Join(write.Close(), read.Close())
		<-ended
	})
	return write, read, code
}

func structured[T any](t *testing.T, session *mcp.ClientSession, tool string, arguments map[string]any) T {
	t.Helper()
	res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	text, err := json.Marshal(res.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	if res.IsError {
		t.Fatalf("%s: %s", tool, text)
	}
	var out T
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%s: %v: %s", tool, err, text)
	}
	return out
}

type told struct {
	ID       string `json:"requestId"`
	Status   string `json:"status"`
	Confirm  string `json:"confirm"`
	Machines []struct {
		ID string `json:"machineId"`
	} `json:"machines"`
	Requests []told `json:"requests"`
}

// TestAssistantCycle requests machines, follows the request and returns them, by the official client.
func TestAssistantCycle(t *testing.T) {
	cloud := mcpSite(t)
	write, read, code := stdio(t, "mcp", "serve", "--stdio")
	var progress []string
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, req *mcp.ProgressNotificationClientRequest) {
			progress = append(progress, req.Params.Message)
		},
	})
	session, err := client.Connect(t.Context(), &mcp.IOTransport{Reader: read, Writer: write}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Ping(t.Context(), nil); err != nil {
		t.Error(err)
	}
	r := structured[told](t, session, "request_machines", map[string]any{"template_id": "EC2FleetInstant", "count": 3})
	if r.ID == "" || alive(cloud) != 3 {
		t.Fatalf("request %+v, %d machines", r, alive(cloud))
	}
	status := structured[told](t, session, "get_request_status", map[string]any{"request_id": r.ID, "wait_seconds": 60})
	if len(status.Requests) != 1 || status.Requests[0].Status != "complete" || len(status.Requests[0].Machines) != 3 {
		t.Fatalf("status %+v", status)
	}
	plan := structured[told](t, session, "return_machines", map[string]any{"request_id": r.ID})
	if plan.Confirm == "" || alive(cloud) != 3 {
		t.Fatalf("plan %+v, %d machines", plan, alive(cloud))
	}
	refused, err := session.CallTool(t.Context(), &mcp.CallToolParams{
		Name: "return_machines", Arguments: map[string]any{"machine_ids": []string{status.Requests[0].Machines[0].ID}, "confirm": plan.Confirm},
	})
	if err != nil || !refused.IsError || alive(cloud) != 3 {
		t.Fatalf("a confirmation of other machines: %v %+v", err, refused)
	}
	plan = structured[told](t, session, "return_machines", map[string]any{"request_id": r.ID})
	back := structured[told](t, session, "return_machines", map[string]any{"request_id": r.ID, "confirm": plan.Confirm})
	if !strings.HasPrefix(back.ID, "ret-") || alive(cloud) != 0 {
		t.Fatalf("return %+v, %d machines", back, alive(cloud))
	}
	if err := session.Close(); err != nil {
		t.Error(err)
	}
	if c := <-code; c != 0 {
		t.Errorf("exit code %d", c)
	}
}

// TestAssistantReads reads resources, completes ids, gets prompts, and hears of changes.
func TestAssistantReads(t *testing.T) {
	mcpSite(t)
	write, read, _ := stdio(t, "mcp", "serve", "--stdio")
	heard := make(chan string, 100)
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
		ResourceUpdatedHandler: func(_ context.Context, req *mcp.ResourceUpdatedNotificationRequest) { heard <- req.Params.URI },
	})
	session, err := client.Connect(t.Context(), &mcp.IOTransport{Reader: read, Writer: write}, nil)
	if err != nil {
		t.Fatal(err)
	}
	version := session.InitializeResult().ProtocolVersion
	if version < "2026" {
		if err := session.Subscribe(t.Context(), &mcp.SubscribeParams{URI: "requests://"}); err != nil {
			t.Fatal(err)
		}
		if err := session.Subscribe(t.Context(), &mcp.SubscribeParams{URI: "providers://"}); err == nil {
			t.Error("providers can be subscribed to, and nothing ever tells of them")
		}
	}
	r := structured[told](t, session, "request_machines", map[string]any{"template_id": "EC2FleetInstant", "wait_seconds": 60})
	for uri, want := range map[string]string{
		"templates://": "EC2FleetInstant", "templates://my-template": "m5.xlarge", "requests://": r.ID, "requests://" + r.ID: r.Machines[0].ID,
		"machines://": r.Machines[0].ID, "machines://" + r.Machines[0].ID: r.ID, "providers://": "aws",
	} {
		res, err := session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri})
		if err != nil || len(res.Contents) != 1 || !strings.Contains(res.Contents[0].Text, want) {
			t.Errorf("%s: %v %+v", uri, err, res)
		}
	}
	if _, err := session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "templates://none"}); err == nil {
		t.Error("a template that does not exist can be read")
	}
	for name, arguments := range map[string]map[string]string{
		"provision_infrastructure": {"template_type": "EC2FleetInstant", "instance_count": "3"}, "troubleshoot_deployment": {"request_id": r.ID},
		"infrastructure_best_practices": {},
	} {
		res, err := session.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: name, Arguments: arguments})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if text, ok := res.Messages[0].Content.(*mcp.TextContent); !ok || !strings.Contains(text.Text, "EC2FleetInstant") {
			t.Errorf("%s does not name the template", name)
		}
	}
	if _, err := session.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: "troubleshoot_deployment"}); err == nil {
		t.Error("a prompt without what it needs is told")
	}
	done, err := session.Complete(t.Context(), &mcp.CompleteParams{
		Ref: &mcp.CompleteReference{Type: "ref/resource", URI: "templates://{template_id}"}, Argument: mcp.CompleteParamsArgument{Name: "template_id", Value: "my"},
	})
	if err != nil || len(done.Completion.Values) != 1 || done.Completion.Values[0] != "my-template" {
		t.Errorf("completion: %v %+v", err, done)
	}
	if version < "2026" {
		select {
		case uri := <-heard:
			if uri != "requests://" {
				t.Errorf("heard of %s", uri)
			}
		case <-time.After(time.Minute):
			t.Error("nothing was heard of a new request")
		}
	}
	t.Log("protocol", version)
}

// TestAssistantsOverTheNetwork serves over a port, as over standard input and output.
func TestAssistantsOverTheNetwork(t *testing.T) {
	cloud := mcpSite(t)
	for transport, connect := range map[string]func(address string) mcp.Transport{
		"http": func(address string) mcp.Transport { return &mcp.StreamableClientTransport{Endpoint: address} },
		"tcp": func(address string) mcp.Transport {
			connection, err := net.Dial("tcp", strings.TrimPrefix(address, "tcp://"))
			if err != nil {
				t.Fatal(err)
			}
			return &mcp.IOTransport{Reader: connection, Writer: connection}
		},
	} {
		ctx, stop := context.WithCancel(context.Background())
		said, errw := io.Pipe()
		code := make(chan int, 1)
		go func() {
			code <- cli.Main(ctx, []string{"mcp", "serve", "--port", "0", "--host", "localhost", "--transport", transport}, strings.NewReader(""), io.Discard, errw)
		}()
		line, err := bufio.NewReader(said).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, said) }()
		address, _, _ := strings.Cut(strings.TrimPrefix(line, "ohfp: serving assistants on "), ";")
		session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), connect(address), nil)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		r := structured[told](t, session, "request_machines", map[string]any{"template_id": "EC2FleetInstant", "count": 2, "wait_seconds": 60})
		plan := structured[told](t, session, "return_machines", map[string]any{"request_id": r.ID})
		structured[told](t, session, "return_machines", map[string]any{"request_id": r.ID, "confirm": plan.Confirm})
		if r.Status != "complete" || alive(cloud) != 0 {
			t.Errorf("%s: %+v, %d machines left", transport, r, alive(cloud))
		}
		if transport == "http" {
			for _, header := range [][2]string{{"Origin", "https://evil.example"}, {"Host", "evil.example"}} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set(header[0], header[1])
				if header[0] == "Host" {
					req.Host = header[1]
				}
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				if _ = res.Body.Close(); res.StatusCode != http.StatusForbidden {
					t.Errorf("%s is answered with %s", header, res.Status)
				}
			}
		}
		if err := session.Close(); err != nil && transport == "http" { // over TCP the client closes its one connection twice
			t.Errorf("%s: %v", transport, err)
		}
		stop()
		if c := <-code; c != 0 {
			t.Errorf("%s: exit code %d", transport, c)
		}
	}
}

// TestAssistantAsksItsUser confirms by the client's own question instead of a token.
func TestAssistantAsksItsUser(t *testing.T) {
	cloud := mcpSite(t)
	write, read, _ := stdio(t, "mcp", "serve", "--stdio")
	say := "decline"
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
		ElicitationHandler: func(_ context.Context, req *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			if !strings.Contains(req.Params.Message, "terminate 2 machines") {
				t.Errorf("asked %q", req.Params.Message)
			}
			answer := &mcp.ElicitResult{Action: say}
			if say == "accept" {
				answer.Content = map[string]any{"confirm": true}
			}
			return answer, nil
		},
	})
	session, err := client.Connect(t.Context(), &mcp.IOTransport{Reader: read, Writer: write}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := structured[told](t, session, "request_machines", map[string]any{"template_id": "EC2FleetInstant", "machine_count": 2, "wait_seconds": 60})
	res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "return_machines", Arguments: map[string]any{"request_id": r.ID}})
	if err != nil || !res.IsError || alive(cloud) != 2 {
		t.Fatalf("declined: %v %+v", err, res)
	}
	say = "accept"
	back := structured[told](t, session, "return_machines", map[string]any{"request_id": r.ID})
	if !strings.HasPrefix(back.ID, "ret-") || alive(cloud) != 0 {
		t.Fatalf("return %+v, %d machines", back, alive(cloud))
	}
}

// TestAssistantBadInput writes what no client should, and is answered by the book.
func TestAssistantBadInput(t *testing.T) {
	mcpSite(t)
	write, read, code := stdio(t, "mcp", "serve", "--stdio")
	answers := json.NewDecoder(read)
	say := func(line string) {
		t.Helper()
		if _, err := io.WriteString(write, line+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	type answer struct {
		ID     any             `json:"id"`
		Result json.RawMessage `json:"result"`
		Error  *struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	hear := func() (a answer) {
		t.Helper()
		done := time.AfterFunc(time.Minute, func() { _ = read.Close() })
		defer done.Stop()
		if err := answers.Decode(&a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	say(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
	if a := hear(); !strings.Contains(string(a.Result), `"2024-11-05"`) {
		t.Errorf("initialize: %s", a.Result)
	}
	say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	for _, bad := range []struct {
		line string
		id   any
		code int
	}{
		{`{"jsonrpc":`, nil, -32700},
		{`nonsense`, nil, -32700},
		{`[]`, nil, -32600},
		{`7`, nil, -32600},
		{`{"jsonrpc":"1.0","id":3,"method":"ping"}`, 3.0, -32600},
		{`{"jsonrpc":"2.0","id":{},"method":"ping"}`, nil, -32600},
		{`{"jsonrpc":"2.0","id":4,"method":"no/such"}`, 4.0, -32601},
		{`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"paint"}}`, "x", -32602},
		{`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":7}`, 5.0, -32602},
		{`{"jsonrpc":"2.0","id":6,"method":"ping","params":{"x":"` + strings.Repeat("x", 5<<20) + `"}}`, nil, -32600},
	} {
		say(bad.line)
		if a := hear(); a.ID != bad.id || a.Error == nil || a.Error.Code != bad.code {
			t.Errorf("%.80s: %+v", bad.line, a)
		}
	}
	say(`{"jsonrpc":"2.0","method":"no/such/notification"}`) // is not answered
	say(`{"jsonrpc":"2.0","id":99,"result":{}}`)             // nor is an answer that nobody waits for
	say(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_requests","arguments":{"limit":"many"}}}`)
	if a := hear(); a.ID != 7.0 || !strings.Contains(string(a.Result), `"code":"invalid"`) {
		t.Errorf("a wrong type: %+v %s", a, a.Result)
	}
	say(`{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"get_template","arguments":{"template_id":"none"}}}`)
	if a := hear(); !strings.Contains(string(a.Result), `"code":"not_found"`) || !strings.Contains(string(a.Result), `"isError":true`) {
		t.Errorf("no such template: %s", a.Result)
	}
	say(`[{"jsonrpc":"2.0","id":9,"method":"ping"},{"jsonrpc":"2.0","id":10,"method":"ping"}]`)
	for range 2 {
		if a := hear(); a.Error != nil {
			t.Errorf("a batch: %+v", a)
		}
	}
	_ = write.Close()
	if c := <-code; c != 0 {
		t.Errorf("exit code %d", c)
	}
}

// TestSecretsOfProviders shows the settings of a provider whose type declares a secret under an innocent name, and a setting
// under a suspicious one that is none: every face hides the first and shows the second, in the same words.
func TestSecretsOfProviders(t *testing.T) {
	mcpSite(t)
	own := provider.Registry{"vault": {
		Open: fake.New(time.Now, fake.Settings{}).Factory(),
		Settings: func() []provider.Setting {
			return []provider.Setting{{Name: "colour", Kind: provider.KindText, Secret: true}, {Name: "token_bucket", Kind: provider.KindCount}}
		},
	}}
	file := filepath.Join(os.Getenv("OHFP_CONF_DIR"), "config.yml")
	if err := os.WriteFile(file, []byte(`providers:
- name: pool
  type: vault
  config: {colour: chartreuse, token_bucket: 7}
  template_defaults: {user_data: hush}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		var out, errw bytes.Buffer
		if code := cli.MainWith(t.Context(), own, args, strings.NewReader(""), &out, &errw); code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, errw.String())
		}
		return out.String()
	}
	typed := run("providers", "show", "pool")
	for name, shown := range map[string]string{
		"command line": typed, "tool": run("mcp", "tools", "call", "get_provider_config", "--args", `{"provider_name": "pool"}`),
		"settings": run("mcp", "tools", "call", "get_config", "--args", `{"key": "providers[pool]"}`),
	} {
		if strings.Contains(shown, "chartreuse") || strings.Contains(shown, "hush") || !strings.Contains(shown, `"value": 7`) {
			t.Errorf("%s: %s", name, shown)
		}
		var got, want any
		if err := errors.Join(json.Unmarshal([]byte(shown), &got), json.Unmarshal([]byte(typed), &want)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s shows something else than the command line (-command line +%s):\n%s", name, name, diff)
		}
	}
}
