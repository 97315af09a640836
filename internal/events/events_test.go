package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/events"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
)

// world is a store with events, and a clock.
type world struct {
	t     *testing.T
	mu    sync.Mutex
	now   time.Time
	store store.Store
	told  int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w.store = memory.New(w.clock)
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// tell stores n events of some requests, numbered.
func (w *world) tell(n int) {
	w.t.Helper()
	var told []ohfp.Event
	for range n {
		w.told++
		told = append(told, ohfp.Event{
			At: w.clock(), Kind: []ohfp.EventKind{ohfp.MachineChanged, ohfp.RequestChanged}[w.told%2],
			Request: ohfp.RequestID("req-" + strconv.Itoa(w.told%3)), Message: strconv.Itoa(w.told),
		})
	}
	if err := w.store.PutTemplate(w.t.Context(), ohfp.Template{ID: "t"}, told...); err != nil {
		w.t.Fatal(err)
	}
}

// process is the delivery of one process.
func (w *world) process(followers ...events.Follower) *events.Delivery {
	return &events.Delivery{Store: w.store, Followers: followers, Now: w.clock, Log: slog.New(slog.DiscardHandler)}
}

// sink keeps what it is given, unless it fails.
type sink struct {
	mu    sync.Mutex
	got   []ohfp.Event
	calls int
	fail  func(call int) error
}

func (s *sink) Deliver(_ context.Context, batch []ohfp.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.fail != nil {
		if err := s.fail(s.calls); err != nil {
			return err
		}
	}
	s.got = append(s.got, batch...)
	return nil
}

func (s *sink) messages() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, e := range s.got {
		list = append(list, e.Message)
	}
	return list
}

func numbers(from, to int) []string {
	var list []string
	for i := from; i <= to; i++ {
		list = append(list, strconv.Itoa(i))
	}
	return list
}

func TestEachFollowerGetsEverythingOnceAndInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all, requests sink
	followers := []events.Follower{{Name: "all", Sink: &all}, {Name: "requests", Sink: &requests, Kinds: []string{"request.*"}}}
	w.tell(450)
	// Many processes at once: each follower is served by one of them.
	var hands sync.WaitGroup
	for range 8 {
		hands.Go(func() {
			if err := w.process(followers...).Deliver(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	hands.Wait()
	w.tell(5)
	if err := w.process(followers...).Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(numbers(1, 455), all.messages()); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
	if got := requests.messages(); len(got) != 228 || slices.ContainsFunc(got, func(m string) bool { n, _ := strconv.Atoi(m); return n%2 == 0 }) {
		t.Errorf("%d events of requests: %v", len(got), got)
	}
	before := all.calls
	if err := w.process(followers...).Deliver(t.Context()); err != nil || all.calls != before {
		t.Errorf("%d calls without an event, error %v", all.calls-before, err)
	}
}

func TestADeadSinkBlocksNobodyAndLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dead := sink{fail: func(int) error { return errors.New("nobody there") }}
	var alive sink
	followers := []events.Follower{{Name: "dead", Sink: &dead}, {Name: "alive", Sink: &alive}}
	for i := range 600 { // ten minutes
		w.tell(1)
		if err := w.process(followers...).Deliver(t.Context()); i == 0 && (err == nil || !strings.Contains(err.Error(), "events for dead: nobody there")) {
			t.Errorf("the failure is told as %v", err)
		}
		w.pass(time.Second)
	}
	if diff := cmp.Diff(numbers(1, 600), alive.messages()); diff != "" {
		t.Errorf("the other got (-want +got):\n%s", diff)
	}
	// 1, 2, 4 … 256 seconds, then five minutes.
	if dead.calls < 9 || dead.calls > 11 {
		t.Errorf("the dead one was tried %d times in ten minutes", dead.calls)
	}
	dead.fail = nil
	w.pass(5 * time.Minute)
	if err := w.process(followers...).Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(numbers(1, 600), dead.messages()); diff != "" {
		t.Errorf("once it was back, it got (-want +got):\n%s", diff)
	}
	w.tell(1)
	dead.fail = func(int) error { return errors.New("gone again") }
	_ = w.process(followers...).Deliver(t.Context())
	dead.fail = nil
	w.pass(1100 * time.Millisecond) // the count of failures began anew
	if err := w.process(followers...).Deliver(t.Context()); err != nil || len(dead.messages()) != 601 {
		t.Errorf("%d events after a short failure, error %v", len(dead.messages()), err)
	}
}

// TestAProcessThatDiesIsFollowed: another one goes on where the events were last known to have arrived.
func TestAProcessThatDiesIsFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var s sink
	followers := []events.Follower{{Name: "s", Sink: &s}}
	w.tell(300)
	died := make(chan struct{})
	// A process that is killed releases nothing; this one is stopped in the middle for good.
	hang := &stuck{sink: &s, at: 2, reached: died}
	ended := make(chan struct{})
	stopped, stop := context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		_ = w.process(events.Follower{Name: "s", Sink: hang}).Deliver(stopped)
	}()
	<-died
	if err := w.process(followers...).Deliver(t.Context()); err != nil || len(s.messages()) != 200 {
		t.Fatalf("while the first one holds the follower, %d events have arrived, error %v", len(s.messages()), err)
	}
	w.pass(2 * time.Minute)
	if err := w.process(followers...).Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	<-ended
	if diff := cmp.Diff(numbers(1, 300), s.messages()); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

// stuck passes batches on until one, at which it stays until the test ends.
type stuck struct {
	sink    *sink
	at      int
	reached chan struct{}
	calls   int
}

func (s *stuck) Deliver(ctx context.Context, batch []ohfp.Event) error {
	if s.calls++; s.calls == s.at {
		close(s.reached)
		<-ctx.Done()
		return ctx.Err()
	}
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.sink.got = append(s.sink.got, batch...)
	return nil
}

func TestKindsThatMatchNothingAreRefused(t *testing.T) {
	t.Parallel()
	if err := events.CheckKinds([]string{"request.changed", "machine.*", "*"}); err != nil {
		t.Error(err)
	}
	for _, pattern := range []string{"request.chagned", "", "[", "machine"} {
		if err := events.CheckKinds([]string{pattern}); ohfp.KindOf(err) != ohfp.ErrInvalid {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log", "events.jsonl")
	batch := func(from, n int) []ohfp.Event {
		var list []ohfp.Event
		for i := range n {
			list = append(list, ohfp.Event{Sequence: int64(from + i), Kind: ohfp.RequestChanged, Message: strings.Repeat("x", 100)})
		}
		return list
	}
	read := func(path string) []int64 {
		t.Helper()
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var list []int64
		for line := range strings.Lines(string(content)) {
			var e ohfp.Event
			if json.Unmarshal([]byte(line), &e) != nil {
				list = append(list, -1)
				continue
			}
			list = append(list, e.Sequence)
		}
		return list
	}
	deliver := func(s events.File, batch []ohfp.Event) {
		t.Helper()
		if err := s.Deliver(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	same := func(path string, want ...int64) {
		t.Helper()
		if diff := cmp.Diff(want, read(path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	s := events.File{Path: path}
	deliver(s, batch(1, 2))
	// A process died while it wrote: what follows is readable all the same.
	half, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := half.WriteString(`{"sequence":3,"at":"20`); err != nil {
		t.Fatal(err)
	}
	if err := half.Close(); err != nil {
		t.Fatal(err)
	}
	deliver(s, batch(3, 1))
	same(path, 1, 2, -1, 3)
	// Somebody puts it aside.
	if err := os.Rename(path, path+".aside"); err != nil {
		t.Fatal(err)
	}
	deliver(s, batch(4, 1))
	same(path, 4)
	// It puts itself aside.
	small := events.File{Path: path, MaxBytes: 600, Keep: 2}
	for i := 5; i < 25; i++ {
		deliver(small, batch(i, 1))
	}
	for name, least := range map[string]int{path: 1, path + ".1": 2, path + ".2": 2} {
		if got := read(name); len(got) < least || len(got) > 4 {
			t.Errorf("%s has %v", name, got)
		}
	}
	if _, err := os.Stat(path + ".3"); err == nil {
		t.Error("three old files are kept, want two")
	}
	if last := read(path); last[len(last)-1] != 24 {
		t.Errorf("the file ends with %d, want 24", last[len(last)-1])
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	s := events.Log{Log: slog.New(slog.NewTextHandler(&text, nil))}
	if err := s.Deliver(t.Context(), []ohfp.Event{{
		Sequence: 7, Kind: ohfp.AttemptRefused, Request: "req-1", Actor: "cli:ann", Message: "no room", Code: "Insufficient", CloudRequest: "abc",
	}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"sequence=7", "kind=attempt.refused", "request=req-1", "actor=cli:ann", `message="no room"`, "code=Insufficient", "cloud_request=abc"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%s lacks %s", &text, want)
		}
	}
	if strings.Contains(text.String(), "machine=") {
		t.Errorf("%s has what the event has not", &text)
	}
}

// TestWebhook: whatever a receiver does to deliveries, it gets every event, in order, and can trust each one.
func TestWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := []byte("0123456789abcdef")
	var mu sync.Mutex
	var got []ohfp.Event
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		calls++
		stamp := r.Header.Get(events.HeaderTimestamp)
		if err != nil || r.Method != http.MethodPost || stamp != strconv.FormatInt(w.clock().Unix(), 10) ||
			r.Header.Get(events.HeaderSignature) != "sha256="+events.Sign(secret, stamp, body) {
			t.Errorf("%s at %s, signed %s: %v", r.Method, stamp, r.Header.Get(events.HeaderSignature), err)
		}
		switch calls % 5 {
		case 0: // drops the connection without a word, and has not kept anything
			panic(http.ErrAbortHandler)
		case 1:
			answer.WriteHeader(http.StatusInternalServerError)
			return
		case 2:
			http.Redirect(answer, r, "/elsewhere", http.StatusTemporaryRedirect)
			return
		}
		var b events.Body
		if err := json.Unmarshal(body, &b); err != nil || b.Installation != "here" {
			t.Errorf("%s: %v", body, err)
		}
		got = append(got, b.Events...)
		if calls%5 == 3 { // keeps them, but the answer is lost
			panic(http.ErrAbortHandler)
		}
		answer.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	hook := events.Webhook{
		URL: server.URL + "/hook?token=hidden", Secret: func() ([]byte, error) { return secret, nil }, Installation: "here", Client: events.Client(), Now: w.clock,
	}
	follower := events.Follower{Name: "hook", Sink: hook}
	w.tell(700)
	for range 100 {
		if err := w.process(follower).Deliver(t.Context()); err != nil && strings.Contains(err.Error(), "hidden") {
			t.Fatalf("the error shows the address: %v", err)
		}
		w.pass(5 * time.Minute)
	}
	mu.Lock()
	defer mu.Unlock()
	// Those after a lost answer come again; without repetitions they are all, in their order.
	seen := map[int64]bool{}
	var once []string
	for _, e := range got {
		if !seen[e.Sequence] {
			seen[e.Sequence] = true
			once = append(once, e.Message)
		}
	}
	if diff := cmp.Diff(numbers(1, 700), once); diff != "" {
		t.Errorf("arrived (-want +got):\n%s", diff)
	}
	if len(got) == len(once) {
		t.Error("no answer was lost: the test is easier than it looks")
	}
}

func TestAddressesAndSecrets(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"https://ops.example/hook", "http://127.0.0.1:8080/", "http://[::1]/x", "http://localhost/x"} {
		if err := events.CheckURL(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"http://ops.example/hook", "ops.example", "ftp://ops.example", "https://", "https://u:p@ops.example", "http://127.0.0.1.example/"} {
		if err := events.CheckURL(address); ohfp.KindOf(err) != ohfp.ErrInvalid || strings.Contains(fmt.Sprint(err), "u:p") {
			t.Errorf("%s: %v", address, err)
		}
	}
	unread := events.Webhook{URL: "https://127.0.0.1:1", Secret: func() ([]byte, error) { return nil, errors.New("no secret here") }, Client: events.Client(), Now: time.Now}
	if err := unread.Deliver(t.Context(), []ohfp.Event{{}}); err == nil || !strings.Contains(err.Error(), "no secret here") {
		t.Errorf("without its secret: %v", err)
	}
	// printf '1700000000.{}' | openssl dgst -sha256 -hmac 0123456789abcdef
	const want = "e4f8e2ecae2295b2ddb2f0b5584c8275e226c0ebe9b3b819e70156bb67122e3e"
	if got := events.Sign([]byte("0123456789abcdef"), "1700000000", []byte("{}")); got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}
