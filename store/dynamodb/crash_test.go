package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
	ours "github.com/openhostfactory/ohfp/store/dynamodb"
	"github.com/openhostfactory/ohfp/store/storetest"
)

func begin() time.Time { return time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC) }

func openOn(t *testing.T, api ours.API) store.Store {
	t.Helper()
	s, err := ours.Open(ours.Options{API: api, Now: begin})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// request is one for machines, with some of them.
func request(id ohfp.RequestID, machines int) ohfp.Request {
	r := ohfp.Request{
		ID: id, Type: ohfp.TypeAcquire, Status: ohfp.StatusInProgress, Template: ohfp.Template{ID: "t"}, Provider: "p",
		Count: machines, CreatedAt: begin(),
	}
	for i := range machines {
		r.Machines = append(r.Machines, machine(r, i))
	}
	return r
}

func machine(r ohfp.Request, i int) ohfp.Machine {
	return ohfp.Machine{
		Provider: "p", ID: ohfp.MachineID(fmt.Sprintf("i-%s-%d", r.ID, i)), Request: r.ID, Template: "t",
		State: ohfp.MachineRunning, Name: fmt.Sprintf("host-%s-%d", r.ID, i), LaunchedAt: begin().Add(time.Duration(i)),
	}
}

func told(id ohfp.RequestID) ohfp.Event {
	return ohfp.Event{Kind: ohfp.RequestChanged, Request: id, At: begin()}
}

// furnish fills a store so that each of the writes below has something to work on.
func furnish(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	for i, n := range []int{3, 1, 98} { // the last has its machines in chunks
		id := ohfp.RequestID(fmt.Sprintf("req-%d", i))
		check(t, s.CreateRequest(ctx, request(id, n), store.Limits{}, told(id)))
	}
	done := request("req-done", 2)
	done.Status, done.CompletedAt, done.PolledAt, done.AnsweredAt = ohfp.StatusComplete, begin(), begin(), begin()
	for i := range done.Machines {
		done.Machines[i].State = ohfp.MachineTerminated
	}
	check(t, s.CreateRequest(ctx, done, store.Limits{}, told(done.ID)))
	check(t, s.PutTemplate(ctx, ohfp.Template{ID: "kept"}))
}

// writes are all sorts of writes.
func writes() map[string]func(ctx context.Context, s store.Store) error {
	return map[string]func(ctx context.Context, s store.Store) error{
		"create": func(ctx context.Context, s store.Store) error {
			return s.CreateRequest(ctx, request("req-new", 4), store.Limits{Template: 1000}, told("req-new"))
		},
		"update": func(ctx context.Context, s store.Store) error {
			_, err := s.UpdateRequest(ctx, "req-0", func(r *ohfp.Request) ([]ohfp.Event, error) {
				r.Status, r.CompletedAt = ohfp.StatusComplete, begin()
				r.Machines[1].State = ohfp.MachineTerminated
				r.Machines = append(r.Machines, machine(*r, 3))
				return []ohfp.Event{told(r.ID), told(r.ID)}, nil
			})
			return err
		},
		"chunks": func(ctx context.Context, s store.Store) error {
			_, err := s.UpdateRequest(ctx, "req-2", func(r *ohfp.Request) ([]ohfp.Event, error) {
				for i := range r.Machines {
					r.Machines[i].Tags = "seen"
				}
				return []ohfp.Event{told(r.ID)}, nil
			})
			return err
		},
		"return": func(ctx context.Context, s store.Store) error {
			all, err := s.Machines(ctx, store.MachineFilter{States: []ohfp.MachineState{ohfp.MachineRunning}})
			if err != nil {
				return err
			}
			all = slices.DeleteFunc(all, func(m ohfp.Machine) bool { return m.Return != "" })
			r, events := ohfp.NewReturn("ret-new", all, nil, ohfp.Origin{Face: "cli"}, begin())
			return s.CreateRequest(ctx, r, store.Limits{}, events...)
		},
		"template": func(ctx context.Context, s store.Store) error {
			return s.DeleteTemplate(ctx, "kept", ohfp.Event{Template: "kept"})
		},
		"lease": func(ctx context.Context, s store.Store) error {
			_, err := s.Lease(ctx, "shard", "me", time.Hour)
			return err
		},
	}
}

// sight is all that can be seen of a store.
type sight struct {
	Requests, Unsettled []ohfp.Request
	Running             []ohfp.Machine
	Events              []ohfp.Event
	Usage               store.Usage
	Templates           []ohfp.Template
	Leases              []store.Lease
}

func look(t *testing.T, s store.Store) sight {
	t.Helper()
	var all sight
	var errs [7]error
	ctx := t.Context()
	all.Requests, errs[0] = s.Requests(ctx, store.RequestFilter{Machines: true})
	all.Unsettled, errs[1] = s.Requests(ctx, store.RequestFilter{Unsettled: true})
	all.Running, errs[2] = s.Machines(ctx, store.MachineFilter{States: []ohfp.MachineState{ohfp.MachineRunning}})
	all.Events, errs[3] = s.Events(ctx, store.EventFilter{})
	all.Usage, errs[4] = s.Usage(ctx)
	all.Templates, errs[5] = s.Templates(ctx)
	all.Leases, errs[6] = s.Leases(ctx, "")
	check(t, errors.Join(errs[:]...))
	return all
}

func differs(got, want sight) string {
	if reflect.DeepEqual(got, want) {
		return ""
	}
	return cmp.Diff(want, got)
}

var errDead = errors.New("the process is dead")

// TestCrashes ends the process right after each of the calls of each sort of write, or lets the call or its answer be lost
// and the process live on. Whoever comes next sees the whole write or nothing of it.
func TestCrashes(t *testing.T) {
	t.Parallel()
	for name, write := range writes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			empty := newServer()
			furnish(t, openOn(t, empty))
			model := empty.copied()
			before := look(t, openOn(t, model))
			calls := total(model)
			check(t, write(t.Context(), openOn(t, model)))
			calls = total(model) - calls
			after := look(t, openOn(t, model))
			if reflect.DeepEqual(before, after) || calls < 4 {
				t.Fatalf("the write makes %d calls and changes nothing that can be seen", calls)
			}
			for at := range calls {
				for how, crash := range map[string]func(s *server){
					"after":      func(s *server) { s.after = dieAt(at, true) },
					"no answer":  func(s *server) { s.after = dieAt(at, false) },
					"not called": func(s *server) { s.before = dieAt(at, false) },
				} {
					s := empty.copied()
					crash(s)
					err := write(t.Context(), openOn(t, s))
					s.before, s.after = nil, nil

					next := openOn(t, s)
					seen := look(t, next)
					stored := reflect.DeepEqual(seen, after)
					if !stored && (err == nil || differs(seen, before) != "") {
						t.Fatalf("call %d, %s: told %v, and it is neither done nor undone:\n%s", at, how, err, differs(seen, before))
					}
					check(t, next.Check(t.Context()))
					if !stored {
						check(t, write(t.Context(), next))
					}
					check(t, next.PutTemplate(t.Context(), ohfp.Template{ID: "last"})) // the next write, in any case
					check(t, next.DeleteTemplate(t.Context(), "last"))
					if diff := differs(look(t, openOn(t, s)), after); diff != "" {
						t.Fatalf("call %d, %s: done again, it differs:\n%s", at, how, diff)
					}
					check(t, next.Check(t.Context()))
				}
			}
		})
	}
}

func total(s *server) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, calls := range s.calls {
		n += calls
	}
	return n
}

// dieAt fails the nth call, and all after it if it is for good.
func dieAt(n int, forGood bool) func(string, any) error {
	var calls atomic.Int64
	return func(string, any) error {
		if at := calls.Add(1) - 1; at == int64(n) || forGood && at > int64(n) {
			return errDead
		}
		return nil
	}
}

// stammerer makes calls that write twice, as the SDK does when the answer to the first is lost.
type stammerer struct{ *server }

func (s stammerer) PutItem(ctx context.Context, in *dynamodb.PutItemInput, o ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if _, err := s.server.PutItem(ctx, in, o...); err != nil {
		return nil, err
	}
	return s.server.PutItem(ctx, in, o...)
}

func (s stammerer) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if _, err := s.server.UpdateItem(ctx, in, o...); err != nil {
		return nil, err
	}
	return s.server.UpdateItem(ctx, in, o...)
}

func TestStammering(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Harness{
		Fresh: func(testing.TB) string { return "" },
		Open: func(_ context.Context, _ string, now store.Now) (store.Store, error) {
			return ours.Open(ours.Options{API: stammerer{newServer()}, Now: now})
		},
	})
}

// overtaken loses the answer to the first write, and somebody else writes before the SDK tries it again.
type overtaken struct {
	*server
	once    sync.Once
	between func()
}

func (o *overtaken) PutItem(ctx context.Context, in *dynamodb.PutItemInput, options ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if _, err := o.server.PutItem(ctx, in, options...); err != nil {
		return nil, err
	}
	o.once.Do(o.between)
	return o.server.PutItem(ctx, in, options...)
}

// TestSwapsWhoseAnswerIsLost checks that a swap counts as made when others have swapped on from it in the meantime.
func TestSwapsWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	swap := func(s store.Store, old, value string) bool {
		t.Helper()
		swapped, err := s.Swap(t.Context(), "k", []byte(old), []byte(value), time.Hour)
		check(t, err)
		return swapped
	}
	s := newServer()
	other := openOn(t, s)
	check(t, other.Remember(t.Context(), "k", []byte("1"), time.Hour))
	mine := openOn(t, &overtaken{server: s, between: func() {
		if !swap(other, "2", "3") || !swap(other, "3", "4") {
			t.Error("the other process cannot swap what it has read")
		}
	}})
	if !swap(mine, "1", "2") {
		t.Error("a swap that was made and swapped on from counts as not made")
	}
	if swap(mine, "2", "5") {
		t.Error("a value that others have replaced is swapped")
	}
}

// TestLateApplier stops a process between its commit and what follows from it, while others go on from there.
func TestLateApplier(t *testing.T) {
	t.Parallel()
	s := newServer()
	furnish(t, openOn(t, s))
	update := func(s store.Store, change func(r *ohfp.Request)) error {
		_, err := s.UpdateRequest(t.Context(), "req-0", func(r *ohfp.Request) ([]ohfp.Event, error) {
			change(r)
			return []ohfp.Event{told(r.ID)}, nil
		})
		return err
	}
	for how, last := range map[string]func(r *ohfp.Request){
		"settled": func(r *ohfp.Request) {
			r.Status, r.CompletedAt, r.PolledAt, r.AnsweredAt = ohfp.StatusComplete, begin(), begin(), begin()
			for i := range r.Machines {
				r.Machines[i].State = ohfp.MachineTerminated
			}
		},
		"newer": func(r *ohfp.Request) { r.CreatedAt = begin().Add(time.Hour) },
	} {
		stopped, goOn := make(chan struct{}), make(chan struct{})
		committed := false
		sleeper := &hooked{server: s, put: func(in *dynamodb.PutItemInput) {
			if textOf(in.Item["pk"]) == "log" {
				committed = true
			} else if committed && textOf(in.Item["pk"]) == "request#req-0" {
				close(stopped)
				<-goOn
			}
		}}
		done := make(chan error)
		go func() {
			done <- update(openOn(t, sleeper), func(r *ohfp.Request) { r.Message, r.Status = how, ohfp.StatusPending })
		}()
		<-stopped
		other := openOn(t, s)
		check(t, update(other, last))
		check(t, other.PutTemplate(t.Context(), ohfp.Template{ID: "last"}))
		want := look(t, other)
		close(goOn)
		check(t, <-done)
		if diff := differs(look(t, openOn(t, s)), want); diff != "" {
			t.Errorf("%s: what was late undid what came after it:\n%s", how, diff)
		}
		check(t, other.Check(t.Context()))
	}
}

type hooked struct {
	*server
	put func(*dynamodb.PutItemInput)
}

func (h *hooked) PutItem(ctx context.Context, in *dynamodb.PutItemInput, o ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	h.put(in)
	return h.server.PutItem(ctx, in, o...)
}
