package query_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
)

// TestReturnable: a machine is listed once however often it is named, and not when it is gone or on its way out.
func TestReturnable(t *testing.T) {
	t.Parallel()
	q := stored(t,
		held("a", func(*ohfp.Machine) {}), held("b", func(*ohfp.Machine) {}),
		held("gone", func(m *ohfp.Machine) { m.State = ohfp.MachineTerminated }),
		held("ending", func(m *ohfp.Machine) { m.Ending = "ret-1" }),
	)
	for name, test := range map[string]struct {
		request ohfp.RequestID
		named   []query.Named
		want    []ohfp.MachineID
	}{
		"a request":       {"req-1", nil, []ohfp.MachineID{"a", "b"}},
		"another request": {"req-2", nil, nil},
		"by id":           {"", []query.Named{{ID: "b"}, {ID: "gone"}, {ID: "ending"}, {ID: "nobody"}}, []ohfp.MachineID{"b"}},
		"by name":         {"", []query.Named{{Name: "host-a"}, {Name: "host-gone"}}, []ohfp.MachineID{"a"}},
		"twice":           {"", []query.Named{{ID: "a"}, {Name: "host-a"}, {Name: "host-b"}}, []ohfp.MachineID{"a", "b"}},
		"nothing":         {"", nil, nil},
	} {
		machines, err := q.Returnable(t.Context(), test.request, test.named)
		if err != nil {
			t.Fatal(err)
		}
		var got []ohfp.MachineID
		for _, m := range machines {
			got = append(got, m.ID)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
