package jsonfile_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/jsonfile"
)

const thousands = 10_000

func openBench(b *testing.B, path string) *jsonfile.Store {
	b.Helper()
	s, err := jsonfile.Open(b.Context(), jsonfile.Options{Path: path, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func shut(b *testing.B, s *jsonfile.Store) {
	b.Helper()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

func benchRequest(number int) ohfp.Request {
	return ohfp.Request{
		ID: ohfp.RequestID(fmt.Sprintf("req-0190163d-26ea-7aaa-8bbb-%012x", number)), Type: ohfp.TypeAcquire, Provider: "awsinst",
		Template: ohfp.Template{ID: "EC2FleetInstant", MaxNumber: -1}, Status: ohfp.StatusInProgress, Count: 1,
		CreatedAt: time.Now().UTC(),
	}
}

func benchMachines(r ohfp.Request, n int) []ohfp.Machine {
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

func create(b *testing.B, s *jsonfile.Store, r ohfp.Request) {
	b.Helper()
	if err := s.CreateRequest(b.Context(), r, store.Limits{}); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOpenRead is what a script process does with the store when nothing has happened: open, look, close.
func BenchmarkOpenRead(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "data")
			s := openBench(b, path)
			r := benchRequest(1)
			r.Machines = benchMachines(r, n)
			create(b, s, r)
			shut(b, s)
			for b.Loop() {
				s := openBench(b, path)
				if _, err := s.Request(b.Context(), r.ID); err != nil {
					b.Fatal(err)
				}
				shut(b, s)
			}
		})
	}
}

// BenchmarkOpenUpdate is the same with one write.
func BenchmarkOpenUpdate(b *testing.B) {
	path := filepath.Join(b.TempDir(), "data")
	s := openBench(b, path)
	r := benchRequest(1)
	create(b, s, r)
	shut(b, s)
	for b.Loop() {
		s := openBench(b, path)
		if _, err := s.UpdateRequest(b.Context(), r.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
			r.Count++
			return []ohfp.Event{{Kind: ohfp.RequestChanged, Request: r.ID}}, nil
		}); err != nil {
			b.Fatal(err)
		}
		shut(b, s)
	}
}

// BenchmarkUpdate is a write of a process that stays, as a daemon does.
func BenchmarkUpdate(b *testing.B) {
	s := openBench(b, filepath.Join(b.TempDir(), "data"))
	defer s.Close()
	r := benchRequest(1)
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

// BenchmarkInsert10000 stores the machines of a large launch.
func BenchmarkInsert10000(b *testing.B) {
	s := openBench(b, filepath.Join(b.TempDir(), "data"))
	defer s.Close()
	number := 0
	for b.Loop() {
		number++
		r := benchRequest(number)
		r.Machines = benchMachines(r, thousands)
		create(b, s, r)
	}
}

// Benchmark10000 is about a request of 10,000 machines.
func Benchmark10000(b *testing.B) {
	s := openBench(b, filepath.Join(b.TempDir(), "data"))
	defer s.Close()
	r := benchRequest(1)
	r.Machines = benchMachines(r, thousands)
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
