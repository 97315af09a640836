package fakehf_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/internal/fakehf"
)

var requestID = regexp.MustCompile(`^req-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func TestBlackBoxRequestIDs(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	a, b := s.ask(runInstances, 1), s.ask(runInstances, 1)
	if a == b || !requestID.MatchString(a) || !requestID.MatchString(b) {
		t.Errorf("request ids %q and %q", a, b)
	}
}

func TestBlackBoxRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	s.settings(map[string]any{"limits": map[string]any{"max_machines_per_request": 50}})
	s.writeTemplates(append(templates(), with(base("closed"), map[string]any{"vmType": "m5.xlarge", "maxNumber": 0}))...)
	request := func(template, count string) string {
		return fmt.Sprintf(`{"template":{"templateId":%s,"machineCount":%s}}`, template, count)
	}
	for name, test := range map[string]struct{ input, word string }{
		"unknown template":        {request(`"nothing"`, "1"), "nothing"},
		"no template":             {`{"template":{"machineCount":1}}`, "template"},
		"template that is a list": {request(`["Small"]`, "1"), "templateId"},
		"zero machines":           {request(`"Small"`, "0"), "not 0"},
		"fewer than none":         {request(`"Small"`, "-1"), "not -1"},
		"count in words":          {request(`"Small"`, `"three"`), "three"},
		"half a machine":          {request(`"Small"`, "0.5"), "0.5"},
		"more than maxNumber":     {request(`"Small"`, "6"), "not 6"},
		"far more than maxNumber": {request(`"Small"`, "100000"), "100000"},
		"more than a request may": {request(`"OnDemand"`, "51"), "max_machines_per_request"},
		"a number beyond numbers": {request(`"OnDemand"`, "1e99"), "1e99"},
		"template of 0 machines":  {request(`"closed"`, "1"), "maxNumber is 0"},
		"a dry run":               {`{"template":{"templateId":"Small","machineCount":1},"dry-run":true}`, "dry-run"},
	} {
		call, err := s.Call(t.Context(), fakehf.RequestMachines, []byte(test.input))
		if err != nil {
			t.Fatal(err)
		}
		if message, err := fakehf.ParseRefusal(call.Stdout); err != nil || call.Exit != 1 || !strings.Contains(message, test.word) {
			t.Errorf("%s: exit %d, %q: %v", name, call.Exit, call.Stdout, err)
		}
	}
	if n := s.launched(); n != 0 {
		t.Errorf("%d machines were launched", n)
	}
}

// TestBlackBoxMaxNumberIsHeld asks until the template is used up, gives some back, and asks again.
func TestBlackBoxMaxNumberIsHeld(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	r := s.get(small, 4)
	_, err := s.Request(t.Context(), small, 2)
	refused(t, err, small)
	s.get(small, 1)
	_, err = s.Request(t.Context(), small, 1)
	refused(t, err, small)
	s.giveBack(fakehf.Hosts(r.Machines[:2])...)
	s.get(small, 2)
	if got := len(s.alive()); got != 5 {
		t.Errorf("%d machines alive, maxNumber is 5", got)
	}
}

func TestBlackBoxUnlimited(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	s.writeTemplates(with(base("unlimited"), map[string]any{"vmType": "m5.xlarge", "maxNumber": -1}))
	s.get("unlimited", 40)
	_, err := s.Request(t.Context(), "unlimited", 10_001)
	refused(t, err, "10001")
}

// TestBlackBoxStatusOfTheUnknown holds that nobody is kept waiting for a request that does not exist.
func TestBlackBoxStatusOfTheUnknown(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	known := s.get(runInstances, 1)
	unknown := []string{
		"req-01890a5d-ac96-774b-bcce-b302099a8057", "ret-01890a5d-ac96-774b-bcce-b302099a8057", "no request id", "r-0123456789abcdef0",
		"../../etc/passwd", "req-", strings.Repeat("x", 5000), "Ünïcode \U0001F600 \x7f",
	}
	for _, got := range s.status(append([]string{known.ID}, unknown...)...) {
		want := "complete_with_error"
		if got.ID == known.ID {
			want = "complete"
		}
		if got.Status != want {
			t.Errorf("%.60s is %s, want %s", got.ID, got.Status, want)
		}
	}
}

// TestBlackBoxStatusOfMany asks for requests and returns in one call, one of them twice.
func TestBlackBoxStatusOfMany(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	a, b := s.get(runInstances, 2), s.get(fleet, 3)
	back := s.giveBack(fakehf.Hosts(a.Machines)...)
	input := fmt.Sprintf(`{"requests":[{"requestId":%q},{"requestId":%q},{"requestId":%q},{"requestId":%q}]}`, back.ID, a.ID, b.ID, a.ID)
	call, err := s.Call(t.Context(), fakehf.GetRequestStatus, []byte(input))
	s.ok(err)
	got, err := fakehf.ParseStatus(call.Stdout, back.ID, a.ID, b.ID)
	s.ok(err)
	var told []string
	for _, r := range got {
		told = append(told, fmt.Sprintf("%s %s %d", r.ID, r.Status, len(r.Good())))
	}
	want := []string{back.ID + " complete 2", a.ID + " complete 2", b.ID + " complete 3"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestBlackBoxCompleteOnlyWhenReady polls a slow cloud: machines appear late, run late, and have their addresses last.
func TestBlackBoxCompleteOnlyWhenReady(t *testing.T) {
	t.Parallel()
	for _, template := range []string{runInstances, fleet} {
		t.Run(template, func(t *testing.T) {
			t.Parallel()
			options := quick()
			options.DescribeLag, options.LaunchDelay, options.AddressDelay = 200*time.Millisecond, 1500*time.Millisecond, 2500*time.Millisecond
			s := newSite(t, options)
			id := s.ask(template, 3)
			seen := map[string]int{}
			for !slices.ContainsFunc(s.status(id), fakehf.Request.Done) {
				for _, m := range s.status(id)[0].Machines {
					seen[m.Result+" "+m.Status]++
				}
				time.Sleep(20 * time.Millisecond)
			}
			r := s.status(id)[0]
			names := map[string]bool{}
			for _, m := range r.Good() {
				names[m.Name] = true
			}
			if r.Status != "complete" || len(r.Good()) != 3 || len(names) != 3 {
				t.Errorf("%+v", r)
			}
			if seen["executing pending"] == 0 || seen["executing running"] == 0 {
				t.Errorf("seen on the way: %v", seen)
			}
			if n := s.launched(); n != 3 {
				t.Errorf("%d machines were launched", n)
			}
		})
	}
}
