package mcpserver

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// FuzzLines feeds what a client may write. Each line is passed on as messages that the library takes, or answered by a
// refusal that is one.
func FuzzLines(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"ping"}`, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`,
		`[{"jsonrpc":"2.0","id":"x","method":"ping"},7]`, `{"jsonrpc":"2.0","id":{},"method":"ping"}`, "nonsense\n\n[]\r\n", `{"id":null}`, `"\ud800"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		var refused, passed bytes.Buffer
		l := &lines{in: bufio.NewReader(strings.NewReader(input)), out: &refused, waiting: map[string]bool{}, settled: make(chan struct{}, 1)}
		if len(input)%2 == 0 {
			l.version = lastBatches
		}
		if err := l.copy(&passed); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(passed.String()) {
			if _, err := jsonrpc.DecodeMessage([]byte(line)); err != nil {
				t.Errorf("passed on %q: %v", line, err)
			}
		}
		for line := range strings.Lines(refused.String()) {
			var answer struct {
				Error struct{ Code int }
			}
			if err := json.Unmarshal([]byte(line), &answer); err != nil || answer.Error.Code == 0 {
				t.Errorf("answered %q: %v", line, err)
			}
		}
	})
}
