package storetest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// revised is a store with revisions: a number that differs from an earlier one of the same open store when anything was
// written in between. What was read after one, and is not older than it, is good for as long as the number stays.
type revised interface {
	store.Store
	Revision(ctx context.Context) (n int64, ok bool, err error)
}

// seenWithin is how late a revision may be to tell of what another process has written.
const seenWithin = 2 * time.Millisecond

func revisionTests() []test {
	return []test{
		{"changes with every write", everyWriteChanges},
		{"what is kept by it is never old", func(s bench) {
			if r, ok := s.Store.(revised); ok {
				keptIsNeverOld(s.t, r, s.Store, 0)
			}
		}},
	}
}

func revisionOf(t *testing.T, s revised) int64 {
	t.Helper()
	n, ok, err := s.Revision(t.Context())
	if err != nil || !ok {
		t.Fatalf("revision: ok %v, %v", ok, err)
	}
	return n
}

// everyWriteChanges does each thing that writes once.
func everyWriteChanges(s bench) {
	t, ctx := s.t, s.t.Context()
	r, ok := s.Store.(revised)
	if !ok {
		return // a store need not have revisions
	}
	request := created(t, s, 2, 2)
	var lease store.Lease
	last := revisionOf(t, r)
	for _, write := range []struct {
		what string
		do   func() error
	}{
		{"an installation", func() error { _, err := s.Installation(ctx, "one"); return err }},
		{"a request", func() error { created(t, s, 1, 1); return nil }},
		{"a change of a request", func() error {
			update(t, s, request.ID, touchless(func(r *ohfp.Request) { r.Message = "another" }))
			return nil
		}},
		{"a change of a machine", func() error {
			update(t, s, request.ID, touchless(func(r *ohfp.Request) { r.Machines[0].State = ohfp.MachineStopping }))
			return nil
		}},
		{"a template", func() error { return s.PutTemplate(ctx, ohfp.Template{ID: "t", MaxNumber: 1}) }},
		{"a template's end", func() error { return s.DeleteTemplate(ctx, "t") }},
		{"a memory", func() error { return s.Remember(ctx, "k", []byte("v"), time.Hour) }},
		{"a swap", func() error { _, err := s.Swap(ctx, "k", []byte("v"), []byte("w"), time.Hour); return err }},
		{"a memory's end", func() error { return s.Forget(ctx, "k") }},
		{"a lease", func() (err error) { lease, err = s.Lease(ctx, "l", "me", time.Hour); return err }},
		{"a change under a lease", func() error {
			update(t, s.Under(lease), request.ID, touchless(func(r *ohfp.Request) { r.Message = "a third" }))
			return nil
		}},
		{"a lease's end", func() error { return s.Release(ctx, lease) }},
		{"a position", func() error { _, err := s.Advance(ctx, "f", 0, 1); return err }},
	} {
		must(t, write.do())
		n := revisionOf(t, r)
		if n == last {
			t.Errorf("%s was written, and the revision is %d as before", write.what, n)
		}
		last = n
	}
}

// keptIsNeverOld keeps what it reads by the revision before, as somebody would who answers again, while another writes: what is
// kept must have what was written a while ago.
func keptIsNeverOld(t *testing.T, reader revised, writer store.Store, late time.Duration) {
	t.Helper()
	const writes = 40
	request := created(t, writer, 1, 1)
	var done atomic.Int64
	ended := make(chan error, 1)
	go func() {
		for i := int64(1); i <= writes; i++ {
			if _, err := writer.UpdateRequest(t.Context(), request.ID, touchless(func(r *ohfp.Request) { r.Count++ })); err != nil {
				ended <- err
				return
			}
			done.Store(i)
		}
		ended <- nil
	}()
	kept := map[int64]int64{}
	again := 0
	for over := false; !over; {
		over = done.Load() == writes
		written := done.Load()
		time.Sleep(max(late, 100*time.Microsecond)) // which takes that long at least, whatever else the machine does
		n := revisionOf(t, reader)
		has, ok := kept[n]
		if ok {
			again++
		} else {
			has = int64(get(t, reader, request.ID).Count)
			kept[n] = has
		}
		if has < written+1 {
			t.Fatalf("by revision %d a count of %d is kept, and it was %d before", n, has, written+1)
		}
		select {
		case err := <-ended:
			must(t, err)
			over = done.Load() == writes && over
		default:
		}
	}
	t.Logf("%d reads, %d times what was kept", len(kept), again)
	if has, ok := kept[revisionOf(t, reader)]; ok && has != writes+1 {
		t.Errorf("what is kept in the end is %d, want %d", has, writes+1)
	}
}

// revisionsAcross is the same with two who have the store open, as two processes have.
func revisionsAcross(t *testing.T, h Harness) {
	t.Helper()
	location := h.Fresh(t)
	writer, err := h.Open(t.Context(), location, time.Now)
	must(t, err)
	defer writer.Close()
	other, err := h.Open(t.Context(), location, time.Now)
	must(t, err)
	defer other.Close()
	if reader, ok := other.(revised); ok {
		keptIsNeverOld(t, reader, writer, seenWithin)
	}
}
