package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Opener makes a store that does not exist and opens it as often as it is called.
type Opener func(b *testing.B) store.Store

const thousands = 10_000

func shut(b *testing.B, s store.Store) {
	b.Helper()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchRequest is the request of a benchmark with a number.
func BenchRequest(number int) ohfp.Request {
	return ohfp.Request{
		ID: ohfp.RequestID(fmt.Sprintf("req-0190163d-26ea-7aaa-8bbb-%012x", number)), Type: ohfp.TypeAcquire, Provider: "awsinst",
		Template: ohfp.Template{ID: "EC2FleetInstant", MaxNumber: -1}, Status: ohfp.StatusInProgress, Count: 1,
		CreatedAt: time.Now().UTC(),
	}
}

// BenchMachines are machines such as AWS shows them.
func BenchMachines(r ohfp.Request, n int) []ohfp.Machine {
	machines := make([]ohfp.Machine, n)
	for i := range machines {
		machines[i] = ohfp.Machine{
			Provider: "awsinst", ID: ohfp.MachineID(fmt.Sprintf("i-%s%07x", r.ID[len(r.ID)-10:], i)), Request: r.ID, Template: r.Template.ID,
			Attempt: 1, Resource: "r-0123456789abcdef0", State: ohfp.MachineRunning,
			Name: fmt.Sprintf("ip-10-%d-%d-%d.ec2.internal", i>>16, i>>8&255, i&255), PrivateIP: "10.0.1.2", Type: "m5.xlarge",
			Zone: "us-east-1a", Subnet: "subnet-0123456789abcdef0", Image: "ami-0123456789abcdef0", Lifecycle: ohfp.OnDemand,
			Weight: 1, LaunchedAt: r.CreatedAt, DeliveredAt: r.CreatedAt,
		}
	}
	return machines
}

func create(b *testing.B, s store.Store, r ohfp.Request) {
	b.Helper()
	if err := s.CreateRequest(b.Context(), r, store.Limits{}); err != nil {
		b.Fatal(err)
	}
}

// BenchOpenRead is what a script process does with the store when nothing has happened: open, look, close.
func BenchOpenRead(b *testing.B, place func(b *testing.B) Opener) {
	b.Helper()
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			open := place(b)
			s := open(b)
			r := BenchRequest(1)
			r.Machines = BenchMachines(r, n)
			create(b, s, r)
			shut(b, s)
			for b.Loop() {
				s := open(b)
				if _, err := s.Request(b.Context(), r.ID); err != nil {
					b.Fatal(err)
				}
				shut(b, s)
			}
		})
	}
}

// BenchOpenUpdate is the same with one write.
func BenchOpenUpdate(b *testing.B, open Opener) {
	b.Helper()
	s := open(b)
	r := BenchRequest(1)
	create(b, s, r)
	shut(b, s)
	for b.Loop() {
		s := open(b)
		if _, err := s.UpdateRequest(b.Context(), r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
			r.Count++
			return []ohfp.Event{{Kind: ohfp.RequestChanged, Request: r.ID}}, nil
		}); err != nil {
			b.Fatal(err)
		}
		shut(b, s)
	}
}

// BenchUpdate is a write of a process that stays, as a daemon does.
func BenchUpdate(b *testing.B, open Opener) {
	b.Helper()
	s := open(b)
	defer s.Close()
	r := BenchRequest(1)
	create(b, s, r)
	for b.Loop() {
		if _, err := s.UpdateRequest(b.Context(), r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
			r.Count++
			return nil, nil
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchInsert10000 stores the machines of a large launch.
func BenchInsert10000(b *testing.B, open Opener) {
	b.Helper()
	s := open(b)
	defer s.Close()
	number := 0
	for b.Loop() {
		number++
		r := BenchRequest(number)
		r.Machines = BenchMachines(r, thousands)
		create(b, s, r)
	}
}

// Bench10000 is about a request of 10,000 machines.
func Bench10000(b *testing.B, open Opener) {
	b.Helper()
	s := open(b)
	defer s.Close()
	r := BenchRequest(1)
	r.Machines = BenchMachines(r, thousands)
	r.Count = thousands
	create(b, s, r)
	update := func(b *testing.B, change func(r *ohfp.Request)) {
		b.Helper()
		if _, err := s.UpdateRequest(b.Context(), r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
			change(r)
			return nil, nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Request(b.Context(), r.ID); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			update(b, func(*ohfp.Request) {})
		}
	})
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			update(b, func(r *ohfp.Request) { r.Machines[0].Tags += "x" })
		}
	})
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			update(b, func(r *ohfp.Request) {
				for i := range r.Machines {
					r.Machines[i].PublicIP += "x"
				}
			})
		}
	})
	b.Run("usage", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Usage(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchHistory is about a store with 1,000 requests whose machines run and 4,000 that are done.
func BenchHistory(b *testing.B, open Opener) {
	b.Helper()
	s := open(b)
	defer s.Close()
	const live, all = 1000, 5000
	var last ohfp.Request
	var machine ohfp.MachineID
	for number := range all {
		r := BenchRequest(number)
		r.Machines = BenchMachines(r, 1)
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
