package aws_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
)

func TestTerminateSetsUnknownMachinesAside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	_, launched := launch(t, p, ask(template("RunInstances", plain), 5))
	machines := slices.Insert(slices.Clone(launched.Machines), 2,
		ohfp.Machine{ID: "i-0fedcba9876543210"}, ohfp.Machine{ID: "i-0fedcba9876543211"}, ohfp.Machine{ID: "fake-17"}, launched.Machines[0])
	w.ResetLedger()
	ended, err := p.Terminate(t.Context(), machines, nil)
	if err != nil {
		t.Fatal(err)
	}
	states := map[ohfp.MachineID]ohfp.MachineState{}
	for _, e := range ended {
		states[e.Machine] = e.State
	}
	want := map[ohfp.MachineID]ohfp.MachineState{
		"i-0fedcba9876543210": ohfp.MachineTerminated, "i-0fedcba9876543211": ohfp.MachineTerminated, "fake-17": ohfp.MachineTerminated,
	}
	for _, m := range launched.Machines {
		want[m.ID] = ohfp.MachineTerminated // the simulator's delay is zero here
	}
	for id, state := range states {
		if state == ohfp.MachineShuttingDown {
			states[id] = ohfp.MachineTerminated
		}
	}
	if diff := cmp.Diff(want, states); diff != "" || len(ended) != len(want) {
		t.Errorf("ended %d (-want +got):\n%s", len(ended), diff)
	}
	if calls := len(w.Ledger()); calls > 3 {
		t.Errorf("it took %d calls; EC2 names what it does not know, so 3 are enough", calls)
	}
}

func TestTerminateInBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	_, one := launch(t, p, ask(template("EC2Fleet", plain), 1001))
	w.ResetLedger()
	ended, err := p.Terminate(t.Context(), one.Machines, nil)
	if err != nil || len(ended) != 1001 {
		t.Fatalf("ended %d of 1001, error %v", len(ended), err)
	}
	if calls := w.actions(); len(calls) != 2 {
		t.Errorf("calls are %v, want 2", calls)
	}
}

func TestTerminateWhenEC2NamesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	_, launched := launch(t, p, ask(template("RunInstances", plain), 4))
	if err := w.Fail(awssim.Failure{Action: "TerminateInstances", Code: "InvalidInstanceID.NotFound", Message: "Something is not there", Times: 1}); err != nil {
		t.Fatal(err)
	}
	w.ResetLedger()
	ended, err := p.Terminate(t.Context(), launched.Machines, nil)
	if err != nil || len(ended) != 4 || len(w.Ledger()) != 3 {
		t.Errorf("ended %d of 4 in %d calls, error %v; want all in 3 calls", len(ended), len(w.Ledger()), err)
	}
}

func TestTerminateTellsWhatIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	_, launched := launch(t, p, ask(template("RunInstances", plain), 3))
	protected := launched.Machines[1].ID
	if err := w.Fail(awssim.Failure{
		Action: "TerminateInstances", Code: "OperationNotPermitted", Times: 1,
		Message: "The instance '" + string(protected) + "' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
	}); err != nil {
		t.Fatal(err)
	}
	ended, err := p.Terminate(t.Context(), launched.Machines, nil)
	if !errors.Is(err, ohfp.ErrDenied) || !strings.Contains(err.Error(), string(protected)) {
		t.Errorf("the refusal is told as %v; want denied, with the machine", err)
	}
	if len(ended) != 2 || slices.ContainsFunc(ended, func(e provider.Ended) bool { return e.Machine == protected }) {
		t.Errorf("ended %+v, want the two others", ended)
	}
	for code, kind := range map[string]error{"RequestLimitExceeded": ohfp.ErrThrottled, "UnauthorizedOperation": ohfp.ErrDenied, "InternalError": ohfp.ErrUnavailable} {
		if err := w.FailNext("TerminateInstances", code, 1); err != nil {
			t.Fatal(err)
		}
		if ended, err := p.Terminate(t.Context(), launched.Machines, nil); !errors.Is(err, kind) || len(ended) != 0 {
			t.Errorf("%s: ended %d, error %v; want none and %q", code, len(ended), err, kind)
		}
	}
}

func TestObserveFindsWhatTheTagDoesNotShow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	a := ask(template("RunInstances", plain), 2)
	_, launched := launch(t, p, a)
	stranger := w.foreign(t)
	w.ResetLedger()
	// The record of one request names a machine that carries another tag, and things that no instance is.
	scopes := []provider.Scope{
		{Request: a.Request, Machines: append(ids(launched.Machines), "i-0fedcba9876543210", "fake-17", "")},
		{Request: "req-00000000-0000-7000-8000-000000000000", Machines: []ohfp.MachineID{stranger}},
		{Request: "ret-00000000-0000-7000-8000-000000000000", Machines: ids(launched.Machines)},
	}
	seen, err := p.Observe(t.Context(), scopes)
	if err != nil || !seen.Complete {
		t.Fatalf("complete %t, error %v", seen.Complete, err)
	}
	want := append(ids(launched.Machines), stranger)
	slices.Sort(want)
	if diff := cmp.Diff(want, ids(seen.Machines)); diff != "" {
		t.Errorf("machines (-want +got):\n%s", diff)
	}
	calls := w.Ledger()
	if len(calls) != 3 {
		t.Fatalf("calls are %v; want one by tag, one by id, and one for what neither showed", w.actions())
	}
	for i, call := range calls {
		for key, value := range call.Parameters {
			if strings.HasPrefix(key, "InstanceId") && (i < 2 || value != "i-0fedcba9876543210") {
				t.Errorf("call %d names instance %s in a way that fails when it is unknown", i, value)
			}
		}
	}
}

func TestObserveManyRequestsInFewCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	var scopes []provider.Scope
	for range 450 {
		scopes = append(scopes, provider.Scope{Request: ohfp.NewRequestID(ohfp.TypeAcquire, time.Now())})
	}
	if _, err := p.Observe(t.Context(), append(scopes, scopes[0])); err != nil {
		t.Fatal(err)
	}
	if calls := len(w.Ledger()); calls != 3 {
		t.Errorf("450 requests took %d calls, want 3", calls)
	}
}

func TestObserveTellsWhyMachinesEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	p := w.open(t)
	a := ask(template("RunInstances", `{"imageId": "`+image+`", "vmType": "m5.large", "subnetId": "`+subnetA+`", "priceType": "spot"}`), 1)
	_, launched := launch(t, p, a)
	if err := w.Interrupt(0, string(launched.Machines[0].ID)); err != nil {
		t.Fatal(err)
	}
	w.advance(time.Minute)
	seen, err := p.Observe(t.Context(), []provider.Scope{{Request: a.Request}})
	if err != nil || len(seen.Machines) != 1 {
		t.Fatalf("observed %d, error %v", len(seen.Machines), err)
	}
	if m := seen.Machines[0]; m.State != ohfp.MachineTerminated || !strings.HasPrefix(m.StateReason, "Server.SpotInstanceTermination") {
		t.Errorf("the machine is %s, because %q; want terminated, Server.SpotInstanceTermination", m.State, m.StateReason)
	}
}

func TestHostNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	a := ask(template("RunInstances", `{"imageId": "`+image+`", "vmType": "m5.large", "subnetId": "`+subnetA+`", "instanceTags": "host=node-1;Name=not this"}`), 1)
	_, launched := launch(t, w.open(t), a)
	w.advance(time.Minute)
	i := instance(t, w, launched.Machines[0].ID)
	dashed := strings.ReplaceAll(i.PrivateIP, ".", "-")
	for rule, want := range map[string]string{
		"private-dns":          "ip-" + dashed + ".ec2.internal",
		"resource-name":        i.ID + ".ec2.internal",
		"tag:host":             "node-1",
		"tag:missing":          "",
		"hpc-{ip}":             "hpc-" + dashed,
		"{id}.{zone}.{domain}": i.ID + ".us-east-1a.ec2.internal",
	} {
		seen, err := w.open(t, `{"host_name": "`+rule+`"}`).Observe(t.Context(), []provider.Scope{{Request: a.Request}})
		if err != nil || len(seen.Machines) != 1 {
			t.Fatalf("observed %d, error %v", len(seen.Machines), err)
		}
		if got := seen.Machines[0].Name; got != want {
			t.Errorf("host_name %s gives %q, want %q", rule, got, want)
		}
	}
}
