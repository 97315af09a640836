package transfer_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/dynamodb"
	"github.com/openhostfactory/ohfp/store/jsonfile"
	"github.com/openhostfactory/ohfp/store/memory"
	"github.com/openhostfactory/ohfp/store/sqlstore"
	"github.com/openhostfactory/ohfp/store/transfer"
)

func start() time.Time { return time.Date(2026, 3, 29, 1, 59, 59, 123456789, time.UTC) }

// kinds are the stores that a test can have for nothing. The others are beside their servers.
func kinds() map[string]func(t *testing.T) store.Store {
	return map[string]func(t *testing.T) store.Store{
		"memory": func(*testing.T) store.Store { return memory.New(start) },
		"json": func(t *testing.T) store.Store {
			t.Helper()
			s, err := jsonfile.Open(t.Context(), jsonfile.Options{Path: filepath.Join(t.TempDir(), "data"), Now: start, BusyTimeout: time.Minute})
			must(t, err)
			return closed(t, s)
		},
		"sqlite": func(t *testing.T) store.Store {
			t.Helper()
			s, err := sqlstore.Open(t.Context(), sqlstore.Options{Path: filepath.Join(t.TempDir(), "ohfp.db"), Now: start, BusyTimeout: time.Minute})
			must(t, err)
			return closed(t, s)
		},
	}
}

func closed(t *testing.T, s store.Store) store.Store {
	t.Helper()
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fill stores something of everything: a large request, one under way, returns that are settled and not, a return of a machine
// whose request nobody has, one that follows another's, templates, events with gaps, and followers.
func fill(t *testing.T, s store.Store, large int) {
	t.Helper()
	ctx := t.Context()
	_, err := s.Installation(ctx, "installation-1")
	must(t, err)
	must(t, s.Remember(ctx, provider.Lasting+"access/token/a", []byte(`{"name":"ann"}`), provider.LastingTime))
	must(t, s.Remember(ctx, "prices/t3.medium", []byte("0.04"), time.Hour)) // which stays behind
	must(t, s.PutTemplate(ctx, ohfp.Template{ID: "kept", MaxNumber: 5, Spec: []byte(`{"z":12345678901234567890,"a":"<&>é"}`)}, ohfp.Event{Template: "kept", Message: "put"}))
	acquire := func(id ohfp.RequestID, n int, status ohfp.Status) ohfp.Request {
		r, events, err := ohfp.NewAcquire(id, ohfp.Template{ID: "t", MaxNumber: ohfp.Unlimited}, n, ohfp.Origin{Face: "cli"}, time.Hour, start())
		must(t, err)
		r.Provider, r.Status, r.PolledAt = "cloud", status, start()
		if status == ohfp.StatusFailed {
			r.CreatedAt = start().Add(-2 * time.Hour)
		}
		if status.Terminal() {
			r.CompletedAt = start()
		}
		for i := range n {
			r.Machines = append(r.Machines, ohfp.Machine{
				Provider: "cloud", ID: ohfp.MachineID(fmt.Sprintf("i-%s-%05d", id, i)), Request: id, Template: "t", Attempt: 1,
				State: ohfp.MachineRunning, Name: fmt.Sprintf("host-%s-%d", id, i), PrivateIP: "10.0.0.1", LaunchedAt: start().Add(time.Duration(i) * time.Second),
				DeliveredAt: start(),
			})
		}
		must(t, s.CreateRequest(ctx, r, store.Limits{}, events...))
		r, err = s.Request(ctx, id)
		must(t, err)
		return r
	}
	big := acquire("req-big", large, ohfp.StatusComplete)
	acquire("req-under-way", 2, ohfp.StatusInProgress)
	giveBack := func(id ohfp.RequestID, machines ...ohfp.Machine) {
		r, events := ohfp.NewReturn(id, machines, []ohfp.Unknown{{Name: "stranger", Message: "not ours"}}, ohfp.Origin{Face: "cli"}, start())
		must(t, s.CreateRequest(ctx, r, store.Limits{}, events...))
	}
	giveBack("ret-open", big.Machines[0], big.Machines[1])
	big, err = s.Request(ctx, "req-big")
	must(t, err)
	giveBack("ret-follows", big.Machines[1], big.Machines[2])
	giveBack("ret-found", ohfp.Machine{Provider: "cloud", ID: "i-found", Request: "req-nobody-has", State: ohfp.MachineRunning, LaunchedAt: start()})
	_, err = s.UpdateRequest(ctx, "ret-open", func(r *ohfp.Request) ([]ohfp.Event, error) {
		for i := range r.Machines {
			must(t, r.Machines[i].Become(ohfp.MachineTerminated, start()))
		}
		r.ClearedAt = start()
		return r.Become(ohfp.StatusComplete, "", start())
	})
	must(t, err)
	old := acquire("req-old", 1, ohfp.StatusFailed)
	_, err = s.UpdateRequest(ctx, old.ID, func(r *ohfp.Request) ([]ohfp.Event, error) {
		r.CompletedAt = start().Add(-time.Hour)
		return nil, r.Machines[0].Become(ohfp.MachineTerminated, start())
	})
	must(t, err)
	_, err = s.Compact(ctx, start().Add(-time.Minute))
	must(t, err)
	_, err = s.Advance(ctx, "log", 0, 3)
	must(t, err)
}

// seen is all that matters of a store: what it holds, which of it is not settled, and what counts.
func seen(t *testing.T, s store.Store) string {
	t.Helper()
	var b strings.Builder
	sum, err := transfer.Sum(t.Context(), transfer.Of(s))
	must(t, err)
	fmt.Fprintf(&b, "%+v\n", sum)
	kept, err := s.RecallPrefix(t.Context(), provider.Lasting)
	must(t, err)
	for key, value := range kept {
		fmt.Fprintf(&b, "%s %s\n", key, value)
	}
	unsettled, err := s.Requests(t.Context(), store.RequestFilter{Unsettled: true, Machines: true})
	must(t, err)
	for _, r := range unsettled {
		fmt.Fprintln(&b, r.ID, r.Status, len(r.Machines))
	}
	used, err := s.Usage(t.Context())
	must(t, err)
	fmt.Fprintln(&b, used)
	follows, err := s.Request(t.Context(), "ret-follows")
	must(t, err)
	for _, m := range follows.Machines {
		fmt.Fprintln(&b, m.ID, m.State, m.Return)
	}
	return b.String()
}

func TestEveryPair(t *testing.T) {
	t.Parallel()
	for from, open := range kinds() {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			pairs(t, open, kinds())
		})
	}
}

// TestPostgresPairs copies into PostgreSQL and out of it.
func TestPostgresPairs(t *testing.T) {
	t.Parallel()
	beside(t, "postgres", func(t *testing.T) store.Store {
		t.Helper()
		s, err := sqlstore.OpenPostgres(t.Context(), sqlstore.PostgresOptions{
			URL: server(t, "OHFP_TEST_POSTGRES"), Schema: "t" + strings.ToLower(rand.Text()), Now: start, MaxConnections: 3,
		})
		must(t, err)
		return closed(t, s)
	})
}

// TestServerPairs copies into DynamoDB and out of it.
func TestServerPairs(t *testing.T) {
	t.Parallel()
	beside(t, "dynamodb", func(t *testing.T) store.Store {
		t.Helper()
		s, err := dynamodb.Open(dynamodb.Options{
			Prefix: "t" + rand.Text(), Region: "us-east-1", Endpoint: server(t, "OHFP_TEST_DYNAMODB"), Now: start,
			LookupEnv: func(string) (string, bool) { return "anything", true },
		})
		must(t, err)
		return closed(t, s)
	})
}

// server is the address of a server that a target of make starts.
func server(t *testing.T, variable string) string {
	t.Helper()
	address := os.Getenv(variable)
	if address == "" {
		if os.Getenv("OHFP_TEST_DISALLOW_SKIP") != "" {
			t.Fatal(variable + " is not set")
		}
		t.Skip(variable + " names no server; make test-postgres and make test-dynalite start one")
	}
	return address
}

// beside copies between a store with a server and all others, and itself.
func beside(t *testing.T, name string, open func(t *testing.T) store.Store) {
	t.Helper()
	all := kinds()
	all[name] = open
	pairs(t, open, all)
	for _, from := range kinds() {
		pairs(t, from, map[string]func(t *testing.T) store.Store{name: open})
	}
}

// pairs copies what one store holds into others, straight and by an archive.
func pairs(t *testing.T, open func(t *testing.T) store.Store, targets map[string]func(t *testing.T) store.Store) {
	t.Helper()
	source := open(t)
	fill(t, source, 300)
	want := seen(t, source)
	archive := filepath.Join(t.TempDir(), "backup.jsonl")
	header, err := transfer.Archive(t.Context(), archive, transfer.Of(source), transfer.Header{MadeAt: start()})
	must(t, err)
	if header.Requests != 5 || header.Machines != 303 || header.Templates != 1 || header.Events == 0 {
		t.Fatalf("the archive has %+v", header)
	}
	if info, err := os.Stat(archive); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the archive is %v, %v", info.Mode(), err)
	}
	_, records, err := transfer.OpenArchive(archive)
	must(t, err)
	for to, open := range targets {
		for way, records := range map[string]transfer.Records{"copy": transfer.Of(source), "archive": records} {
			target := open(t)
			if _, err := transfer.Load(t.Context(), target, records); err != nil {
				t.Fatalf("%s to %s: %v", way, to, err)
			}
			if got := seen(t, target); got != want {
				t.Errorf("%s to %s has\n%s\nwant\n%s", way, to, got, want)
			}
			must(t, target.Check(t.Context()))
			if _, err := transfer.Load(t.Context(), target, records); !errors.Is(err, ohfp.ErrConflict) {
				t.Errorf("a second %s to %s: %v", way, to, err)
			}
		}
	}
}

func TestTenThousandMachines(t *testing.T) {
	t.Parallel()
	for to, open := range kinds() {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			source, target := memory.New(start), open(t)
			fill(t, source, 10_000)
			got, err := transfer.Load(t.Context(), target, transfer.Of(source))
			must(t, err)
			if got.Machines != 10_003 {
				t.Errorf("copied %+v", got)
			}
		})
	}
}

// TestInterruptedLoadGoesOn stops a load at every record, and loads again.
func TestInterruptedLoadGoesOn(t *testing.T) {
	t.Parallel()
	source := memory.New(start)
	fill(t, source, 250)
	want := seen(t, source)
	stop := errors.New("stop")
	total, err := transfer.Sum(t.Context(), transfer.Of(source))
	must(t, err)
	for at := 0; at < total.Requests+total.Events+5; at += 7 {
		target := memory.New(start)
		n := 0
		_, err := transfer.Load(t.Context(), target, func(ctx context.Context, each func(transfer.Record) error) error {
			return transfer.Of(source)(ctx, func(r transfer.Record) error {
				if n++; n > at {
					return stop
				}
				return each(r)
			})
		})
		if !errors.Is(err, stop) {
			t.Fatalf("stopped at %d: %v", at, err)
		}
		_, err = transfer.Load(t.Context(), target, transfer.Of(source))
		must(t, err)
		if got := seen(t, target); got != want {
			t.Fatalf("stopped at %d, there is\n%s\nwant\n%s", at, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	source := memory.New(start)
	fill(t, source, 3)
	other := memory.New(start)
	_, err := other.Installation(t.Context(), "installation-2")
	must(t, err)
	if _, err := transfer.Load(t.Context(), other, transfer.Of(source)); !errors.Is(err, ohfp.ErrConflict) || !strings.Contains(err.Error(), "installation-2") {
		t.Errorf("the store of another installation: %v", err)
	}
	busy := memory.New(start)
	fill(t, busy, 3)
	_, err = transfer.Sum(t.Context(), func(ctx context.Context, _ func(transfer.Record) error) error {
		return transfer.Of(busy)(ctx, func(transfer.Record) error {
			return busy.PutTemplate(ctx, ohfp.Template{ID: "x"}, ohfp.Event{Message: "meanwhile"})
		})
	})
	if !errors.Is(err, ohfp.ErrConflict) {
		t.Errorf("a store that changed while it was read: %v", err)
	}
}

func TestDamagedArchives(t *testing.T) {
	t.Parallel()
	source := memory.New(start)
	fill(t, source, 3)
	path := filepath.Join(t.TempDir(), "backup")
	_, err := transfer.Archive(t.Context(), path, transfer.Of(source), transfer.Header{})
	must(t, err)
	whole, err := os.ReadFile(path)
	must(t, err)
	for name, text := range map[string][]byte{
		"empty":          nil,
		"something else": []byte("{}\n"),
		"cut off":        whole[:len(whole)-20],
		"a line less":    whole[:bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1],
		"changed":        bytes.Replace(whole, []byte("host-req-big-1"), []byte("host-req-big-7"), 1),
		"newer":          bytes.Replace(whole, []byte(`"version":1`), []byte(`"version":2`), 1),
		"a new field":    bytes.Replace(whole, []byte(`{"request":{`), []byte(`{"request":{"later":1,`), 1),
	} {
		broken := filepath.Join(t.TempDir(), "broken")
		must(t, os.WriteFile(broken, text, 0o600))
		if _, _, err := transfer.OpenArchive(broken); ohfp.KindOf(err) == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzOpenArchive(f *testing.F) {
	f.Add([]byte("{\"format\":\"ohfp-records\",\"version\":1,\"digest\":\"\"}\n{\"event\":{}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "backup")
		must(t, os.WriteFile(path, text, 0o600))
		h, records, err := transfer.OpenArchive(path)
		if err != nil {
			return
		}
		n := 0
		must(t, records(t.Context(), func(transfer.Record) error { n++; return nil }))
		if n < h.Requests+h.Events+h.Templates {
			t.Errorf("%d records, the header tells of %+v", n, h)
		}
	})
}
