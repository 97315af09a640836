package telemetry

import (
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// full writes as a disk does that has room for so many bytes.
func full(room int) func(*os.File, []byte) (int, error) {
	return func(file *os.File, content []byte) (int, error) {
		if len(content) <= room {
			return file.Write(content)
		}
		n, err := file.Write(content[:room])
		if err == nil {
			err = syscall.ENOSPC
		}
		return n, err
	}
}

func counted() Tally {
	return Tally{{Metric: CloudCalls, Labels: "aws\tRunInstances\tok"}: 15, {Metric: EventDeliveryFailure, Labels: "hook"}: 120}
}

// TestBookOnAFullDisk cuts what is added off at every byte: what is given back and added again counts once, and the torn
// line, whose end may look like a smaller number, counts nothing.
func TestBookOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for room := range len(lines(counted())) {
		book := Book{Path: filepath.Join(dir, "counters"), write: full(room)}
		m := NewMeter()
		taken := counted()
		if err := book.Append(taken); err == nil {
			t.Fatalf("with room for %d bytes: everything was written", room)
		}
		m.GiveBack(taken)
		book.write = nil
		if err := book.Append(m.Take()); err != nil {
			t.Fatal(err)
		}
		if got, err := book.Read(); err != nil || !maps.Equal(got, counted()) {
			t.Errorf("with room for %d bytes, %v, -want +got:\n%s", room, err, cmp.Diff(counted(), got))
		}
		if err := os.Remove(book.Path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAdvanceOnAFullDisk: a position and what was counted up to it are kept together or not at all.
func TestAdvanceOnAFullDisk(t *testing.T) {
	t.Parallel()
	book := Book{Path: filepath.Join(t.TempDir(), "counters")}
	if err := book.Append(counted()); err != nil {
		t.Fatal(err)
	}
	advance := func(int64) (Tally, int64, error) { return counted(), 7, nil }
	for room := range len(lines(counted())) {
		book.write = full(room)
		if err := book.Advance("here", advance); err == nil {
			t.Fatalf("with room for %d bytes: everything was written", room)
		}
		if got, err := book.Read(); err != nil || !maps.Equal(got, counted()) {
			t.Fatalf("with room for %d bytes, %v, -want +got:\n%s", room, err, cmp.Diff(counted(), got))
		}
	}
	book.write = nil
	if err := book.Advance("here", advance); err != nil {
		t.Fatal(err)
	}
	want := counted()
	want.Add(counted())
	want[Series{Metric: position, Labels: "here"}] = 7
	if got, err := book.Read(); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, -want +got:\n%s", err, cmp.Diff(want, got))
	}
}
