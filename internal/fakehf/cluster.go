package fakehf

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// The five calls, by the names of their scripts.
const (
	GetAvailableTemplates = "getAvailableTemplates"
	RequestMachines       = "requestMachines"
	RequestReturnMachines = "requestReturnMachines"
	GetRequestStatus      = "getRequestStatus"
	GetReturnRequests     = "getReturnRequests"
)

// Actions lists the five calls.
func Actions() []string {
	return []string{GetAvailableTemplates, RequestMachines, RequestReturnMachines, GetRequestStatus, GetReturnRequests}
}

// Cluster is a Symphony cluster with one provider instance. ScriptDir, ConfDir, WorkDir and LogDir are required. Its
// methods may be called at the same time, as Host Factory does; its fields may not be changed then.
type Cluster struct {
	ScriptDir string // where the five scripts are
	Provider  string // the provider instance; empty: awsinst
	ConfDir   string
	WorkDir   string
	LogDir    string
	TempDir   string   // for input files; empty: the system's
	Env       []string // KEY=VALUE, besides PATH, HOME and Host Factory's own
	Shell     string   // runs the scripts; empty: the one that they name
	Form      Form     // how inputs are written

	ActionTimeout time.Duration // after which a call is lost; 0: 300 s, HF_PROVIDER_ACTION_TIMEOUT's default
	PollInterval  time.Duration // of Follow; 0: 30 s, HF_HOUSEKEEPING_LOOP_INTERVAL's default

	mu    sync.Mutex
	calls []Call
}

// Call is one call of a script, as it ended.
type Call struct {
	Action string
	Input  []byte
	Stdout []byte
	Stderr []byte
	Exit   int // -1 when the process was killed
	Began  time.Time
	Took   time.Duration
}

// Violation is an answer that the plug-in interface does not allow.
type Violation struct {
	Call Call
	Err  error
}

// Error says what is wrong and shows the call.
func (v *Violation) Error() string {
	return fmt.Sprintf("%s answered against the interface: %v (exit %d, input %s, standard output %q, standard error %q)",
		v.Call.Action, v.Err, v.Call.Exit, clip(v.Call.Input), clip(v.Call.Stdout), clip(v.Call.Stderr))
}

// Unwrap yields what is wrong.
func (v *Violation) Unwrap() error { return v.Err }

// Refusal is a call that ended as the interface wants a failed call to end: exit 1 and a message.
type Refusal struct {
	Action  string
	Message string
}

// Error is the message.
func (r *Refusal) Error() string { return r.Action + ": " + r.Message }

// Killed is a call that did not come to its end.
type Killed struct{ Action string }

// Error names the call.
func (k *Killed) Error() string { return k.Action + " was killed" }

// Calls lists the calls that have ended, oldest first.
func (c *Cluster) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// Templates calls getAvailableTemplates. With ids it asks for these only.
func (c *Cluster) Templates(ctx context.Context, ids ...string) (Templates, error) {
	input := []byte("{ }\n")
	if len(ids) > 0 {
		entries := make([]map[string]any, len(ids))
		for i, id := range ids {
			entries[i] = map[string]any{"templateId": id}
		}
		input = c.Form.encode(map[string]any{"templates": entries})
	}
	return ask(ctx, c, GetAvailableTemplates, input, ParseTemplates)
}

// Request calls requestMachines.
func (c *Cluster) Request(ctx context.Context, template string, count int) (Requested, error) {
	return ask(ctx, c, RequestMachines, c.Form.request(template, count), ParseRequested)
}

// Return calls requestReturnMachines.
func (c *Cluster) Return(ctx context.Context, hosts ...Host) (Requested, error) {
	return ask(ctx, c, RequestReturnMachines, c.Form.hosts(hosts), ParseRequested)
}

// Status calls getRequestStatus for requests and returns.
func (c *Cluster) Status(ctx context.Context, ids ...string) ([]Request, error) {
	return ask(ctx, c, GetRequestStatus, c.Form.status(ids), func(out []byte) ([]Request, error) {
		return ParseStatus(out, ids...)
	})
}

// ReturnRequests calls getReturnRequests with the hosts that the cluster knows.
func (c *Cluster) ReturnRequests(ctx context.Context, known ...Host) (ReturnRequests, error) {
	return ask(ctx, c, GetReturnRequests, c.Form.hosts(known), ParseReturnRequests)
}

// Follow polls the status of one request or return until Host Factory would stop, for as long as timeout.
func (c *Cluster) Follow(ctx context.Context, id string, timeout time.Duration) (Request, error) {
	interval := c.PollInterval
	if interval == 0 {
		interval = 30 * time.Second
	}
	deadline := time.Now().Add(timeout)
	for {
		requests, err := c.Status(ctx, id)
		if err != nil {
			return Request{}, err
		}
		if requests[0].Done() {
			return requests[0], nil
		}
		if time.Now().After(deadline) {
			return requests[0], fmt.Errorf("request %s is still running after %s: %q", id, timeout, requests[0].Message)
		}
		select {
		case <-ctx.Done():
			return requests[0], fmt.Errorf("follow request %s: %w", id, ctx.Err())
		case <-time.After(interval):
		}
	}
}

// ask makes a call and reads its answer. The error is a Violation, a Refusal or a Killed, or says that the script could
// not be run.
func ask[A any](ctx context.Context, c *Cluster, action string, input []byte, parse func([]byte) (A, error)) (A, error) {
	var none A
	call, err := c.Call(ctx, action, input)
	if err != nil {
		return none, err
	}
	if err := call.refused(); err != nil {
		return none, err
	}
	answer, err := parse(call.Stdout)
	if err != nil {
		return none, &Violation{Call: call, Err: err}
	}
	return answer, nil
}

// refused returns nil for a call that succeeded.
func (call Call) refused() error {
	switch call.Exit {
	case 0:
		return nil
	case -1:
		return &Killed{Action: call.Action}
	case 1:
		message, err := ParseRefusal(call.Stdout)
		if err == nil && !strings.Contains(string(call.Stderr), message) {
			err = fmt.Errorf("standard error does not tell the message %q", message)
		}
		if err != nil {
			return &Violation{Call: call, Err: err}
		}
		return &Refusal{Action: call.Action, Message: message}
	default:
		return &Violation{Call: call, Err: fmt.Errorf("exit code %d, want 0 or 1", call.Exit)}
	}
}
