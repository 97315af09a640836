package jsonfile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/internal/localdisk"
)

var start = time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC)

func now() time.Time { return start }

func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Path: path, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func freshPath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "dir", "data")
}

func createRequest(ctx context.Context, s *Store) (ohfp.RequestID, error) {
	id := ohfp.NewRequestID(ohfp.TypeAcquire, start)
	return id, s.CreateRequest(ctx, ohfp.Request{
		ID: id, Type: ohfp.TypeAcquire, Status: ohfp.StatusPending, Provider: "p", Template: ohfp.Template{ID: "t"}, Count: 2,
		Machines: []ohfp.Machine{{Provider: "p", ID: ohfp.MachineID("i-" + id), Request: id, State: ohfp.MachineRunning}},
	}, store.Limits{Template: 100})
}

func mustCreate(t *testing.T, s *Store) ohfp.RequestID {
	t.Helper()
	id, err := createRequest(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// refused fails unless err has the kind and every part in its text.
func refused(t *testing.T, err, kind error, parts ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error is %v, want kind %v", err, kind)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), fileMode); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestModes: nobody else may read a store.
func TestModes(t *testing.T) {
	t.Parallel()
	root := freshPath(t)
	mustCreate(t, openAt(t, root))
	files := 0
	err := filepath.Walk(filepath.Dir(root), func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		want := os.FileMode(dirMode)
		if !info.IsDir() {
			want = fileMode
			files++
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil || files < 4 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), Options{Now: now})
	refused(t, err, ohfp.ErrInvalid, "no path")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	_, err = Open(t.Context(), Options{Path: filepath.Join(dir, "file"), Now: now})
	refused(t, err, ohfp.ErrInvalid, "is a file")
	if _, err = Open(t.Context(), Options{Path: filepath.Join(dir, "x")}); err == nil {
		t.Error("a store without a clock was opened")
	}
}

func TestNetworkFileSystem(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	around := surroundings{
		fileSystem: func(path string) (string, error) {
			if path == top || strings.HasPrefix(path, filepath.Join(top, "mounted")) {
				return "NFS", nil
			}
			return localdisk.NetworkFileSystem(path)
		},
		step:  func(string, string) error { return nil },
		flush: (*os.File).Sync,
	}
	for _, path := range []string{top, filepath.Join(top, "a", "b"), filepath.Join(top, "mounted")} {
		if filepath.Base(path) == "mounted" {
			openAt(t, path) // made before it was a mount
		}
		_, err := open(t.Context(), Options{Path: path, Now: now}, around)
		refused(t, err, ohfp.ErrInvalid, path, "NFS", "local disk")
	}
	if left, err := os.ReadDir(top); err != nil || len(left) != 1 {
		t.Errorf("%v, %v: something was made where it was refused", left, err)
	}
}

func TestNewerFormat(t *testing.T) {
	t.Parallel()
	root := freshPath(t)
	old := openAt(t, root)
	id := mustCreate(t, old)
	path := filepath.Join(root, headFile)
	write(t, path, `{"format": 2, "sequence": {"more": 1}}`)

	const words = "was written by a newer ohfp (format 2, this one knows 1); upgrade ohfp"
	_, err := Open(t.Context(), Options{Path: root, Now: now})
	refused(t, err, ohfp.ErrConflict, root, words)
	// One that had it open before does nothing more, either.
	_, err = createRequest(t.Context(), old)
	refused(t, err, ohfp.ErrConflict, root, words)
	_, err = old.Request(t.Context(), id)
	refused(t, err, ohfp.ErrConflict, root, words)
}

// TestDamagedRequest: one damaged file is named, and everything that does not need it goes on.
func TestDamagedRequest(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(text string) string{
		"cut short":  func(text string) string { return text[:len(text)-20] },
		"empty":      func(string) string { return "" },
		"no JSON":    func(text string) string { return strings.ReplaceAll(text, ":", "") },
		"a machine":  func(text string) string { return strings.Replace(text, `"provider":"p"`, `"provider":7`, 1) },
		"another id": func(text string) string { return strings.Replace(text, `"id": "req-`, `"id": "req-x`, 1) },
		"zeros":      func(text string) string { return strings.Repeat("\x00", len(text)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openAt(t, freshPath(t))
			bad, good := mustCreate(t, s), mustCreate(t, s)
			path := s.disk.path(openDir + "/" + fileName(string(bad)))
			write(t, path, spoil(read(t, path)))

			_, err := s.Request(t.Context(), bad)
			refused(t, err, ohfp.ErrUnavailable, path, "damaged", "restore it from a backup, or move it away")
			_, err = s.Requests(t.Context(), store.RequestFilter{Machines: true})
			refused(t, err, ohfp.ErrUnavailable, path)
			if _, err := s.Request(t.Context(), good); err != nil {
				t.Error(err)
			}
			if _, err := s.UpdateRequest(t.Context(), good, func(r *ohfp.Request) ([]ohfp.Event, error) {
				r.Count++
				return nil, nil
			}); err != nil {
				t.Error(err)
			}
			mustCreate(t, s)

			// Moved away, it no longer counts.
			if err := os.Rename(path, filepath.Join(t.TempDir(), "aside")); err != nil {
				t.Fatal(err)
			}
			used, err := s.Usage(t.Context())
			if err != nil || used.Templates["t"] != 5 {
				t.Errorf("usage is %v, %v; want 5 of t", used, err)
			}
			mustCreate(t, s)
			if h, err := s.disk.head(); err != nil || h.Live != 3 || h.Usage["t"]["p"] != 7 {
				t.Errorf("the head counts %d requests and %v (%v), want 3 and 7", h.Live, h.Usage, err)
			}
		})
	}
}

func TestDamagedHead(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"empty": "", "no format": "{}", "no object": "[]", "zeros": "\x00\x00"} {
		s := openAt(t, freshPath(t))
		id := mustCreate(t, s)
		path := s.disk.path(headFile)
		write(t, path, text)
		_, err := Open(t.Context(), Options{Path: s.disk.root, Now: now})
		refused(t, err, ohfp.ErrUnavailable, path, "damaged")
		_, err = s.Request(t.Context(), id)
		refused(t, err, ohfp.ErrUnavailable, path, "damaged")

		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		_, err = Open(t.Context(), Options{Path: s.disk.root, Now: now})
		refused(t, err, ohfp.ErrUnavailable, s.disk.root, "it has files in requests/open but no store.json")
		if read(t, s.disk.path(openDir+"/"+fileName(string(id)))) == "" {
			t.Errorf("%s: the request is gone", name)
		}
	}
}

func TestDamagedEvents(t *testing.T) {
	t.Parallel()
	s := openAt(t, freshPath(t))
	for range 3 {
		if err := s.PutTemplate(t.Context(), ohfp.Template{ID: "t"}, ohfp.Event{Message: "m"}); err != nil {
			t.Fatal(err)
		}
	}
	path := s.disk.path(eventFile(1))
	text := read(t, path)
	for _, spoilt := range []string{text[:len(text)-1], strings.Replace(text, "{", "x", 1)} {
		write(t, path, spoilt)
		_, err := s.Events(t.Context(), store.EventFilter{})
		refused(t, err, ohfp.ErrUnavailable, path, "damaged")
	}
}

// TestEdited: a person may have put the file into another shape.
func TestEdited(t *testing.T) {
	t.Parallel()
	s := openAt(t, freshPath(t))
	id := mustCreate(t, s)
	want, err := s.Request(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	path := s.disk.path(openDir + "/" + fileName(string(id)))
	text := read(t, path)
	if !strings.HasPrefix(text, "{\n  \"id\": \"req-") || strings.Count(text, "\n") < 10 {
		t.Errorf("file is not for people:\n%s", text)
	}
	for _, edited := range []string{
		strings.ReplaceAll(text, "\n", ""), strings.ReplaceAll(text, ",", " ,\n\t"), strings.ReplaceAll(text, "\n", "\r\n"), text + "\n",
	} {
		write(t, path, edited)
		got, err := s.Request(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Machines) != 1 || got.Machines[0] != want.Machines[0] || got.Version != want.Version {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if all, err := s.Requests(t.Context(), store.RequestFilter{}); err != nil || len(all) != 1 {
			t.Errorf("%d requests, %v", len(all), err)
		}
	}
}

// TestLocked: looking, and an update that changes nothing, wait for no writer; a context ends the wait of a write.
func TestLocked(t *testing.T) {
	t.Parallel()
	root := freshPath(t)
	holder := openAt(t, root)
	id := mustCreate(t, holder)
	release, err := holder.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Options{Path: root, Now: now, BusyTimeout: 60 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Request(t.Context(), id); err != nil {
		t.Error(err)
	}
	if _, err := s.UpdateRequest(t.Context(), id, func(*ohfp.Request) ([]ohfp.Event, error) { return nil, nil }); err != nil {
		t.Error(err)
	}
	_, err = createRequest(t.Context(), s)
	refused(t, err, ohfp.ErrUnavailable, root, "locked by another process for 60ms")

	patient := openAt(t, root)
	errs := make(chan error)
	for range 2 {
		go func() {
			ctx, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer end()
			_, err := createRequest(ctx, patient)
			errs <- err
		}()
	}
	for range 2 {
		refused(t, <-errs, ohfp.ErrTimeout, root)
	}
	release()
	mustCreate(t, patient)
}

func TestNames(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, id := range []string{
		"", "a", "A", "a_", "a~", "a/b", "a\\b", "..", ".", "a.b", "é", "\xff", "\xfe", "\x00", "con", strings.Repeat("a", 64),
		strings.Repeat("a", 65), strings.Repeat("a", 66), strings.Repeat("é", 200), "req-0190163d-26ea-7aaa-8bbb-000000000001",
	} {
		name := fileName(id)
		if other, ok := seen[strings.ToLower(name)]; ok {
			t.Errorf("%q and %q are both %s", id, other, name)
		}
		seen[strings.ToLower(name)] = id
		if len(name) > 120 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_~.") != "" || strings.HasPrefix(name, ".") {
			t.Errorf("%q becomes %q", id, name)
		}
	}
	s := openAt(t, freshPath(t))
	for _, id := range []ohfp.RequestID{"Req", "req", "../req", ohfp.RequestID(strings.Repeat("long", 300))} {
		r := ohfp.Request{ID: id, Type: ohfp.TypeAcquire, Status: ohfp.StatusPending}
		if err := s.CreateRequest(t.Context(), r, store.Limits{}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Request(t.Context(), id); err != nil || got.ID != id {
			t.Errorf("%q: got %q, %v", id, got.ID, err)
		}
	}
}

// TestEventFiles: events go on in a new file when one is large, and what a killed writer left behind is written over.
func TestEventFiles(t *testing.T) {
	t.Parallel()
	s := openAt(t, freshPath(t))
	put := func(text string) {
		t.Helper()
		if err := s.PutTemplate(t.Context(), ohfp.Template{ID: "t"}, ohfp.Event{Message: text, Request: "req-1"}, ohfp.Event{Request: "req-2"}); err != nil {
			t.Fatal(err)
		}
	}
	put(strings.Repeat("x", eventFileBytes))
	put("second file")
	f, err := os.OpenFile(s.disk.path(eventFile(3)), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(strings.Repeat(`{"sequence":5,"requestId":"req-1"}`+"\n", 50)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	put("after the rest")
	for _, c := range []struct {
		filter store.EventFilter
		want   []int64
	}{
		{store.EventFilter{}, []int64{1, 2, 3, 4, 5, 6}},
		{store.EventFilter{Request: "req-1"}, []int64{1, 3, 5}},
		{store.EventFilter{After: 2}, []int64{3, 4, 5, 6}},
		{store.EventFilter{After: 1, Limit: 2}, []int64{2, 3}},
		{store.EventFilter{Request: "req"}, nil},
	} {
		found, err := s.Events(t.Context(), c.filter)
		if err != nil || len(found) != len(c.want) {
			t.Fatalf("%+v: %d events, %v", c.filter, len(found), err)
		}
		for i, e := range found {
			if e.Sequence != c.want[i] {
				t.Errorf("%+v: sequence %d, want %d", c.filter, e.Sequence, c.want[i])
			}
		}
	}
}

// TestExpiredMemoriesGo: nothing else removes their files.
func TestExpiredMemoriesGo(t *testing.T) {
	t.Parallel()
	at := start
	s, err := Open(t.Context(), Options{Path: freshPath(t), Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b", "c"} {
		if err := s.Remember(t.Context(), key, nil, 30*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	at = at.Add(time.Minute)
	if err := s.Remember(t.Context(), "b", nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	left, err := s.disk.list(memoryDir)
	if err != nil || len(left) != 1 {
		t.Errorf("files left are %v, %v", left, err)
	}
	if _, ok, err := s.Recall(t.Context(), "b"); !ok || err != nil {
		t.Errorf("the new one is there: %t, %v", ok, err)
	}
}

// FuzzRecord: whatever is in a file, reading it ends in a record or an error, and a record is written as it was read.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"id": "req-1", "version": 1, "request": {"requestId": "req-1"}}`))
	f.Add([]byte("{\n  \"id\": \"req-1\",\n  \"version\": 2,\n  \"machines\": [\n{\"version\":1,\"machineId\":\"i-1\"},\n{\"version\":1,\"machineId\":\"i-2\"}\n  ]\n}\n"))
	f.Add([]byte("{\n  \"id\": \"\",\n  \"machines\": [\n\n  ]\n}\n"))
	f.Add([]byte("{\n  \"id\": \"req-1\",\n  \"version\": 1,\n  \"machines\": [\n  ]\n}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decodeRecord(data, true)
		if err != nil || r.decodeMachines(t.Context()) != nil {
			return
		}
		clear(r.lines)
		first, err := r.encode()
		if err != nil {
			return // a time that JSON cannot hold, for example
		}
		again, err := decodeRecord(first, true)
		if err != nil {
			t.Fatalf("%v in\n%s", err, first)
		}
		if err := again.decodeMachines(t.Context()); err != nil || len(again.machines) != len(r.machines) || again.version != r.version {
			t.Fatalf("%d machines of version %d (%v) in\n%s", len(again.machines), again.version, err, first)
		}
	})
}
