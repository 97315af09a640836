package reference

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
)

func now() time.Time { return time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) }

func options() Options {
	return Options{Now: now(), Timeout: time.Hour, Provider: func(name string) (string, error) {
		if name == "elsewhere" {
			return "", errors.New("its provider elsewhere is not configured")
		}
		return "default", nil
	}}
}

func fixture(tb testing.TB) []byte {
	tb.Helper()
	data, err := os.ReadFile("testdata/request_database.json")
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestRead(t *testing.T) {
	t.Parallel()
	found, err := Read(fixture(t), options())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	tell := func(r ohfp.Request) {
		got = append(got, fmt.Sprintf("%.8s %s %s of %d, %s", r.ID, r.Type, r.Status, r.Count, r.Message))
		for _, a := range r.Attempts {
			got = append(got, fmt.Sprintf("  %s keeps %t %v", a.Resource, a.Order.Keeps, a.Order.Target))
		}
		for _, m := range r.Machines {
			got = append(got, fmt.Sprintf("  %s %s %s %q %s delivered %t, ending %q by %.8s, attempt %d",
				m.ID, m.State, m.Lifecycle, m.Name, m.PrivateIP, !m.DeliveredAt.IsZero(), m.Ending, m.Return, m.Attempt))
		}
		for _, u := range r.Unknown {
			got = append(got, "  unknown "+string(u.Machine))
		}
	}
	for _, r := range found.Returns {
		tell(r)
	}
	for _, r := range found.Acquires {
		tell(r)
	}
	for _, s := range found.Skipped {
		got = append(got, fmt.Sprintf("without %s %.12s: %s", s.Kind, s.ID, s.Why))
	}
	want := strings.Split(strings.TrimSpace(`
ret-4444 return in_progress of 2, 
  unknown i-gone
ret-5555 return failed of 1, 
req-1111 acquire complete of 2, done
  fleet-1 keeps true {1 0}
  i-1 running spot "ip-10-0-0-1.ec2.internal" 10.0.0.1 delivered false, ending "returned" by ret-4444, attempt 1
  i-2 running ondemand "ip-10-0-0-2.ec2.internal" 10.0.0.2 delivered true, ending "" by , attempt 1
req-2222 acquire in_progress of 1, 
  r-22 keeps false {0 0}
  i-3 pending ondemand ""  delivered false, ending "" by , attempt 1
req-3333 acquire failed of 1, it was moved here before anything was launched
without section extra: it is not known
without template t: templates come from template files; see ohfp templates
without request odd: its id "odd" is not req- or ret- and a UUID
without request req-66666666: its status "dreaming" is not known
without request req-77777777: its provider elsewhere is not configured
without machine number 4: its status "evaporated" is not known
without machine number 5: it is not an object
without machine i-9: its request "req-77777777-7777-4777-8777-777777777777" was not taken`), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	first := found.Acquires[0]
	if want := time.Date(2026, 3, 1, 10, 0, 0, 123456000, time.UTC); !first.CreatedAt.Equal(want) || first.CompletedAt.Sub(want).Round(time.Minute) != 5*time.Minute {
		t.Errorf("made at %s, ended at %s", first.CreatedAt, first.CompletedAt)
	}
	if first.Provider != "default" || first.Template.ID != "EC2FleetRequest" || first.Template.ProviderAPI != "EC2Fleet" {
		t.Errorf("template and provider are %+v, %s", first.Template, first.Provider)
	}
}

// TestNothingIsLaunchedOrLost takes what was read through plans: what is under way waits for its machines, and only what was
// given back is ended.
func TestNothingIsLaunchedOrLost(t *testing.T) {
	t.Parallel()
	found, err := Read(fixture(t), options())
	if err != nil {
		t.Fatal(err)
	}
	s := memory.New(now)
	for _, r := range append(found.Returns, found.Acquires...) {
		if err := s.CreateRequest(t.Context(), r, store.Limits{}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Requests(t.Context(), store.RequestFilter{Machines: true})
	if err != nil || len(all) != 5 {
		t.Fatalf("%d requests: %v", len(all), err)
	}
	for _, r := range all {
		seen := ohfp.Facts{Complete: true, ObservedAt: now(), Machines: r.Machines}
		for _, action := range ohfp.Plan(r, seen, now()) {
			switch a := action.(type) {
			case ohfp.Launch, ohfp.Resume:
				t.Errorf("request %s: %T %+v", r.ID, a, a)
			case ohfp.Terminate:
				if r.Type != ohfp.TypeReturn || len(a.Machines) != 1 || a.Machines[0] != "i-1" {
					t.Errorf("request %s ends %v", r.ID, a.Machines)
				}
			}
		}
	}
	unsettled, err := s.Requests(t.Context(), store.RequestFilter{Unsettled: true})
	if err != nil || len(unsettled) != 2 {
		t.Errorf("%d requests are followed: %v", len(unsettled), err)
	}
}

func TestReadRefusals(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "[]", "{}", `{"machines": {}}`, `{"requests": 7}`, `{"requests": {}, "machines": "x"}`} {
		if _, err := Read([]byte(text), options()); !errors.Is(err, ohfp.ErrInvalid) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(fixture(f))
	f.Add([]byte(`{"requests": [{"request_id": "req-11111111-1111-4111-8111-111111111111", "status": "failed", "created_at": 1, "template_id": "t"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := Read(data, options())
		if err != nil {
			return
		}
		s := memory.New(now)
		for _, r := range append(found.Returns, found.Acquires...) {
			if err := s.CreateRequest(t.Context(), r, store.Limits{}); err != nil {
				t.Fatalf("what was read cannot be stored: %v", err)
			}
			if _, err := json.Marshal(r); err != nil {
				t.Fatal(err)
			}
			for _, action := range ohfp.Plan(r, ohfp.Facts{}, now()) {
				if _, ok := action.(ohfp.Launch); ok {
					t.Fatalf("request %s launches", r.ID)
				}
			}
		}
	})
}
