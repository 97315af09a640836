package fake_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
)

func (w world) plant(t *testing.T, api string, count int, spec string) (ohfp.Order, string) {
	t.Helper()
	order, err := w.p.Prepare(t.Context(), provider.Ask{
		Request: request, Attempt: 1, Count: count,
		Template: ohfp.Template{ID: "t", ProviderAPI: api, MaxNumber: 100, Spec: json.RawMessage(spec)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return order, w.launch(t, order).Resource
}

func (w world) wantLive(t *testing.T, want int) {
	t.Helper()
	if live := w.cloud.Live(); len(live) != want {
		t.Errorf("%d machines live, want %d", len(live), want)
	}
}

func TestGroupLaunchesWhenItIsDue(t *testing.T) {
	t.Parallel()
	for _, api := range []string{fake.APIGroup, fake.APIRequest} {
		w := newWorld(t, fake.Settings{LaunchDelay: time.Minute, Wave: 2})
		w.plant(t, api, 5, `{"type":"small"}`)
		for _, want := range []int{0, 2, 4, 5, 5} {
			w.wantLive(t, want)
			w.clock.Advance(time.Minute)
		}
		id := w.cloud.Live()[0]
		if err := w.cloud.Lose(id, "interrupted"); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Hour)
		want := 5
		if api == fake.APIRequest {
			want = 4
		}
		w.wantLive(t, want)
		m, _ := w.cloud.Machine(w.cloud.Live()[want-1])
		if age := w.clock.Now().Sub(m.LaunchedAt); age < 59*time.Minute {
			t.Errorf("%s: the last machine was launched %s ago, as if nothing happened while nobody looked", api, age)
		}
	}
}

func TestGroupWaitsForRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fake.Settings{LaunchDelay: time.Minute})
	w.cloud.SetCapacity("small/zone-a", 1)
	_, group := w.plant(t, fake.APIGroup, 3, `{"type":"small"}`)
	w.clock.Advance(10 * time.Minute)
	w.wantLive(t, 1)
	w.cloud.SetCapacity("small/zone-a", 9)
	w.clock.Advance(30 * time.Second)
	w.wantLive(t, 3)
	if wants := w.cloud.Wants(group); wants != 0 {
		t.Errorf("the group is full and wants %d more", wants)
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fake.Settings{ModifyDelay: time.Minute})
	order, group := w.plant(t, fake.APIGroup, 3, `{"type":"small","fallback":"large"}`)
	if (order.Target != ohfp.Target{Spot: 3}) || order.Yields != fake.YieldsAfter {
		t.Errorf("a group with a fallback has target %+v and yields after %s", order.Target, order.Yields)
	}
	set := func(n int) error {
		_, err := w.p.Terminate(t.Context(), nil, []ohfp.ResourceTarget{{Resource: group, Target: ohfp.Target{Spot: n}}})
		return err
	}
	w.cloud.DropReply(fake.OpTarget)
	for _, step := range []struct {
		target, want int
		kind         error
	}{
		{2, 2, ohfp.ErrUnavailable}, // carried out, and the answer lost
		{2, 2, nil},                 // it is so already
		{1, 2, ohfp.ErrConflict},    // it is being changed
		{9, 2, nil},
	} {
		if err := set(step.target); ohfp.KindOf(err) != step.kind {
			t.Errorf("setting %d: %v, want %v", step.target, err, step.kind)
		}
		if got, _ := w.cloud.Target(group); got.Spot != step.want {
			t.Errorf("after setting %d the target is %+v, want %d", step.target, got, step.want)
		}
	}
	w.clock.Advance(time.Minute)
	if err := set(0); err != nil {
		t.Error(err)
	}
	w.wantLive(t, 3)
	if m, _ := w.cloud.Machine(w.cloud.Live()[0]); m.Lifecycle != ohfp.Spot || m.Request != request || m.Template != "t" {
		t.Errorf("a machine of the group is shown as %+v", m)
	}
	for what, err := range map[string]error{"refusing": w.cloud.RefuseTargets("group-9", true), "retiring": w.p.Retire(t.Context(), group)} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if _, ok := w.cloud.Target("group-9"); ok || w.cloud.Wants("group-9") != 0 {
		t.Error("a group that does not exist has a target")
	}
}

func TestFallbackIsPrepared(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fake.Settings{})
	ask := provider.Ask{
		Request: request, Attempt: 2, Count: 2, Fallback: true,
		Template: ohfp.Template{ID: "t", ProviderAPI: fake.APIRequest, Spec: json.RawMessage(`{"type":"small","fallback":"large"}`)},
	}
	order, err := w.p.Prepare(t.Context(), ask)
	if err != nil || order.Async || order.Offering != "large/zone-a" || order.API != fake.APIInstances {
		t.Errorf("the other way is %+v, error %v", order, err)
	}
	for name, template := range map[string]ohfp.Template{
		"unknown type":    {ID: "t", ProviderAPI: fake.APIGroup, Spec: json.RawMessage(`{"type":"small","fallback":"giant"}`)},
		"no group to ask": {ID: "t", ProviderAPI: fake.APIFleet, Spec: json.RawMessage(`{"type":"small","fallback":"large"}`)},
	} {
		if err := w.p.Validate(t.Context(), template); !errors.Is(err, ohfp.ErrInvalid) {
			t.Errorf("%s: %v, want %v", name, err, ohfp.ErrInvalid)
		}
	}
}
