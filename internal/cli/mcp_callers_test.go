package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp/internal/cli"
)

// as adds a token to each call.
type as string

// RoundTrip implements http.RoundTripper.
func (token as) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(token))
	return http.DefaultTransport.RoundTrip(r)
}

// mcpToken makes a token on the command line.
func mcpToken(t *testing.T, name, role string) string {
	t.Helper()
	var out, errw bytes.Buffer
	if code := cli.Main(t.Context(), []string{"auth", "token", "create", name, "--role", role}, strings.NewReader(""), &out, &errw); code != 0 {
		t.Fatalf("exit code %d: %s", code, errw.String())
	}
	var made struct{ Token string }
	if err := json.Unmarshal(out.Bytes(), &made); err != nil {
		t.Fatal(err)
	}
	return made.Token
}

// TestAssistantsWithTokens: where callers are asked who they are, each has its own role and its own sessions, over HTTP only,
// and what they do is recorded.
func TestAssistantsWithTokens(t *testing.T) {
	mcpSite(t)
	t.Setenv("OHFP_API_REQUIRE_TOKEN", "true")
	operator, viewer := mcpToken(t, "olga", "operator"), mcpToken(t, "vera", "viewer")
	ctx, stop := context.WithCancel(context.Background())
	said, errw := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- cli.Main(ctx, []string{"mcp", "serve", "--port", "0"}, strings.NewReader(""), io.Discard, errw)
	}()
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, said) }()
	address, _, _ := strings.Cut(strings.TrimPrefix(line, "ohfp: serving assistants on "), ";")
	connect := func(token string) (*mcp.ClientSession, error) {
		return mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &mcp.StreamableClientTransport{
			Endpoint: address, HTTPClient: &http.Client{Transport: as(token)},
		}, nil)
	}
	for _, token := range []string{"", "ohfp_wrong"} {
		if _, err := connect(token); err == nil {
			t.Errorf("the token %q is let in", token)
		}
	}
	olga, err := connect(operator)
	if err != nil {
		t.Fatal(err)
	}
	vera, err := connect(viewer)
	if err != nil {
		t.Fatal(err)
	}
	tools := func(s *mcp.ClientSession) map[string]bool {
		names := map[string]bool{}
		for tool, err := range s.Tools(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			names[tool.Name] = true
		}
		return names
	}
	if tools(vera)["request_machines"] || !tools(vera)["list_machines"] || !tools(olga)["request_machines"] {
		t.Error("the tools are not those of the roles")
	}
	r := structured[told](t, olga, "request_machines", map[string]any{"template_id": "EC2FleetInstant", "count": 1, "wait_seconds": 60})
	if res, err := vera.CallTool(t.Context(), &mcp.CallToolParams{Name: "return_machines", Arguments: map[string]any{"request_id": r.ID}}); err != nil || !res.IsError {
		t.Errorf("a viewer returns machines: %v, %v", res, err)
	}

	// Another's session is none.
	for id, want := range map[string]int{olga.ID(): http.StatusNotFound, vera.ID(): http.StatusOK, "x.y": http.StatusNotFound, "x": http.StatusNotFound} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Mcp-Session-Id": id, "Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Authorization": "Bearer " + viewer,
		} {
			req.Header.Set(name, value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != want {
			t.Errorf("session %s: %s, want %d", id, res.Status, want)
		}
	}
	for _, session := range []*mcp.ClientSession{olga, vera} {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	}
	stop()
	if c := <-code; c != 0 {
		t.Errorf("exit code %d", c)
	}
	var out, problems bytes.Buffer
	if code := cli.Main(t.Context(), []string{"audit", "list", "--face", "mcp"}, strings.NewReader(""), &out, &problems); code != 0 {
		t.Fatalf("exit code %d: %s", code, problems.String())
	}
	for _, want := range []string{`"caller": "olga"`, `"caller": "vera"`, `"by": "token"`, `"from": "127.0.0.1"`, `"operation": "authenticate"`, `"outcome": "refused"`, r.ID} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the audit log has no %s: %s", want, out.String())
		}
	}
	if n := strings.Count(out.String(), `"operation": "requests.create"`); n != 1 {
		t.Errorf("one call that asked for machines is recorded %d times: %s", n, out.String())
	}
	if strings.Contains(out.String(), operator) || strings.Contains(out.String(), viewer) || strings.Contains(out.String(), "ohfp_wrong") {
		t.Error("the audit log has a token")
	}

	problems.Reset()
	if code := cli.Main(t.Context(), []string{"mcp", "serve", "--port", "0", "--transport", "tcp"}, strings.NewReader(""), io.Discard, &problems); code != 1 || !strings.Contains(problems.String(), "use --transport http") {
		t.Errorf("exit code %d: %s", code, problems.String())
	}
}
