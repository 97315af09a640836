package jsonfile_test

import (
	"path/filepath"
	"testing"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// BenchmarkHistory is about a store with 1,000 requests whose machines run and 4,000 that are done.
func BenchmarkHistory(b *testing.B) {
	s := openBench(b, filepath.Join(b.TempDir(), "data"))
	const live, all = 1000, 5000
	var last ohfp.Request
	var machine ohfp.MachineID
	for number := range all {
		r := benchRequest(number)
		r.Machines = benchMachines(r, 1)
		if r.Status, r.PolledAt = ohfp.StatusComplete, r.CreatedAt; number >= live {
			r.Machines[0].State = ohfp.MachineTerminated
		}
		create(b, s, r)
		last, machine = r, r.Machines[0].ID
	}
	for name, look := range map[string]func() (int, error){
		"unsettled": func() (int, error) {
			found, err := s.Requests(b.Context(), store.RequestFilter{Unsettled: true, Machines: true})
			return len(found), err
		},
		"newest 20": func() (int, error) {
			found, err := s.Requests(b.Context(), store.RequestFilter{Limit: 20})
			return len(found) - 20, err
		},
		"by id": func() (int, error) {
			found, err := s.Requests(b.Context(), store.RequestFilter{IDs: []ohfp.RequestID{last.ID}, Machines: true})
			return len(found) - 1, err
		},
		"machine by id": func() (int, error) {
			found, err := s.Machines(b.Context(), store.MachineFilter{IDs: []ohfp.MachineID{machine}})
			return len(found) - 1, err
		},
		"running machines": func() (int, error) {
			found, err := s.Machines(b.Context(), store.MachineFilter{States: []ohfp.MachineState{ohfp.MachineRunning}})
			return len(found) - live, err
		},
		"usage": func() (int, error) {
			used, err := s.Usage(b.Context())
			return used.Templates[last.Template.ID] - live, err
		},
		"create with limits": func() (int, error) {
			fresh := last
			fresh.ID, fresh.Machines, fresh.Status = ohfp.NewRequestID(ohfp.TypeAcquire, last.CreatedAt), nil, ohfp.StatusFailed
			return 0, s.CreateRequest(b.Context(), fresh, store.Limits{Template: 1 << 30})
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if wrong, err := look(); err != nil || wrong != 0 {
					b.Fatal(wrong, err)
				}
			}
		})
	}
}
