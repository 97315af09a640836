package cli_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp/internal/cli"
)

// TestAssistantSnippets runs what the guide tells assistants to start, and fails when a snippet is not valid.
func TestAssistantSnippets(t *testing.T) {
	mcpSite(t)
	text, err := os.ReadFile("../../docs/mcp.md")
	if err != nil {
		t.Fatal(err)
	}
	started, called := 0, 0
	for i, block := range strings.Split(string(text), "```json\n") {
		if i == 0 {
			continue
		}
		block, _, _ = strings.Cut(block, "```")
		type server struct {
			Type    string            `json:"type"`
			Command string            `json:"command"`
			Args    []string          `json:"args"`
			Env     map[string]string `json:"env"`
			URL     string            `json:"url"`
		}
		var snippet struct {
			MCPServers map[string]server `json:"mcpServers"`
			Servers    map[string]server `json:"servers"`
		}
		decoder := json.NewDecoder(strings.NewReader(block))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&snippet); err != nil {
			t.Errorf("snippet %d: %v", i, err)
		}
		for _, servers := range []map[string]server{snippet.MCPServers, snippet.Servers} {
			for name, s := range servers {
				switch {
				case s.URL != "":
					called++
					if s.Type != "http" || s.URL != "http://localhost:3000/mcp" {
						t.Errorf("%s: %+v", name, s)
					}
				default:
					started++
					var out, errw strings.Builder
					ping := strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}` + "\n")
					if code := cli.Main(t.Context(), s.Args, ping, &out, &errw); s.Command != "ohfp" || code != 0 || !strings.Contains(out.String(), `"id":1`) {
						t.Errorf("%s: exit code %d: %s%s", name, code, out.String(), errw.String())
					}
				}
			}
		}
	}
	if started != 2 || called != 1 {
		t.Errorf("%d snippets start a server and %d call one", started, called)
	}
}
