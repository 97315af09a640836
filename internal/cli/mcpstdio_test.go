package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/awssim"
)

// conversation is a session over standard input and output, by the bytes.
type conversation struct {
	t       *testing.T
	write   io.WriteCloser
	read    io.ReadCloser
	answers *json.Decoder
	code    <-chan int
}

type answered struct {
	ID     any             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// converse begins a session of a version of the protocol.
func converse(t *testing.T, version string) *conversation {
	t.Helper()
	write, read, code := stdio(t, "mcp", "serve", "--stdio")
	c := &conversation{t: t, write: write, read: read, answers: json.NewDecoder(read), code: code}
	c.say(`{"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":"` + version + `","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
	if a := c.hear(); !strings.Contains(string(a.Result), `"`+version+`"`) {
		t.Fatalf("the session is not one of %s: %s", version, a.Result)
	}
	c.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return c
}

func (c *conversation) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.write, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// hear returns the next message, whatever it is.
func (c *conversation) hear() (a answered) {
	c.t.Helper()
	given := time.AfterFunc(time.Minute, func() { _ = c.read.Close() })
	defer given.Stop()
	if err := c.answers.Decode(&a); err != nil {
		c.t.Fatal(err)
	}
	return a
}

// end closes the input, and the program ends.
func (c *conversation) end() {
	c.t.Helper()
	_ = c.write.Close()
	if code := <-c.code; code != 0 {
		c.t.Errorf("exit code %d", code)
	}
}

// TestAssistantBatches writes several messages on a line: some versions of the protocol have that, and the others refuse it.
func TestAssistantBatches(t *testing.T) {
	mcpSite(t)
	for version, has := range map[string]bool{"2024-11-05": true, "2025-03-26": true, "2025-06-18": false, "2025-11-25": false} {
		c := converse(t, version)
		c.say(`[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]`)
		if !has {
			if a := c.hear(); a.ID != nil || a.Error == nil || a.Error.Code != -32600 {
				t.Errorf("%s: %+v", version, a)
			}
		} else {
			for range 2 {
				if a := c.hear(); a.Error != nil || a.ID == nil {
					t.Errorf("%s: %+v", version, a)
				}
			}
		}
		c.say(`{"jsonrpc":"2.0","id":3,"method":"ping"}`) // the session goes on
		if a := c.hear(); a.ID != 3.0 || a.Error != nil {
			t.Errorf("%s: %+v", version, a)
		}
		c.end()
	}
}

// slowCloud is a cloud whose answers to one action are kept back, after it has done what it was asked.
func slowCloud(t *testing.T, cloud *awssim.Cloud, action string) (done <-chan struct{}, letGo func()) {
	t.Helper()
	did, release := make(chan struct{}, 100), make(chan struct{})
	at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the caller has gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !strings.Contains(string(body), "Action="+action+"&") {
			cloud.ServeHTTP(w, r)
			return
		}
		kept := httptest.NewRecorder()
		cloud.ServeHTTP(kept, r)
		did <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
			return
		}
		for name, values := range kept.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(kept.Code)
		_, _ = w.Write(kept.Body.Bytes()) // the caller may have gone
	}))
	t.Cleanup(at.Close)
	t.Setenv("AWS_ENDPOINT_URL", at.URL)
	return did, func() { close(release) }
}

// TestAssistantCancels takes a request for machines back while the cloud, which has launched them, does not answer. The call
// ends without an answer; the request is on record, is taken up again by whoever asks next, and brings its machines once.
func TestAssistantCancels(t *testing.T) {
	cloud := mcpSite(t)
	did, letGo := slowCloud(t, cloud, "CreateFleet")
	c := converse(t, "2025-11-25")
	c.say(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"request_machines","arguments":{"template_id":"EC2FleetInstant","count":3}}}`)
	select {
	case <-did:
	case <-time.After(time.Minute):
		t.Fatal("the cloud was not asked")
	}
	c.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"changed my mind"}}`)
	c.say(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"list_requests"}}`)
	var listed struct {
		Content struct {
			Requests []struct {
				ID     string `json:"requestId"`
				Status string `json:"status"`
				Count  int    `json:"count"`
			} `json:"requests"`
		} `json:"structuredContent"`
	}
	for listed.Content.Requests == nil {
		a := c.hear()
		if a.ID == 1.0 && len(a.Result) > 0 {
			t.Fatalf("a call that was cancelled has a result: %s", a.Result)
		}
		if a.ID == 2.0 {
			if err := json.Unmarshal(a.Result, &listed); err != nil {
				t.Fatal(err)
			}
		}
	}
	if r := listed.Content.Requests; len(r) != 1 || r[0].Count != 3 || r[0].Status == "complete" {
		t.Fatalf("on record is %+v", r)
	}
	letGo()
	c.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"get_request_status","arguments":{"request_id":%q,"wait_seconds":60}}}`, listed.Content.Requests[0].ID))
	for {
		a := c.hear()
		if a.ID != 3.0 {
			continue
		}
		if !strings.Contains(string(a.Result), `"status":"complete"`) {
			t.Errorf("it ended as %s", a.Result)
		}
		break
	}
	if n := alive(cloud); n != 3 {
		t.Errorf("%d machines were launched, and 3 asked for", n)
	}
	c.end()
}
