// Package faultproxy is a reverse proxy in front of an AWS endpoint that makes chosen calls go wrong, for tests of what a
// client does then. It refuses to understand the calls beyond their Action: what is not chosen passes through untouched.
package faultproxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Event is an AWS call that came by and what became of it.
type Event struct {
	// Number counts calls from 1.
	Number      int
	Action      string
	ClientToken string
	// Fault is what was done to the call, empty when it passed.
	Fault Fault
	// Executed reports whether the upstream got the call and answered, with Status.
	Executed bool
	Status   int
}

// Proxy is an [net/http.Handler], safe for concurrent use.
type Proxy struct {
	upstream  *url.URL
	transport http.RoundTripper

	mu    sync.Mutex
	rules []*rule
	log   []Event
	calls int
	done  map[string]bool // by ClientToken: what the upstream has executed with success
}

// New makes a proxy to an upstream such as http://127.0.0.1:4566.
func New(upstream string) (*Proxy, error) {
	target, err := url.Parse(upstream)
	if err != nil {
		return nil, fmt.Errorf("faultproxy: upstream: %w", err)
	}
	if target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return nil, fmt.Errorf("faultproxy: upstream %q is no http URL", upstream)
	}
	// Plain answers are needed for cutting them.
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100}
	return &Proxy{upstream: target, transport: transport, done: map[string]bool{}}, nil
}

// Over makes a proxy to an upstream in the same process. Nothing then waits for a network, so that it can be used where
// time is not real.
func Over(upstream http.Handler) *Proxy {
	return &Proxy{upstream: &url.URL{Scheme: "http", Host: "upstream.test"}, transport: handled{upstream}, done: map[string]bool{}}
}

// RoundTrip makes a call through the proxy without a network. A Reset is no more than a Drop there.
func (p *Proxy) RoundTrip(r *http.Request) (*http.Response, error) { return handled{p}.RoundTrip(r) }

// Close drops idle connections to the upstream.
func (p *Proxy) Close() {
	if network, ok := p.transport.(*http.Transport); ok {
		network.CloseIdleConnections()
	}
}

// Add puts rules behind those already there. The first one that fires decides about a call; the counters of all rules
// that select the call go on.
func (p *Proxy) Add(rules ...Rule) error {
	for _, r := range rules {
		if err := r.check(); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range rules {
		p.rules = append(p.rules, newRule(r))
	}
	return nil
}

// Clear drops all rules.
func (p *Proxy) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
}

// Log returns the AWS calls so far, in the order in which their fate was settled.
func (p *Proxy) Log() []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.log)
}

// ServeHTTP forwards a request, unless a rule wants it otherwise.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, fmt.Sprintf("faultproxy: %v", err), http.StatusBadRequest)
		return
	}
	event, fired := p.meet(r, body)
	if fired == nil {
		reply, err := p.forward(r.Context(), r, body)
		p.settle(&event, reply)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		reply.write(w)
		return
	}
	p.harm(w, r, body, event, fired)
}

// harm carries out a rule.
func (p *Proxy) harm(w http.ResponseWriter, r *http.Request, body []byte, event Event, fired *Rule) {
	var answer *reply
	if fired.Executed {
		// The call is executed even if its caller goes away meanwhile.
		var err error
		if answer, err = p.forward(context.WithoutCancel(r.Context()), r, body); err != nil {
			p.settle(&event, nil)
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
	}
	if fired.Fault == Delay && !fired.Executed {
		p.delay(w, r, body, event, fired)
		return
	}
	p.settle(&event, answer)
	fired.notify(event)
	if wait(r.Context(), fired.Wait) {
		fired.spoil(w, answer, event.Action)
	}
}

// delay keeps a call back from the upstream.
func (p *Proxy) delay(w http.ResponseWriter, r *http.Request, body []byte, event Event, fired *Rule) {
	fired.notify(event)
	if !wait(r.Context(), fired.Wait) {
		p.settle(&event, nil)
		return
	}
	answer, err := p.forward(r.Context(), r, body)
	p.settle(&event, answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	answer.write(w)
}

// spoil answers as the rule wants it. The upstream's answer is nil when the call was not executed.
func (r *Rule) spoil(w http.ResponseWriter, answer *reply, action string) {
	switch r.Fault {
	case Drop:
		disconnect(w, false)
	case Reset:
		disconnect(w, true)
	case Refuse:
		refusal(r).write(w)
	case Empty:
		listing(action).write(w)
	case Truncate:
		answer.body = answer.body[:r.keep(len(answer.body))]
		answer.write(w)
	case Cut:
		answer.header.Set("Content-Length", strconv.Itoa(len(answer.body)))
		answer.body = answer.body[:r.keep(len(answer.body))]
		answer.write(w)
		// What was written may still be in a buffer; a server that cannot flush cannot be cut either.
		_ = http.NewResponseController(w).Flush()
		disconnect(w, false)
	case Delay:
		answer.write(w)
	}
}

// meet finds the rule for a request. What is no AWS call passes without a number.
func (p *Proxy) meet(r *http.Request, body []byte) (Event, *Rule) {
	form := r.URL.Query()
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		// A body that is no form has no action and passes.
		if posted, err := url.ParseQuery(string(body)); err == nil {
			form = posted
		}
	}
	event := Event{Action: form.Get("Action"), ClientToken: form.Get("ClientToken")}
	if event.Action == "" {
		return event, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	event.Number = p.calls
	var fired *Rule
	for _, rule := range p.rules {
		// Every rule counts the call, whoever gets it.
		if rule.selects(event.Action, p.done[event.ClientToken]) && fired == nil && rule.fires() {
			fired = &rule.Rule
			event.Fault = rule.Fault
		}
	}
	return event, fired
}

func (p *Proxy) settle(event *Event, reply *reply) {
	if event.Number == 0 {
		return
	}
	if reply != nil {
		event.Executed, event.Status = true, reply.status
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, *event)
	if event.ClientToken != "" && event.Executed && event.Status < http.StatusMultipleChoices {
		p.done[event.ClientToken] = true
	}
}

// wait returns false when the caller went away meanwhile.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
