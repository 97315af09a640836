package hostfactory_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
)

// BenchmarkDecodeReturnRequests reads the list of hosts that Host Factory gives twice a minute.
func BenchmarkDecodeReturnRequests(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			input := hosts(n)
			b.SetBytes(int64(len(input)))
			b.ReportAllocs()
			for b.Loop() {
				if known, err := hostfactory.DecodeReturnRequests(input); err != nil || len(known) != n {
					b.Fatalf("%d hosts, error %v", len(known), err)
				}
			}
		})
	}
}

// BenchmarkDecodeReturn reads a return of everything.
func BenchmarkDecodeReturn(b *testing.B) {
	input := hosts(1000)
	b.SetBytes(int64(len(input)))
	b.ReportAllocs()
	for b.Loop() {
		if machines, _, err := hostfactory.DecodeReturn(input); err != nil || len(machines) != 1000 {
			b.Fatalf("%d machines, error %v", len(machines), err)
		}
	}
}

// BenchmarkEncodeStatus writes the status of one request for 1,000 machines.
func BenchmarkEncodeStatus(b *testing.B) {
	r := ohfp.Request{ID: acquireID(1), Type: ohfp.TypeAcquire, Count: 1000, Status: ohfp.StatusComplete}
	for i := range r.Count {
		r.Machines = append(r.Machines, ready(i))
	}
	report := hostfactory.StatusReport{IDs: []ohfp.RequestID{r.ID}, Found: []ohfp.Request{r}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := hostfactory.EncodeStatus(report); err != nil {
			b.Fatal(err)
		}
	}
}

// hosts is the input of getReturnRequests and requestReturnMachines with n hosts.
func hosts(n int) []byte {
	entries := make([]string, n)
	for i := range entries {
		entries[i] = fmt.Sprintf(`{"name":"ip-10-0-%d-%d.ec2.internal","machineId":"i-%017x"}`, i/256, i%256, i)
	}
	return []byte(`{"machines":[` + strings.Join(entries, ",") + `]}`)
}
