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
	asked   int
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

// ask makes a request and returns its answer with what was notified until then.
func (c *conversation) ask(method, params string) (answer answered, notified []answered) {
	c.t.Helper()
	c.asked++ // an id is used once: the SDK may still hold that of a call it has answered
	id := c.asked
	c.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, id, method, params))
	for {
		a := c.hear()
		if a.ID == float64(id) {
			return a, notified
		}
		notified = append(notified, a)
	}
}

// TestAssistantIsTold subscribes, sets a level, asks for progress, completes and pages, as clients of a version do that has
// all of these, and hears of what it asked for and of nothing else.
func TestAssistantIsTold(t *testing.T) {
	mcpSite(t)
	c := converse(t, "2025-11-25")
	call := func(tool, arguments, meta string) (answered, []answered) {
		t.Helper()
		return c.ask("tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s,"_meta":%s}`, tool, arguments, meta))
	}
	count := func(list []answered, method, has string) (n int) {
		for _, a := range list {
			if a.Method == method && strings.Contains(string(a.Params), has) {
				n++
			}
		}
		return n
	}

	// Progress is reported to who gives a token, and rises.
	first, notified := call("request_machines", `{"template_id":"EC2FleetInstant","wait_seconds":60}`, `{"progressToken":"mine"}`)
	if !strings.Contains(string(first.Result), `"complete"`) || count(notified, "notifications/progress", `"mine"`) == 0 {
		t.Errorf("progress: %s and %+v", first.Result, notified)
	}
	last := -1.0
	for _, a := range notified {
		var p struct{ Progress float64 }
		if a.Method != "notifications/progress" {
			continue
		}
		if err := json.Unmarshal(a.Params, &p); err != nil || p.Progress <= last {
			t.Errorf("progress falls to %g after %g, %v", p.Progress, last, err)
		}
		last = p.Progress
	}
	if _, notified := call("request_machines", `{"template_id":"EC2FleetInstant","wait_seconds":60}`, `{}`); count(notified, "notifications/progress", "") != 0 {
		t.Errorf("progress that nobody asked for: %+v", notified)
	}
	var made struct {
		Content struct {
			ID string `json:"requestId"`
		} `json:"structuredContent"`
	}
	if err := json.Unmarshal(first.Result, &made); err != nil {
		t.Fatal(err)
	}
	known := made.Content.ID

	// Messages come from the level on that the client has set.
	const noSuch = "req-01932f3c-7c3e-7abc-9abc-123456789012"
	odd := `{"request_ids":["` + known + `","` + noSuch + `"]}`
	for _, level := range []struct {
		name string
		told bool
	}{{"warning", true}, {"error", false}, {"debug", true}} {
		if a, _ := c.ask("logging/setLevel", `{"level":"`+level.name+`"}`); a.Error != nil {
			t.Errorf("level %s: %+v", level.name, a.Error)
		}
		if _, notified := call("get_request_status", odd, `{}`); (count(notified, "notifications/message", noSuch) == 1) != level.told {
			t.Errorf("level %s: %+v", level.name, notified)
		}
	}
	if a, _ := c.ask("logging/setLevel", `{"level":"error"}`); a.Error != nil {
		t.Errorf("%+v", a.Error)
	}

	// Ids are completed.
	for argument, begins := range map[string][2]string{"request_id": {"requests", known[:12]}, "template_id": {"templates", "EC2"}, "provider_name": {"providers", "a"}} {
		a, _ := c.ask("completion/complete", fmt.Sprintf(`{"ref":{"type":"ref/resource","uri":"%s://{%s}"},"argument":{"name":%q,"value":%q}}`, begins[0], argument, argument, begins[1]))
		if !strings.Contains(string(a.Result), `"`+begins[1]) {
			t.Errorf("%s is completed to %s, %+v", argument, a.Result, a.Error)
		}
	}

	// Lists come in pages of what was asked for.
	page := func(offset int) string {
		a, _ := call("list_requests", fmt.Sprintf(`{"limit":1,"offset":%d}`, offset), `{}`)
		var list struct {
			Content struct {
				Requests []struct {
					ID string `json:"requestId"`
				} `json:"requests"`
			} `json:"structuredContent"`
		}
		if err := json.Unmarshal(a.Result, &list); err != nil || len(list.Content.Requests) > 1 {
			t.Fatalf("%v: %s", err, a.Result)
		}
		if len(list.Content.Requests) == 0 {
			return ""
		}
		return list.Content.Requests[0].ID
	}
	if one, two, none := page(0), page(1), page(2); one == "" || two != known || one == two || none != "" {
		t.Errorf("pages: %q, %q, %q", one, two, none)
	}
	if a, _ := c.ask("tools/list", `{"cursor":"nonsense"}`); a.Error == nil || a.Error.Code != -32602 {
		t.Errorf("a cursor that is none: %+v %s", a.Error, a.Result)
	}

	// Who has subscribed hears of changes, until it takes that back.
	if a, _ := c.ask("resources/subscribe", `{"uri":"requests://`+known+`"}`); a.Error != nil {
		t.Fatalf("subscribe: %+v", a.Error)
	}
	if a, _ := c.ask("resources/subscribe", `{"uri":"providers://"}`); a.Error == nil {
		t.Error("providers can be subscribed to, and no event tells of them")
	}
	plan, _ := call("return_machines", `{"request_id":"`+known+`"}`, `{}`)
	var proposal struct {
		Content struct {
			Confirm string `json:"confirm"`
		} `json:"structuredContent"`
	}
	if err := json.Unmarshal(plan.Result, &proposal); err != nil {
		t.Fatal(err)
	}
	_, notified = call("return_machines", `{"request_id":"`+known+`","confirm":"`+proposal.Content.Confirm+`"}`, `{}`)
	for count(notified, "notifications/resources/updated", known) == 0 { // it fails when nothing comes
		notified = append(notified, c.hear())
	}
	if a, _ := c.ask("resources/unsubscribe", `{"uri":"requests://`+known+`"}`); a.Error != nil {
		t.Errorf("unsubscribe: %+v", a.Error)
	}
	c.end()
}
