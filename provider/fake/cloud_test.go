package fake_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
)

const request = ohfp.RequestID("req-00000000-0000-7000-8000-000000000001")

// world is a cloud with one provider on it.
type world struct {
	clock *fake.Clock
	cloud *fake.Cloud
	p     *fake.Provider
}

func newWorld(t *testing.T, settings fake.Settings) world {
	t.Helper()
	clock := fake.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	cloud := fake.New(clock.Now, settings)
	p, err := cloud.Open(provider.Environment{Name: "f", Installation: "one", Memory: fake.NewMemory(clock.Now)})
	if err != nil {
		t.Fatal(err)
	}
	return world{clock: clock, cloud: cloud, p: p}
}

func (w world) prepare(t *testing.T, attempt, count int, spec string) ohfp.Order {
	t.Helper()
	order, err := w.p.Prepare(t.Context(), provider.Ask{
		Request: request, Attempt: attempt, Count: count,
		Template: ohfp.Template{ID: "t", MaxNumber: 100, Spec: json.RawMessage(spec)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return order
}

func (w world) launch(t *testing.T, order ohfp.Order) provider.Launched {
	t.Helper()
	launched, err := w.p.Launch(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	return launched
}

func (w world) only(t *testing.T) ohfp.Machine {
	t.Helper()
	seen, err := w.p.Observe(t.Context(), []provider.Scope{{Request: request}})
	if err != nil || len(seen.Machines) != 1 {
		t.Fatalf("observed %d machines, error %v; want one", len(seen.Machines), err)
	}
	return seen.Machines[0]
}

func TestLifeOfAMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fake.Settings{
		LaunchDelay: 30 * time.Second, AddressDelay: 40 * time.Second, TerminateDelay: 20 * time.Second,
		VisibleAfter: 5 * time.Second, ForgetAfter: time.Minute,
	})
	launched := w.launch(t, w.prepare(t, 1, 1, `{"type":"small"}`))
	look := func() string {
		seen, err := w.p.Observe(t.Context(), []provider.Scope{{Resources: []string{launched.Resource}}})
		if err != nil || !seen.Complete {
			t.Fatalf("complete %t, error %v", seen.Complete, err)
		}
		var lines []string
		for _, m := range seen.Machines {
			lines = append(lines, strings.TrimSpace(string(m.State)+" "+m.PrivateIP))
		}
		return strings.Join(lines, ",")
	}
	for _, step := range []struct {
		after time.Duration
		want  string
	}{
		{0, ""}, {5 * time.Second, "pending"}, {25 * time.Second, "running"}, {10 * time.Second, "running 10.0.0.2"},
	} {
		w.clock.Advance(step.after)
		if got := look(); got != step.want {
			t.Fatalf("shown as %q, want %q", got, step.want)
		}
	}
	ended, err := w.p.Terminate(t.Context(), launched.Machines, nil)
	want := []provider.Ended{{Machine: launched.Machines[0].ID, State: ohfp.MachineShuttingDown}}
	if diff := cmp.Diff(want, ended); diff != "" || err != nil {
		t.Fatalf("error %v, ended (-want +got):\n%s", err, diff)
	}
	for _, step := range []struct {
		after time.Duration
		want  string
	}{
		{0, "shutting-down 10.0.0.2"}, {20 * time.Second, "terminated"}, {40 * time.Second, ""},
	} {
		w.clock.Advance(step.after)
		if got := look(); got != step.want {
			t.Fatalf("shown as %q, want %q", got, step.want)
		}
	}
}

func TestTokenWithAnotherCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fake.Settings{})
	order := w.prepare(t, 1, 1, `{"type":"small"}`)
	w.launch(t, order)
	other := w.prepare(t, 1, 2, `{"type":"small"}`)
	if other.Token != order.Token {
		t.Fatalf("tokens %s and %s of the same attempt differ", order.Token, other.Token)
	}
	_, err := w.p.Launch(t.Context(), other)
	var refusal *ohfp.CloudError
	if !errors.Is(err, ohfp.ErrInvalid) || !errors.As(err, &refusal) || refusal.Code != "IdempotentParameterMismatch" {
		t.Errorf("error %v, want a parameter mismatch", err)
	}
	spaced := order
	spaced.Call = append([]byte("  "), order.Call...)
	if launched := w.launch(t, spaced); len(launched.Machines) != 1 || len(w.cloud.Live()) != 1 {
		t.Errorf("the same call written with spaces brought %d machines, %d exist; want one", len(launched.Machines), len(w.cloud.Live()))
	}
}

func TestFleetUsesEveryOffering(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fake.Settings{})
	w.cloud.SetCapacity("small/a", 1)
	w.cloud.SetCapacity("small/b", 0)
	launched := w.launch(t, w.prepare(t, 1, 9, `{"types":{"small":1,"large":4},"zones":["a","b"]}`))
	var got []string
	for _, m := range launched.Machines {
		got = append(got, m.Type+"/"+m.Zone)
	}
	if diff := cmp.Diff([]string{"small/a", "large/a", "large/a"}, got); diff != "" {
		t.Errorf("machines (-want +got):\n%s", diff)
	}
	if len(launched.Failures) != 2 || launched.Failures[0].Offering != "small/a" || launched.Failures[1].Offering != "small/b" {
		t.Errorf("failures %v, want one for each of small/a and small/b", launched.Failures)
	}
	if diff := cmp.Diff([]string{launched.Resource}, w.cloud.Fleets()); diff != "" {
		t.Errorf("fleets (-want +got):\n%s", diff)
	}
	next := w.prepare(t, 2, 1, `{"types":{"small":1,"large":4},"zones":["a","b"]}`)
	if next.Offering != "large/a, large/b" {
		t.Errorf("the next order asks for %s, want only what has room", next.Offering)
	}
}

func TestExhausted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fake.Settings{})
	w.cloud.SetCapacity("small/a", 0)
	w.cloud.SetCapacity("small/b", 0)
	const spec = `{"type":"small","zones":["a","b"]}`
	for attempt, want := range []struct {
		offering  string
		exhausted bool
	}{{"small/a", false}, {"small/b", true}, {"small/a", true}} {
		order := w.prepare(t, attempt+1, 1, spec)
		launched, err := w.p.Launch(t.Context(), order)
		if !errors.Is(err, ohfp.ErrCapacity) || order.Offering != want.offering || launched.Exhausted != want.exhausted {
			t.Errorf("attempt %d asked for %s, exhausted %t, error %v; want %+v", attempt+1, order.Offering, launched.Exhausted, err, want)
		}
	}
	w.clock.Advance(10 * time.Minute)
	w.cloud.SetCapacity("small/a", 1)
	first := w.launch(t, w.prepare(t, 4, 1, spec))
	if _, err := w.p.Terminate(t.Context(), first.Machines, nil); err != nil {
		t.Fatal(err)
	}
	if again := w.launch(t, w.prepare(t, 5, 1, spec)); again.Machines[0].Zone != "a" {
		t.Errorf("the machine that ended made no room in small/a")
	}
}

func TestCapacityUnit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		unit ohfp.CapacityUnit
		want int
	}{{ohfp.CapacityDefault, 2}, {ohfp.CapacityUnits, 2}, {ohfp.CapacityMachines, 6}} {
		w := newWorld(t, fake.Settings{})
		order, err := w.p.Prepare(t.Context(), provider.Ask{
			Request: request, Attempt: 1, Count: 6,
			Template: ohfp.Template{ID: "t", CapacityUnit: tt.unit, Spec: json.RawMessage(`{"types":{"large":4}}`)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if launched := w.launch(t, order); len(launched.Machines) != tt.want {
			t.Errorf("unit %q: 6 brought %d machines of weight 4, want %d", tt.unit, len(launched.Machines), tt.want)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fake.Settings{})
	order := w.prepare(t, 1, 2, `{"type":"small"}`)
	w.cloud.FailNext(fake.OpLaunch, fake.Throttled(fake.OpLaunch), 2)
	w.cloud.FailNext(fake.OpLaunch, fake.Denied(fake.OpLaunch), 1)
	w.cloud.DropReply(fake.OpLaunch)
	for i, want := range []error{ohfp.ErrThrottled, ohfp.ErrThrottled, ohfp.ErrDenied, ohfp.ErrUnavailable, nil} {
		alive := len(w.cloud.Live())
		if _, err := w.p.Launch(t.Context(), order); ohfp.KindOf(err) != want {
			t.Fatalf("call %d: error %v, want one of kind %v", i+1, err, want)
		}
		if carriedOut := i >= 3; (len(w.cloud.Live()) == 2) != carriedOut {
			t.Fatalf("call %d: %d machines before, %d after; carried out should be %t", i+1, alive, len(w.cloud.Live()), carriedOut)
		}
	}
	w.cloud.CutRead(1)
	seen, err := w.p.Owned(t.Context(), provider.OwnedFilter{})
	if !errors.Is(err, ohfp.ErrUnavailable) || seen.Complete || len(seen.Machines) != 1 {
		t.Errorf("a cut read shows %d machines, complete %t, error %v; want one of two and ErrUnavailable", len(seen.Machines), seen.Complete, err)
	}
	w.cloud.DropReply(fake.OpTerminate)
	ended, err := w.p.Terminate(t.Context(), seen.Machines, nil)
	if !errors.Is(err, ohfp.ErrUnavailable) || len(ended) != 0 || len(w.cloud.Live()) != 1 {
		t.Errorf("a lost answer told %v, error %v, %d machines live; want none, ErrUnavailable and one", ended, err, len(w.cloud.Live()))
	}
	release := w.cloud.Hang(fake.OpObserve)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := w.p.Observe(ctx, []provider.Scope{{Request: request}}); !errors.Is(err, ohfp.ErrTimeout) {
		t.Errorf("a call without answer: %v, want %v", err, ohfp.ErrTimeout)
	}
	release()
	release()
	want := map[fake.Op]int{fake.OpPrepare: 1, fake.OpLaunch: 5, fake.OpOwned: 1, fake.OpTerminate: 1, fake.OpObserve: 1}
	if diff := cmp.Diff(want, w.cloud.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	w.cloud.FailNext(fake.OpHealth, fake.Unavailable(fake.OpHealth), 1)
	w.cloud.Hang(fake.OpHealth)
	w.cloud.Heal()
	if _, err := w.p.Health(t.Context()); err != nil {
		t.Errorf("after healing: %v", err)
	}
}

func TestTerminate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fake.Settings{TerminateDelay: time.Minute, VisibleAfter: 10 * time.Second})
	machines := w.launch(t, w.prepare(t, 1, 2, `{"type":"small"}`)).Machines
	ended, err := w.p.Terminate(t.Context(), machines, nil)
	if err != nil || len(ended) != 2 || ended[0].State != ohfp.MachineShuttingDown {
		t.Fatalf("machines that do not show yet: %v, error %v; want both as %s", ended, err, ohfp.MachineShuttingDown)
	}
	w.clock.Advance(10 * time.Second)
	if len(w.cloud.Live()) != 2 {
		t.Fatalf("%d machines live; an order that came before they showed has no effect", len(w.cloud.Live()))
	}
	if err := w.cloud.Protect(machines[0].ID, true); err != nil {
		t.Fatal(err)
	}
	ended, err = w.p.Terminate(t.Context(), machines, nil)
	if !errors.Is(err, ohfp.ErrDenied) || len(ended) != 1 || ended[0].Machine != machines[1].ID {
		t.Errorf("one of two is protected: %v, error %v; want the other one and ErrDenied", ended, err)
	}
	if err := w.cloud.Lose(machines[0].ID, "interrupted"); err != nil {
		t.Fatal(err)
	}
	if m, _ := w.cloud.Machine(machines[0].ID); m.State != ohfp.MachineTerminated || m.StateReason != "interrupted" {
		t.Errorf("a lost machine is %s, %q; want %s at once", m.State, m.StateReason, ohfp.MachineTerminated)
	}
	old := ohfp.Machine{ID: "m-77777777", LaunchedAt: w.clock.Now().Add(-time.Hour)}
	ended, err = w.p.Terminate(t.Context(), []ohfp.Machine{old}, nil)
	if err != nil || len(ended) != 1 || ended[0].State != ohfp.MachineTerminated {
		t.Errorf("an old unknown machine: %v, error %v; want it terminated", ended, err)
	}
	for what, err := range map[string]error{
		"losing":     w.cloud.Lose("m-77777777", ""),
		"protecting": w.cloud.Protect("m-77777777", true),
	} {
		if !errors.Is(err, ohfp.ErrNotFound) {
			t.Errorf("%s a machine that does not exist: %v, want %v", what, err, ohfp.ErrNotFound)
		}
	}
}

func TestPagesCountAsCalls(t *testing.T) {
	t.Parallel()
	for machines, want := range map[int]int{1: 1, 2: 1, 3: 2, 4: 2, 5: 3} {
		w := newWorld(t, fake.Settings{PageSize: 2})
		w.launch(t, w.prepare(t, 1, machines, `{"type":"small"}`))
		if _, err := w.p.Owned(t.Context(), provider.OwnedFilter{}); err != nil {
			t.Fatal(err)
		}
		if got := w.cloud.Calls()[fake.OpOwned]; got != want {
			t.Errorf("%d machines in pages of 2 took %d calls, want %d", machines, got, want)
		}
	}
}

func TestInstallationsDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fake.Settings{})
	w.launch(t, w.prepare(t, 1, 1, `{"type":"small"}`))
	other, err := w.cloud.Open(provider.Environment{Name: "f", Installation: "two", Memory: fake.NewMemory(w.clock.Now)})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := other.Observe(t.Context(), []provider.Scope{{Request: request, Machines: w.cloud.Live()}})
	if err != nil || len(seen.Machines) != 0 {
		t.Errorf("another installation observes %d machines, error %v", len(seen.Machines), err)
	}
	if m := w.only(t); m.Provider != "f" || m.Request != request || m.Template != "t" {
		t.Errorf("the owner sees %+v", m)
	}
	w.cloud.Set(fake.Settings{LaunchDelay: time.Hour})
	if m := w.only(t); m.State != ohfp.MachinePending {
		t.Errorf("machine is %s although launches now take an hour", m.State)
	}
}

func TestFactory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fake.Settings{})
	registry := provider.Registry{fake.Type: {Open: w.cloud.Factory()}}
	env := provider.Environment{Name: "f", Installation: "one", Memory: fake.NewMemory(w.clock.Now)}
	for _, config := range []string{"", "{}", "null"} {
		if _, err := registry.Open(t.Context(), fake.Type, json.RawMessage(config), env); err != nil {
			t.Errorf("config %q: %v", config, err)
		}
	}
	_, err := registry.Open(t.Context(), fake.Type, json.RawMessage(`{"region":"mars"}`), env)
	if !errors.Is(err, ohfp.ErrInvalid) || !strings.Contains(err.Error(), "region") {
		t.Errorf("an unknown key: %v, want it refused by name", err)
	}
	for what, spoiled := range map[string]provider.Environment{
		"no name":         {Installation: "one", Memory: env.Memory},
		"no installation": {Name: "f", Memory: env.Memory},
		"no memory":       {Name: "f", Installation: "one"},
	} {
		if _, err := w.cloud.Open(spoiled); !errors.Is(err, ohfp.ErrInvalid) {
			t.Errorf("%s: %v, want %v", what, err, ohfp.ErrInvalid)
		}
	}
}

func TestClosedProviderRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fake.Settings{})
	if err := w.p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.p.Health(t.Context()); !errors.Is(err, ohfp.ErrUnavailable) {
		t.Errorf("after Close: %v, want %v", err, ohfp.ErrUnavailable)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	clock := fake.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	memory := fake.NewMemory(clock.Now)
	ctx := t.Context()
	swap := func(old, value string, want bool) {
		t.Helper()
		var before []byte
		if old != "" {
			before = []byte(old)
		}
		swapped, err := memory.Swap(ctx, "a/1", before, []byte(value), time.Minute)
		if err != nil || swapped != want {
			t.Errorf("swapping %q for %q: %t, %v; want %t", old, value, swapped, err, want)
		}
	}
	swap("one", "two", false)
	swap("", "one", true)
	swap("", "two", false)
	swap("one", "two", true)
	if err := memory.Remember(ctx, "b/1", []byte("x"), time.Hour); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Minute)
	if value, ok, err := memory.Recall(ctx, "a/1"); ok || err != nil {
		t.Errorf("an expired value is recalled: %q, %v", value, err)
	}
	swap("two", "three", false)
	if err := memory.Remember(ctx, "a/2", []byte("y"), time.Hour); err != nil {
		t.Fatal(err)
	}
	found, err := memory.RecallPrefix(ctx, "a/")
	if diff := cmp.Diff(map[string][]byte{"a/2": []byte("y")}, found); diff != "" || err != nil {
		t.Errorf("error %v, recalled (-want +got):\n%s", err, diff)
	}
	if err := memory.Forget(ctx, "a/"); err != nil {
		t.Fatal(err)
	}
	found, err = memory.RecallPrefix(ctx, "")
	if diff := cmp.Diff(map[string][]byte{"b/1": []byte("x")}, found); diff != "" || err != nil {
		t.Errorf("error %v, left after forgetting (-want +got):\n%s", err, diff)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := memory.Recall(cancelled, "b/1"); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

func FuzzValidate(f *testing.F) {
	for _, spec := range []string{`{"type":"small"}`, `{"types":{"small":1,"huge":4},"zones":["a","b"]}`, `{}`, `[]`, `{"type":"small"} {}`, `{"type":"small"}]`, ``} {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		w := newWorld(t, fake.Settings{})
		template := ohfp.Template{ID: "t", MaxNumber: 1, Spec: json.RawMessage(spec)}
		valid := w.p.Validate(t.Context(), template)
		if valid != nil && !errors.Is(valid, ohfp.ErrInvalid) {
			t.Fatalf("spec %q: error %v is of no kind", spec, valid)
		}
		_, err := w.p.Prepare(t.Context(), provider.Ask{Request: request, Attempt: 1, Template: template, Count: 1})
		if (err == nil) != (valid == nil) {
			t.Fatalf("spec %q: Validate says %v, Prepare says %v", spec, valid, err)
		}
	})
}
