package faultproxy_test

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/internal/faultproxy"
)

const document = "<Answer><Text>what the upstream has to say</Text></Answer>"

// bench is an upstream that counts executions, behind a proxy.
type bench struct {
	*faultproxy.Proxy
	url      string
	executed atomic.Int64
}

func newBench(t *testing.T, rules ...faultproxy.Rule) *bench {
	t.Helper()
	b := &bench{}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("Action") != "" {
			b.executed.Add(1)
		}
		w.Header().Set("X-Path", r.URL.Path)
		w.Header().Set("X-Authorization", r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, document)
	}))
	t.Cleanup(upstream.Close)
	var err error
	if b.Proxy, err = faultproxy.New(upstream.URL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Add(rules...); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b.Proxy)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *bench) call(ctx context.Context, action string) (status int, body string, err error) {
	form := url.Values{"Action": {action}, "ClientToken": {"token-" + action}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	request.Header.Set("Authorization", "signed")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

func TestPassesThrough(t *testing.T) {
	t.Parallel()
	b := newBench(t, faultproxy.Rule{Fault: faultproxy.Drop, Action: "RunInstances"})
	status, body, err := b.call(t.Context(), "DescribeInstances")
	if err != nil || status != http.StatusOK || body != document {
		t.Errorf("status %d, error %v, body %q", status, err, body)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/_simulator/ledger", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if path := response.Header.Get("X-Path"); path != "/_simulator/ledger" {
		t.Errorf("the upstream saw path %q", path)
	}
	want := []faultproxy.Event{{Number: 1, Action: "DescribeInstances", ClientToken: "token-DescribeInstances", Executed: true, Status: 200}}
	if diff := cmp.Diff(want, b.Log()); diff != "" {
		t.Error(diff)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	isXML := func(body string) bool { return xml.Unmarshal([]byte(body), new(struct{})) == nil }
	for name, test := range map[string]struct {
		rule     faultproxy.Rule
		executed int64
		check    func(status int, body string, err error) bool
	}{
		"drop the reply": {
			faultproxy.Rule{Fault: faultproxy.Drop, Executed: true},
			1,
			func(_ int, _ string, err error) bool { return errors.Is(err, io.EOF) },
		},
		"drop the call": {
			faultproxy.Rule{Fault: faultproxy.Drop},
			0,
			func(_ int, _ string, err error) bool { return errors.Is(err, io.EOF) },
		},
		"reset": {
			faultproxy.Rule{Fault: faultproxy.Reset, Executed: true},
			1,
			func(_ int, _ string, err error) bool {
				return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF)
			},
		},
		"refuse instead": {
			faultproxy.Rule{Fault: faultproxy.Refuse},
			0,
			func(status int, body string, err error) bool {
				return err == nil && status == 503 && isXML(body) && strings.Contains(body, "<Code>RequestLimitExceeded</Code>")
			},
		},
		"refuse afterwards": {
			faultproxy.Rule{Fault: faultproxy.Refuse, Executed: true, Code: "InternalError", Message: "a < b", Status: 500},
			1,
			func(status int, body string, err error) bool {
				return err == nil && status == 500 && isXML(body) && strings.Contains(body, "<Message>a &lt; b</Message>")
			},
		},
		"truncate": {
			faultproxy.Rule{Fault: faultproxy.Truncate},
			1,
			func(status int, body string, err error) bool {
				return err == nil && status == 200 && body == document[:len(document)/2] && !isXML(body)
			},
		},
		"truncate late": {
			faultproxy.Rule{Fault: faultproxy.Truncate, Keep: 1000},
			1,
			func(_ int, body string, err error) bool { return err == nil && body == document[:len(document)-1] },
		},
		"cut": {
			faultproxy.Rule{Fault: faultproxy.Cut, Keep: 7},
			1,
			func(_ int, body string, err error) bool {
				return errors.Is(err, io.ErrUnexpectedEOF) && body == document[:7]
			},
		},
		"delay": {
			faultproxy.Rule{Fault: faultproxy.Delay, Wait: time.Millisecond},
			1,
			func(_ int, body string, err error) bool { return err == nil && body == document },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.rule.Times = 1
			b := newBench(t, test.rule)
			status, body, err := b.call(t.Context(), "RunInstances")
			if !test.check(status, body, err) {
				t.Errorf("status %d, body %q, error %v", status, body, err)
			}
			if n := b.executed.Load(); n != test.executed {
				t.Errorf("the upstream executed %d calls, want %d", n, test.executed)
			}
			log := b.Log()
			if len(log) != 1 || log[0].Fault != test.rule.Fault || log[0].Executed != (test.executed == 1) {
				t.Errorf("log %+v", log)
			}
			// The rule is used up.
			if status, body, err := b.call(t.Context(), "RunInstances"); err != nil || status != 200 || body != document {
				t.Errorf("next call: status %d, body %q, error %v", status, body, err)
			}
		})
	}
}

func TestRulesChoose(t *testing.T) {
	t.Parallel()
	b := newBench(
		t,
		faultproxy.Rule{Fault: faultproxy.Refuse, Action: "RunInstances", From: 3, Times: 2},
		faultproxy.Rule{Fault: faultproxy.Refuse, Action: "RunInstances", From: 4, Times: 1, Code: "InternalError", Status: 500},
		faultproxy.Rule{Fault: faultproxy.Refuse, Action: "CreateFleet", Status: 418},
	)
	var got []string
	for _, action := range []string{"RunInstances", "CreateFleet", "RunInstances", "DescribeTags", "RunInstances", "RunInstances", "RunInstances", "RunInstances"} {
		status, _, err := b.call(t.Context(), action)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(action, " ", status))
	}
	want := []string{
		"RunInstances 200", "CreateFleet 418", "RunInstances 200", "DescribeTags 200",
		"RunInstances 503", "RunInstances 503", "RunInstances 500", "RunInstances 200",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	b.Clear()
	if status, _, err := b.call(t.Context(), "CreateFleet"); err != nil || status != 200 {
		t.Errorf("after Clear: status %d, error %v", status, err)
	}
}

func TestProbabilityIsRepeatable(t *testing.T) {
	t.Parallel()
	sequence := func(seed uint64) string {
		b := newBench(t, faultproxy.Rule{Fault: faultproxy.Refuse, Probability: 0.3, Seed: seed})
		var s strings.Builder
		for range 100 {
			status, _, err := b.call(t.Context(), "RunInstances")
			if err != nil {
				t.Fatal(err)
			}
			s.WriteString(fmt.Sprint(status, " "))
		}
		return s.String()
	}
	first := sequence(1)
	if first != sequence(1) || first == sequence(2) {
		t.Error("the same seed gives another sequence, or another seed the same")
	}
	if n := strings.Count(first, "503"); n < 15 || n > 45 {
		t.Errorf("%d of 100 calls refused, want about 30", n)
	}
}

func TestNotifyComesAfterExecution(t *testing.T) {
	t.Parallel()
	var b *bench
	told := make(chan int64, 1)
	b = newBench(t, faultproxy.Rule{Fault: faultproxy.Drop, Executed: true, Notify: func(e faultproxy.Event) {
		if e.Action == "RunInstances" && e.Executed {
			told <- b.executed.Load()
		}
	}})
	if _, _, err := b.call(t.Context(), "RunInstances"); err == nil {
		t.Error("no error from a dropped reply")
	}
	if n := <-told; n != 1 {
		t.Errorf("told after %d executions, want 1", n)
	}
}

func TestDelayEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	b := newBench(t, faultproxy.Rule{Fault: faultproxy.Delay, Wait: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := b.call(ctx, "RunInstances"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got error %v, want the deadline", err)
	}
	if n := b.executed.Load(); n != 0 {
		t.Errorf("%d calls executed, want none", n)
	}
	for len(b.Log()) == 0 {
		time.Sleep(time.Millisecond)
	}
	if e := b.Log()[0]; e.Fault != faultproxy.Delay || e.Executed {
		t.Errorf("logged %+v, want a delay without execution", e)
	}
}

func TestConcurrentCalls(t *testing.T) {
	t.Parallel()
	b := newBench(t, faultproxy.Rule{Fault: faultproxy.Drop, Executed: true, Times: 10})
	var failed atomic.Int64
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() {
			if _, _, err := b.call(t.Context(), "RunInstances"); err != nil {
				failed.Add(1)
			}
		})
	}
	group.Wait()
	if failed.Load() != 10 || b.executed.Load() != 40 || len(b.Log()) != 40 {
		t.Errorf("%d failed, %d executed, %d logged, want 10, 40 and 40", failed.Load(), b.executed.Load(), len(b.Log()))
	}
}

func TestRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, upstream := range []string{"", "127.0.0.1:80", "ftp://x", "http://%zz"} {
		if _, err := faultproxy.New(upstream); err == nil {
			t.Errorf("no error for the upstream %q", upstream)
		}
	}
	p, err := faultproxy.New("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range []faultproxy.Rule{{}, {Fault: "explode"}, {Fault: faultproxy.Delay}, {Fault: faultproxy.Drop, Probability: 2}, {Fault: faultproxy.Drop, Times: -1}} {
		if err := p.Add(rule); err == nil {
			t.Errorf("no error for the rule %+v", rule)
		}
	}
	recorder := httptest.NewRecorder()
	p.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/?Action=X", nil))
	if recorder.Code != http.StatusBadGateway {
		t.Errorf("status %d without an upstream, want 502", recorder.Code)
	}
}

func TestFreshSparesWhatWasDone(t *testing.T) {
	t.Parallel()
	b := newBench(t,
		faultproxy.Rule{Fault: faultproxy.Refuse, Code: "InsufficientInstanceCapacity", Times: 1, Fresh: true},
		faultproxy.Rule{Fault: faultproxy.Drop, Executed: true, Times: 1},
		faultproxy.Rule{Fault: faultproxy.Refuse, Code: "InsufficientInstanceCapacity", Fresh: true},
	)
	if _, body, err := b.call(t.Context(), "RunInstances"); err != nil || !strings.Contains(body, "InsufficientInstanceCapacity") {
		t.Errorf("the first call: %q, %v; want the refusal", body, err)
	}
	if _, body, err := b.call(t.Context(), "RunInstances"); err == nil {
		t.Errorf("the second call is answered with %q, want it executed and the answer dropped", body)
	}
	if status, body, err := b.call(t.Context(), "RunInstances"); err != nil || status != http.StatusOK || body != document {
		t.Errorf("the repetition of what was executed: %d %q, %v; want the answer", status, body, err)
	}
	if _, body, err := b.call(t.Context(), "CreateFleet"); err != nil || !strings.Contains(body, "InsufficientInstanceCapacity") {
		t.Errorf("a call with another token: %q, %v; want the refusal", body, err)
	}
}
