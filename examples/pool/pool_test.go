package pool_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/examples/pool"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
	"github.com/openhostfactory/ohfp/provider/providertest"
)

// settings is a configuration with two groups of 60 hosts each.
func settings(ledger string) json.RawMessage {
	group := func(zone string, first int) string {
		hosts := make([]string, 60)
		for i := range hosts {
			hosts[i] = fmt.Sprintf(`"node%03d": "10.0.0.%d"`, first+i, first+i)
		}
		return fmt.Sprintf(`{"zone": %q, "cpus": 32, "mib": 131072, "hosts": {%s}}`, zone, strings.Join(hosts, ", "))
	}
	return json.RawMessage(fmt.Sprintf(`{"ledger": %q, "groups": {"old": %s, "new": %s}}`, ledger, group("rack-1", 1), group("rack-2", 101)))
}

func template(spec string) ohfp.Template {
	return ohfp.Template{ID: "pool", ProviderType: "pool", MaxNumber: 100, Spec: json.RawMessage(spec)}
}

// TestConformance holds the provider to what every provider promises.
func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, harness)
}

// harness is a ledger of its own in the hands of the suite. What a cloud would do by itself, such as losing a machine, the
// harness does to the file behind the provider's back.
func harness(tb testing.TB) providertest.Harness {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "leases.db")
	clock := fake.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	open := func(tb testing.TB) provider.Provider {
		tb.Helper()
		p, err := pool.Open(tb.Context(), settings(file), provider.Environment{Name: "hosts", Installation: "0123456789abcdef", Now: clock.Now})
		if err != nil {
			tb.Fatal(err)
		}
		return p
	}
	first := open(tb)
	if _, err := first.Owned(tb.Context(), provider.OwnedFilter{}); err != nil { // makes the file
		tb.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(file)+"?_txlock=immediate&_busy_timeout=5000")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
		if err := first.Close(); err != nil {
			tb.Error(err)
		}
	})
	do := func(statement string, args ...any) {
		tb.Helper()
		if _, err := db.Exec(statement, args...); err != nil {
			tb.Fatal(err)
		}
	}
	const insert = "INSERT INTO lease (token, installation, request, template, host, address, class, zone, since) VALUES (?, 'another', '', '', ?, '', '', '', 0)"
	alone := template(`{"groups": ["old"]}`)
	oneWay := alone
	oneWay.ProviderAPI = "Teleport"
	none := "a lease is a row in a file: nothing launches by itself"
	return providertest.Harness{
		New: open, Name: "hosts", API: "Lease", Backend: "file",
		Templates: map[providertest.Kind]ohfp.Template{
			providertest.Plain: alone, providertest.Several: template(`{"groups": ["old", "new"]}`),
		},
		Advance: clock.Advance,
		Live: func(tb testing.TB) []ohfp.MachineID {
			tb.Helper()
			rows, err := db.Query("SELECT 'lease-' || id FROM lease WHERE ended IS NULL AND token <> 'filler'")
			if err != nil {
				tb.Fatal(err)
			}
			defer rows.Close()
			var live []ohfp.MachineID
			for rows.Next() {
				var id ohfp.MachineID
				if err := rows.Scan(&id); err != nil {
					tb.Fatal(err)
				}
				live = append(live, id)
			}
			if err := rows.Err(); err != nil {
				tb.Fatal(err)
			}
			return live
		},
		UnknownMachine: "lease-999999", UnknownResource: "00000000000000000000000000000000",
		Bad: map[string]ohfp.Template{
			"no groups":          template(`{}`),
			"an unknown group":   template(`{"groups": ["future"]}`),
			"a way to launch":    oneWay,
			"a broken spec":      template(`{"groups":`),
			"groups of one name": template(`{"groups": "old"}`),
		},
		Exhaust: func(group string, n int) {
			do("DELETE FROM lease WHERE token = 'filler'")
			from := map[string]int{"old": 1, "new": 101}[group]
			for i := n; i < 60; i++ {
				do(insert, "filler", fmt.Sprintf("node%03d", from+i))
			}
		},
		Foreign: func(testing.TB) ohfp.MachineID {
			do(insert, "foreign", "node160")
			var id ohfp.MachineID
			if err := db.QueryRow("SELECT 'lease-' || id FROM lease WHERE token = 'foreign'").Scan(&id); err != nil {
				tb.Fatal(err)
			}
			return id
		},
		Lose: func(_ testing.TB, id ohfp.MachineID) {
			do("UPDATE lease SET ended = ? WHERE 'lease-' || id = ?", clock.Now().UnixMilli(), id)
		},
		CutReads: func(cut bool) {
			if cut {
				do("ALTER TABLE lease RENAME TO away")
			} else {
				do("ALTER TABLE away RENAME TO lease")
			}
		},
		Hang: func() func() {
			tx, err := db.Begin() // nobody else writes until it ends
			if err != nil {
				tb.Fatal(err)
			}
			return func() { _ = tx.Rollback() } // the second time it has ended already
		},
		Many: 50,
		Lacks: map[providertest.Capability]string{
			providertest.CanWeighted: "hosts have no weights", providertest.CanFilling: none, providertest.CanKeeping: none,
			providertest.CanRefuseTargets: none, providertest.CanResources: "an order makes nothing but leases",
			providertest.CanCalls: "a file counts no calls", providertest.CanThrottle: "a file has no rate",
			providertest.CanDeny:      "who may open the file may lease",
			providertest.CanDropReply: "an answer is the return of a function; a process that dies before it has the order repeated, which other cases do",
		},
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ config, defaults, want string }{
		{`{}`, ``, "ledger"},
		{`{"ledger": "l.db"}`, ``, "groups"},
		{`{"ledger": "l.db", "groups": {"old": {"zone": "rack-1", "cpus": 0, "mib": 1}}}`, ``, "cpus"},
		{`{"ledger": "l.db", "groups": {}, "colour": "blue"}`, ``, "colour"},
		{string(settings("l.db")), `{"imageId": "ami-1"}`, "imageId"},
	} {
		env := provider.Environment{Name: "hosts", Now: time.Now}
		if tt.defaults != "" {
			if err := json.Unmarshal([]byte(tt.defaults), &env.Defaults); err != nil {
				t.Fatal(err)
			}
		}
		_, err := pool.Open(t.Context(), json.RawMessage(tt.config), env)
		if ohfp.KindOf(err) != ohfp.ErrInvalid || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s with the defaults %q: error %v, want an invalid one about %s", tt.config, tt.defaults, err, tt.want)
		}
	}
}

func TestDefaultGroups(t *testing.T) {
	t.Parallel()
	env := provider.Environment{Name: "hosts", Now: time.Now, Defaults: map[string]json.RawMessage{
		"groups": json.RawMessage(`["new"]`), "max_number": json.RawMessage(`5`),
	}}
	p, err := pool.Open(t.Context(), settings("unused.db"), env)
	if err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string]string{`{}`: "[new]", `{"groups": ["old"]}`: "[old]"} {
		lister, ok := p.(provider.Lister)
		if !ok {
			t.Fatal("the provider is no Lister")
		}
		shown, err := lister.Listing(template(spec))
		if got := fmt.Sprint(shown["groups"]); err != nil || got != want {
			t.Errorf("spec %s has the groups %s, error %v; want %s", spec, got, err, want)
		}
	}
}
