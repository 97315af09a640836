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
		l := &lines{in: bufio.NewReader(strings.NewReader(input)), out: &refused, waiting: map[string]bool{}, cancelled: map[string]bool{}, settled: make(chan struct{}, 1)}
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

// TestCancelledIsNotAnswered: the library answers what was cancelled, but whoever cancels a request expects no answer.
func TestCancelledIsNotAnswered(t *testing.T) {
	t.Parallel()
	const cancels = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}` + "\n"
	const answer = `{"jsonrpc":"2.0","id":1,"result":{}}` + "\n"
	for _, test := range []struct {
		name, in, in2, want string
	}{
		{"cancelled", `{"jsonrpc":"2.0","id":1,"method":"ping"}` + "\n" + cancels, "", ""},
		{"cancelled when it was answered", `{"jsonrpc":"2.0","id":1,"method":"ping"}` + "\n", cancels, answer},
		{"cancelled before it is asked", cancels + `{"jsonrpc":"2.0","id":1,"method":"ping"}` + "\n", "", answer},
	} {
		var out, passed bytes.Buffer
		l := &lines{out: &out, waiting: map[string]bool{}, cancelled: map[string]bool{}, settled: make(chan struct{}, 1)}
		for _, in := range []string{test.in, test.in2} {
			l.in = bufio.NewReader(strings.NewReader(in))
			if err := l.copy(&passed); err != nil {
				t.Fatal(err)
			}
			if in == test.in {
				if n, err := l.Write([]byte(answer)); n != len(answer) || err != nil {
					t.Errorf("%s: %d, %v", test.name, n, err)
				}
			}
		}
		if out.String() != test.want {
			t.Errorf("%s: answered %q, want %q", test.name, out.String(), test.want)
		}
		if len(l.waiting)+len(l.cancelled) != 0 {
			t.Errorf("%s: remembers %v and %v", test.name, l.waiting, l.cancelled)
		}
	}
}
