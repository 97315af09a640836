package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/audit"
)

func log(tb testing.TB) *audit.Log {
	tb.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	return &audit.Log{Path: filepath.Join(tb.TempDir(), "deep", "audit.jsonl"), Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}}
}

func ann() access.Caller {
	return access.Caller{Name: "ann", Face: "rest", By: access.ByToken, Role: access.Operator}
}

func list(tb testing.TB, l *audit.Log, f audit.Filter) []audit.Entry {
	tb.Helper()
	entries, unreadable, err := audit.List(l.Path, f)
	if err != nil || unreadable > 0 {
		tb.Fatalf("%d unreadable, %v", unreadable, err)
	}
	return entries
}

func TestEntries(t *testing.T) {
	t.Parallel()
	l := log(t)
	done := l.Begin(ann(), "10.0.0.7", "requests.create")
	done.About("req-1", "req-1", "", "m\x1b[31m")
	done.End(t.Context(), nil)
	done.End(t.Context(), errors.New("too late"))
	l.Begin(ann(), audit.Local, "templates.delete").End(t.Context(), access.Caller{Name: "ann"}.May("templates.delete"))
	failed := l.Begin(ann(), audit.Local, "requests.return")
	failed.DryRun()
	failed.End(t.Context(), errors.New(strings.Repeat("x", 1000)))
	l.Begin(ann(), audit.Local, "requests.list").End(t.Context(), nil) // reads

	got := list(t, l, audit.Filter{})
	if len(got) != 3 {
		t.Fatalf("%d entries: %+v", len(got), got)
	}
	want := audit.Entry{
		At: got[2].At, Caller: "ann", By: access.ByToken, Role: access.Operator, Face: "rest", From: "10.0.0.7", Operation: "requests.create",
		Subjects: []string{"req-1", "m[31m"}, Outcome: audit.Done, TookMS: 1,
	}
	if diff := cmp.Diff(want, got[2]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got[1].Outcome != audit.Refused || !strings.Contains(got[1].Error, "needs the role admin") {
		t.Errorf("%+v", got[1])
	}
	if got[0].Outcome != audit.Failed || !got[0].DryRun || len(got[0].Error) > 510 {
		t.Errorf("%+v", got[0])
	}
	info, err := os.Stat(l.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for _, test := range []struct {
		filter audit.Filter
		want   int
	}{
		{audit.Filter{Caller: "bob"}, 0},
		{audit.Filter{Caller: "ann"}, 3},
		{audit.Filter{Outcome: audit.Refused}, 1},
		{audit.Filter{Face: "cli"}, 0},
		{audit.Filter{Operation: "requests.create"}, 1},
		{audit.Filter{Subject: "req-1"}, 1},
		{audit.Filter{Since: got[0].At}, 1},
		{audit.Filter{Limit: 2}, 2},
	} {
		if found := list(t, l, test.filter); len(found) != test.want {
			t.Errorf("%+v: %d entries", test.filter, len(found))
		}
	}
	l.Reads = true
	l.Begin(ann(), audit.Local, "requests.list").End(t.Context(), nil)
	if newest := list(t, l, audit.Filter{Limit: 1}); newest[0].Operation != "requests.list" {
		t.Errorf("%+v", newest)
	}
}

// TestNothingIsHeldUp: what cannot be recorded is told in the log; no log records nothing.
func TestNothingIsHeldUp(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	l := &audit.Log{Path: t.TempDir(), Now: time.Now, Log: slog.New(slog.NewTextHandler(&said, nil))}
	l.Begin(ann(), audit.Local, "requests.create").End(t.Context(), nil)
	if !strings.Contains(said.String(), "requests.create") || !strings.Contains(said.String(), "set audit.file") {
		t.Errorf("said %q", said.String())
	}
	var none *audit.Log
	record := none.Begin(ann(), audit.Local, "requests.create")
	record.About("x")
	record.DryRun()
	record.Refuse(t.Context(), "no")
	record.Fail(t.Context(), "no")
	record.End(t.Context(), nil)
	if entries, _, err := audit.List(filepath.Join(t.TempDir(), "none"), audit.Filter{}); err != nil || entries != nil {
		t.Errorf("%v, %v", entries, err)
	}
}

// TestManyAtOnce: every line is whole, also while the file is put aside.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	l := log(t)
	l.Begin(ann(), audit.Local, "serve").End(t.Context(), nil)
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			for i := range 50 {
				record := l.Begin(ann(), audit.Local, "requests.create")
				record.About(fmt.Sprintf("req-%d-%d", worker, i))
				record.End(context.Background(), nil)
			}
		})
	}
	if err := os.Rename(l.Path, l.Path+".1"); err != nil {
		t.Error(err)
	}
	wait.Wait()
	var seen []string
	for _, path := range []string{l.Path, l.Path + ".1"} {
		entries, unreadable, err := audit.List(path, audit.Filter{})
		if err != nil || unreadable > 0 {
			t.Errorf("%s: %d unreadable, %v", path, unreadable, err)
		}
		for _, e := range entries {
			seen = append(seen, e.Subjects...)
		}
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != 400 {
		t.Errorf("%d subjects", len(seen))
	}
}

// TestACutLine: what a loss of power left does not hide the rest.
func TestACutLine(t *testing.T) {
	t.Parallel()
	l := log(t)
	l.Begin(ann(), audit.Local, "serve").End(t.Context(), nil)
	whole, err := os.ReadFile(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.Path, append(append(whole, whole[:20]...), '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if entries, unreadable, err := audit.List(l.Path, audit.Filter{}); err != nil || unreadable != 1 || len(entries) != 1 {
		t.Errorf("%d entries, %d unreadable, %v", len(entries), unreadable, err)
	}
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	got := audit.Subjects([]byte(`{"token":"secret","userData":"secret","value":"secret","requestId":"req-1","machine_ids":["i-1","i-2"],"templateId":{"a":1},"name":"ann"}`))
	if want := []string{"req-1", "i-1", "i-2", "ann"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, document := range []string{"", "[]", "7", `"x"`} {
		if got := audit.Subjects([]byte(document)); got != nil {
			t.Errorf("%s: %v", document, got)
		}
	}
}

func BenchmarkEntry(b *testing.B) {
	l := log(b)
	for b.Loop() {
		record := l.Begin(ann(), audit.Local, "requests.create")
		record.About("req-01932f3c-7c3e-7abc-9abc-123456789012")
		record.End(b.Context(), nil)
	}
}
