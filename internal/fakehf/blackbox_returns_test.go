package fakehf_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/internal/fakehf"
)

// TestBlackBoxReturns gives back some of five machines in every way in which they may be named, and holds that just
// these end.
func TestBlackBoxReturns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		input   func(m []fakehf.Machine) string
		ended   []int  // of the five machines
		status  string // of the return
		unknown int    // machines that are told as failed
		words   string // part of the answer's message
	}{
		{"by id", func(m []fakehf.Machine) string { return fmt.Sprintf(`{"machines":[{"machineId":%q}]}`, m[1].ID) }, []int{1}, "complete", 0, "Delete VM success."},
		{"by name", func(m []fakehf.Machine) string {
			return fmt.Sprintf(`{"machines":[{"name":%q},{"name":%q}]}`, m[0].Name, m[4].Name)
		}, []int{0, 4}, "complete", 0, "Delete VM success."},
		{"one by name, one by id, one by both", func(m []fakehf.Machine) string {
			return fmt.Sprintf(`{"machines":[{"name":%q},{"machineId":%q},{"name":%q,"machineId":%q}]}`, m[0].Name, m[1].ID, m[2].Name, m[2].ID)
		}, []int{0, 1, 2}, "complete", 0, "Delete VM success."},
		{"one object", func(m []fakehf.Machine) string {
			return fmt.Sprintf(`{"machines":{"name":%q,"machineId":%q}}`, m[3].Name, m[3].ID)
		}, []int{3}, "complete", 0, "Delete VM success."},
		{"the same one three times", func(m []fakehf.Machine) string {
			return fmt.Sprintf(`{"machines":[{"name":%q},{"machineId":%q},{"name":%q,"machineId":%q}]}`, m[2].Name, m[2].ID, m[2].Name, m[2].ID)
		}, []int{2}, "complete", 0, "Delete VM success."},
		{"unknown ones among known ones", func(m []fakehf.Machine) string {
			return fmt.Sprintf(`{"machines":[{"machineId":"i-0123456789abcdef0"},{"name":"stranger"},{"machineId":%q},{"name":%q}]}`, m[0].ID, m[3].Name)
		}, []int{0, 3}, "complete_with_error", 2, "stranger"},
		{"only unknown ones", func([]fakehf.Machine) string {
			return `{"machines":[{"machineId":"i-0123456789abcdef0","name":"stranger"}]}`
		}, nil, "complete_with_error", 1, "No Active VM."},
		{"an entry that names nothing", func(m []fakehf.Machine) string {
			return fmt.Sprintf(`{"machines":[{"name":null,"machineId":null},{"machineId":%q}]}`, m[4].ID)
		}, []int{4}, "complete", 0, "named no machine"},
		{"none", func([]fakehf.Machine) string { return `{"machines":[]}` }, nil, "complete", 0, "No Active VM."},
		{"all", func(m []fakehf.Machine) string {
			return fmt.Sprintf(`{"machines":[{"machineId":%q},{"machineId":%q},{"machineId":%q},{"machineId":%q},{"machineId":%q}]}`, m[0].ID, m[1].ID, m[2].ID, m[3].ID, m[4].ID)
		}, []int{0, 1, 2, 3, 4}, "complete", 0, "Delete VM success."},
	}
	for i, test := range tests {
		template := []string{runInstances, fleet}[i%2]
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, quick())
			r := s.get(template, 5)
			call, err := s.Call(t.Context(), fakehf.RequestReturnMachines, []byte(test.input(r.Machines)))
			s.ok(err)
			answer, err := fakehf.ParseRequested(call.Stdout)
			if err != nil || call.Exit != 0 || !strings.HasPrefix(answer.RequestID, "ret-") || !strings.Contains(answer.Message, test.words) {
				t.Fatalf("exit %d, %q: %v", call.Exit, call.Stdout, err)
			}
			back := s.follow(answer.RequestID)
			if back.Status != test.status || len(back.Machines)-len(back.Good()) != test.unknown {
				t.Errorf("return: %+v", back)
			}
			var ended, kept []fakehf.Machine
			for i, m := range r.Machines {
				if slices.Contains(test.ended, i) {
					ended = append(ended, m)
				} else {
					kept = append(kept, m)
				}
			}
			if diff := cmp.Diff(ids(ended), ids(back.Good())); diff != "" {
				t.Errorf("returned (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(ids(kept), s.alive()); diff != "" {
				t.Errorf("alive (-want +got)\n%s", diff)
			}
			if n := s.launched(); n != 5 {
				t.Errorf("%d machines launched in all, want 5: something was replaced", n)
			}
		})
	}
}

func TestBlackBoxReturnOverSeveralRequests(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	a, b, c := s.get(runInstances, 2), s.get(fleet, 2), s.get(small, 1)
	back := s.giveBack(fakehf.Hosts([]fakehf.Machine{a.Machines[0], b.Machines[1], c.Machines[0]})...)
	if back.Status != "complete" || len(back.Good()) != 3 {
		t.Errorf("%+v", back)
	}
	if diff := cmp.Diff(ids([]fakehf.Machine{a.Machines[1], b.Machines[0]}), s.alive()); diff != "" {
		t.Errorf("alive (-want +got)\n%s", diff)
	}
}

// TestBlackBoxReturnTwice repeats a return while it runs and after it has ended: each gets an id and ends well.
func TestBlackBoxReturnTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	r := s.get(runInstances, 2)
	hosts := fakehf.Hosts(r.Machines)
	first, second := s.back(hosts...), s.back(hosts[0])
	third := s.giveBack(hosts[1])
	if first.RequestID == second.RequestID {
		t.Error("two returns have one id")
	}
	for id, n := range map[string]int{first.RequestID: 2, second.RequestID: 1} {
		if got := s.follow(id); got.Status != "complete" || len(got.Good()) != n {
			t.Errorf("return: %+v", got)
		}
	}
	if third.Status != "complete" || len(third.Good()) != 1 {
		t.Errorf("return: %+v", third)
	}
	late := s.back(hosts...)
	if !strings.Contains(late.Message, "No Active VM.") {
		t.Errorf("return of what is gone: %+v", late)
	}
	if got := s.follow(late.RequestID); got.Status != "complete" || len(got.Good()) != 2 {
		t.Errorf("return of what is gone: %+v", got)
	}
	if got := s.taken(hosts...); len(got) != 0 {
		t.Errorf("returned machines are taken back: %+v", got)
	}
}

// TestBlackBoxNamesAreUsedAgain gives back by name after the cloud has given the name of a dead machine to a new one.
func TestBlackBoxNamesAreUsedAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t, quick())
	first := s.get(runInstances, 1).Machines[0]
	s.giveBack(fakehf.Host{Name: first.Name})
	second := s.get(runInstances, 1).Machines[0]
	if first.Name != second.Name || first.ID == second.ID {
		t.Fatalf("the cloud did not use the name again: %+v, %+v", first, second)
	}
	back := s.giveBack(fakehf.Host{Name: second.Name})
	if back.Status != "complete" || len(back.Good()) != 1 || back.Good()[0].ID != second.ID {
		t.Errorf("return by name: %+v", back)
	}
	if alive := s.alive(); len(alive) != 0 {
		t.Errorf("alive: %v", alive)
	}
}

// TestBlackBoxReclaimed ends machines behind the program's back: Host Factory hears of them, and only of them.
func TestBlackBoxReclaimed(t *testing.T) {
	t.Parallel()
	for _, template := range []string{runInstances, fleet} {
		t.Run(template, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, quick())
			r := s.get(template, 4)
			back := s.giveBack(fakehf.Hosts(r.Machines[:1])...)
			s.ok(s.cloud.Terminate(r.Machines[1].ID))
			if template == fleet {
				s.ok(s.cloud.Interrupt(0, r.Machines[2].ID)) // as EC2 ends spot instances
			} else {
				s.ok(s.cloud.Terminate(r.Machines[2].ID))
			}
			want := []string{r.Machines[1].Name, r.Machines[2].Name}
			slices.Sort(want)
			reclaimed := func(known ...fakehf.Host) []string {
				names := []string{}
				for _, taken := range s.taken(known...) {
					names = append(names, taken.Machine)
				}
				slices.Sort(names)
				return names
			}
			// A machine is gone only once it is terminated.
			s.until("both are taken back", func() bool { return len(reclaimed(fakehf.Hosts(r.Machines)...)) == 2 })
			if diff := cmp.Diff(want, reclaimed(fakehf.Hosts(r.Machines)...)); diff != "" {
				t.Errorf("all hosts known (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(want, reclaimed()); diff != "" {
				t.Errorf("no hosts named (-want +got)\n%s", diff)
			}
			if got := reclaimed(fakehf.Hosts(r.Machines[2:])...); !slices.Equal(got, []string{r.Machines[2].Name}) {
				t.Errorf("two hosts named: %v, want %s", got, r.Machines[2].Name)
			}
			if got := s.status(r.ID)[0]; got.Status != "complete" || len(got.Machines) != 4 {
				t.Errorf("the request: %+v", got)
			}
			// Host Factory gives back what it was told of, and does not hear of it again.
			again := s.giveBack(fakehf.Hosts(r.Machines[1:3])...)
			if again.Status != "complete" || len(again.Good()) != 2 || back.Status != "complete" {
				t.Errorf("returns: %+v, %+v", again, back)
			}
			if got := reclaimed(fakehf.Hosts(r.Machines)...); len(got) != 0 {
				t.Errorf("told again: %v", got)
			}
			if diff := cmp.Diff([]string{r.Machines[3].ID}, s.alive()); diff != "" {
				t.Errorf("alive (-want +got)\n%s", diff)
			}
		})
	}
}
