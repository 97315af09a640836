package cli

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/store"
)

const known = "req-01932f3c-7c3e-7abc-9abc-123456789012"

// TestFlags: what the flags say is what commands and queries are asked.
func TestFlags(t *testing.T) {
	t.Parallel()
	ann := ohfp.Origin{Face: "cli", Caller: "ann"}
	live := []ohfp.MachineState{"pending", "running", "stopping", "stopped", "shutting-down"}
	look := command.SyncRequests{Others: true, Live: true}
	tests := []struct {
		line string
		want []any
	}{
		{"requests create --template-id t --count 2", []any{command.RequestMachines{Template: "t", Count: 2, Origin: ann}}},
		{"request create --template-id=t", []any{command.RequestMachines{Template: "t", Count: 1, Origin: ann}}},
		{"--format yaml requests create --template-id t", []any{command.RequestMachines{Template: "t", Count: 1, Origin: ann}}},
		{"requests create t 3", []any{command.RequestMachines{Template: "t", Count: 3, Origin: ann}}},
		{"requests create -t t -c 3 --provider p", []any{command.RequestMachines{Template: "t", Count: 3, Provider: "p", Origin: ann}}},
		{"requests create -t t 3", []any{command.RequestMachines{Template: "t", Count: 3, Origin: ann}}},
		{"machines request t -c 3", []any{command.RequestMachines{Template: "t", Count: 3, Origin: ann}}},
		{`requests create -d {"template":{"templateId":"t","machineCount":3}}`, []any{command.RequestMachines{Template: "t", Count: 3, Origin: ann}}},
		{`requests create -d {"template_id":"t","requested_count":3}`, []any{command.RequestMachines{Template: "t", Count: 3, Origin: ann}}},
		{`machine request --data {"template":{"template_id":"t","count":3}}`, []any{command.RequestMachines{Template: "t", Count: 3, Origin: ann}}},
		{"requests create t 3 --dry-run", []any{command.RequestPlan{Template: "t", Count: 3}}},
		{`requests status -d {"request_ids":["a","b"]}`, []any{command.SyncRequests{IDs: []ohfp.RequestID{"a", "b"}, Others: true}}},
		{`requests status -d {"request_id":"a"}`, []any{command.SyncRequests{IDs: []ohfp.RequestID{"a"}, Others: true}}},
		{`requests status -d {"requests":[{"requestId":"a"}]}`, []any{command.SyncRequests{IDs: []ohfp.RequestID{"a"}, Others: true}}},
		{"requests show -r a", []any{command.SyncRequests{IDs: []ohfp.RequestID{"a"}, Others: true}}},
		{"requests list -t t --limit 2 --offset 1 --request-type acquire", []any{
			store.RequestFilter{Template: "t", Type: ohfp.TypeAcquire, Machines: true, Limit: 2, Offset: 1},
		}},
		{"requests list --limit 2 --filter status=complete", []any{store.RequestFilter{Machines: true}}}, // paged afterwards
		{"requests list-returns --status failed", []any{
			store.RequestFilter{Type: ohfp.TypeReturn, Statuses: []ohfp.Status{ohfp.StatusFailed}, Machines: true},
		}},
		{"requests cancel a --reason x", []any{command.CancelRequest{ID: "a", Reason: "x", Origin: ann}}},
		{"machines return -m i-1 i-2", []any{command.ReturnMachines{Machines: []command.Named{{ID: "i-1"}, {ID: "i-2"}}, Origin: ann}}},
		{"machines terminate i-1 --force", []any{command.ReturnMachines{Machines: []command.Named{{ID: "i-1"}}, Origin: ann}}},
		{`machines return -d {"machines":[{"machineId":"i-1"},{"name":"h"}]}`, []any{
			command.ReturnMachines{Machines: []command.Named{{ID: "i-1"}, {Name: "h"}}, Origin: ann},
		}},
		{`machines return -d {"machine_ids":["i-1"]}`, []any{command.ReturnMachines{Machines: []command.Named{{ID: "i-1"}}, Origin: ann}}},
		{"machines drain --zone z --dry-run", []any{command.DrainMachines{Zone: "z", Grace: 10 * time.Minute, DryRun: true, Origin: ann}}},
		{"machines stop i-1 -m i-2", []any{command.SwitchMachines{IDs: []ohfp.MachineID{"i-2", "i-1"}, Origin: ann}}},
		{"machine start i-1", []any{command.SwitchMachines{IDs: []ohfp.MachineID{"i-1"}, On: true, Origin: ann}}},
		{"machines status -m i-1", []any{look, store.MachineFilter{IDs: []ohfp.MachineID{"i-1"}}}},
		{"machines status --all", []any{look, store.MachineFilter{States: live}}},
		{"requests status --request-id a --request-id b,c d a", []any{
			command.SyncRequests{IDs: []ohfp.RequestID{"a", "b", "c", "d"}, Others: true},
		}},
		{"requests show " + known, []any{command.SyncRequests{IDs: []ohfp.RequestID{known}, Others: true}}},
		{"requests list", []any{store.RequestFilter{Machines: true}}},
		{"requests list --status pending --status failed,timeout --template-id t --limit 3 --offset 4", []any{store.RequestFilter{
			Statuses: []ohfp.Status{"pending", "failed", "timeout"}, Template: "t", Limit: 3, Offset: 4, Machines: true,
		}}},
		{"requests cancel a", []any{command.CancelRequest{ID: "a", Origin: ann}}},
		{"requests cancel --request-id a", []any{command.CancelRequest{ID: "a", Origin: ann}}},
		{"requests return --request-id a", []any{command.ReturnMachines{Request: "a", Origin: ann}}},
		{"requests return " + known, []any{command.ReturnMachines{Request: known, Origin: ann}}},
		{"requests return i-1 i-2 --name h", []any{command.ReturnMachines{
			Machines: []command.Named{{ID: "i-1"}, {ID: "i-2"}, {Name: "h"}}, Origin: ann,
		}}},
		{"machines list", []any{look, store.MachineFilter{States: live}}},
		{"machine list --status all --limit 1", []any{look, store.MachineFilter{Limit: 1}}},
		{"machines list --status running --request-id r --template-id t", []any{look, store.MachineFilter{
			States: []ohfp.MachineState{"running"}, Request: "r", Template: "t",
		}}},
		{"machines list --request-id ret-1", []any{look, store.MachineFilter{Return: "ret-1", States: live}}},
		{"machines show i-1", []any{look, store.MachineFilter{IDs: []ohfp.MachineID{"i-1"}}}},
	}
	for _, test := range tests {
		t.Run(test.line, func(t *testing.T) {
			t.Parallel()
			d := &desk{}
			_, _, stderr := d.run(t.Context(), strings.Fields(test.line)...)
			if diff := cmp.Diff(test.want, d.asked); diff != "" {
				t.Errorf("-want +got:\n%s\n%s", diff, stderr)
			}
			if d.closed != 1 {
				t.Errorf("the session was closed %d times", d.closed)
			}
		})
	}
}

// TestUsageErrors: a wrong command line exits with 2, says what is wrong, and asks nothing of anybody.
func TestUsageErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ line, want string }{
		{"templtes", `ohfp has no command "templtes"; did you mean templates? see ohfp --help`},
		{"templtes list", `ohfp has no command "templtes"; did you mean templates?`},
		{"templtes --long", `ohfp has no command "templtes"; did you mean templates?`},
		{"xyzzy", `ohfp has no command "xyzzy"; see ohfp --help`},
		{"templates lst", `ohfp templates has no command "lst"; did you mean list? see ohfp templates --help`},
		{"templates list --lnog", "unknown flag: --lnog; did you mean --long? see ohfp templates list --help"},
		{"templates list --xyzzyx", "unknown flag: --xyzzyx; see ohfp templates list --help"},
		{"templates list --format jsn", `format "jsn" does not exist; use one of json, yaml, table, list; did you mean json?`},
		{"templates list --scheduler ibm", "use one of hostfactory, hf, default"},
		{"templates list --scheduler defalt", "did you mean default?"},
		{"templates list --legacy --scheduler default", "pass either"},
		{"templates list --log-level DEBGU", "did you mean DEBUG?"},
		{"templates list --quiet --verbose", "contradict each other"},
		{"templates list --fields a..b", "has an empty part"},
		{"requests list --filter status", "write field=value, field~part or field=~regex"},
		{"requests list --filter status=~(", "no valid regular expression"},
		{"requests show --filter status=x a", "unknown flag: --filter"},
		{"requests list --output /no/such/directory/x", "cannot be written"},
		{"requests list --request-type acquier", "did you mean acquire?"},
		{"requests list --status failled", "did you mean failed?"},
		{"machines list --status runnin", "did you mean running?"},
		{"requests status --all a", "either --all or ids"},
		{"requests status --file a --data b", "either with --file or with --data"},
		{"requests cancel --all a", "either --all or the id"},
		{"requests return --all i-1", "either --all or what to give back"},
		{"requests watch a b", "takes one request id, not 2"},
		{"requests watch --interval 0", "--interval 0s makes no sense"},
		{"requests watch --timeout -1", "--timeout -1s makes no sense"},
		{"requests create t 2 --count 3", "give the template and the count once"},
		{"requests create t 2 3", "takes a template and a count, not 3"},
		{"requests create t two", `count "two" is no whole number`},
		{"requests create t --data {}", "give the template and the count once"},
		{"machines request", "pass --template-id"},
		{"machines status", "pass --machine-id"},
		{"machines stop", "pass --machine-id"},
		{"machines start --all i-1", "either --all or ids"},
		{"machines status --all i-1", "either --all or ids"},
		{"machines show", "takes one machine id, not 0"},
		{"templates list x", `ohfp templates list takes no arguments, not "x"`},
		{"templates show", "takes one template id, not 0 arguments"},
		{"templates list --format xml", `format "xml" does not exist; use one of json, yaml, table, list`},
		{"requests create", "pass --template-id"},
		{"requests create --template-id t --count 0", "--count 0 makes no sense"},
		{"requests create --template-id t --count x", "invalid argument"},
		{"requests create --template-id t --timeout 5m", "pass --wait too"},
		{"requests create --template-id t --wait --timeout 0s", "use a positive duration"},
		{"requests status", "pass --request-id"},
		{"requests cancel", "takes one request id, not 0"},
		{"requests cancel a b", "takes one request id, not 2"},
		{"requests list --status done", "use one of pending, in_progress, stopping, complete"},
		{"requests list --limit -1", "--limit -1 makes no sense"},
		{"requests list --offset -1", "--offset -1 makes no sense"},
		{"requests return", "pass --request-id, or ids of machines"},
		{"requests return --request-id a i-1", "not both"},
		{"requests return --request-id a " + known, "one request at a time"},
		{"machines list --status gone", "use one of pending, running"},
		{"machines drain", "which machines? pass ids, --template-id"},
		{"machines drain --older-than -1h", "--older-than -1h makes no sense"},
		{"machines drain --zone z --grace 1000h", "--grace 41d16h makes no sense"},
		{"machines drain --zone z --parallel -1", "--parallel -1 makes no sense"},
		{"machines drain --zone z --cancel --force", "--force belongs to an order"},
		{"simulator interrupt", "takes ids of instances"},
		{"simulator interrupt --notice -1s i-1", "--notice -1s makes no sense"},
		{"simulator interrupt --kind coffee i-1", "use one of spot, rebalance, maintenance, terminate"},
		{"simulator serve --port 70000", "--port 70000 is no port"},
		{"simulator serve --capacity t3.medium", "TYPE[@ZONE][/spot]=N"},
		{"simulator serve --region nowhere --port 0 --account 1", "account"},
		{"demo --machines 0", "use 1 to 1000"},
		{"completion tcsh", "use bash, zsh, fish or powershell"},
		{"completion", "takes one name of a shell"},
		{"version now", "takes no arguments"},
		{"provider health a b", "takes at most one provider, not 2"},
		{"infra validate x", "takes no arguments"},
	}
	for _, test := range tests {
		t.Run(test.line, func(t *testing.T) {
			t.Parallel()
			d := &desk{}
			code, stdout, stderr := d.run(t.Context(), strings.Fields(test.line)...)
			expect(t, exitUsage, code, stderr)
			if !strings.HasPrefix(stderr, "ohfp: ") || !strings.Contains(stderr, test.want) {
				t.Errorf("standard error %q, want %q", stderr, test.want)
			}
			if stdout != "" || len(d.asked) > 0 {
				t.Errorf("printed %q and asked for %v", stdout, d.asked)
			}
		})
	}
}

func TestParseCapacity(t *testing.T) {
	t.Parallel()
	got, err := parseCapacity([]string{"t3.medium=2", "m5.xlarge@us-east-1a/spot=0", "c5.large/on-demand=7"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[awssim.Pool]int{
		{InstanceType: "t3.medium"}: 2,
		{InstanceType: "m5.xlarge", Zone: "us-east-1a", Lifecycle: awssim.Spot}: 0,
		{InstanceType: "c5.large", Lifecycle: awssim.OnDemand}:                  7,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestCommandsAreDocumented: every command says what it does and shows how, and what only groups others prints its help.
func TestCommandsAreDocumented(t *testing.T) {
	t.Parallel()
	d := &desk{}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		if cmd.Short == "" || cmd.Example == "" || !strings.Contains(cmd.Example, path) && cmd.Parent() != nil {
			t.Errorf("%s has no short text, or no example that shows it", path)
		}
		for line := range strings.Lines(cmd.Long + "\n" + cmd.Example) {
			if len([]rune(line)) > 120 {
				t.Errorf("%s: help is wider than 120 columns: %s", path, line)
			}
		}
		args := strings.Fields(path)[1:]
		if cmd.HasSubCommands() {
			code, stdout, stderr := d.run(t.Context(), args...)
			if code != exitOK || !strings.Contains(stdout, "Usage:") || stderr != "" {
				t.Errorf("%s alone: exit %d, %q, %q", path, code, stdout, stderr)
			}
		}
		code, stdout, _ := d.run(t.Context(), append(slices.Clone(args), "--help")...)
		if code != exitOK || !strings.Contains(stdout, cmd.Example) {
			t.Errorf("%s --help: exit %d, %q", path, code, stdout)
		}
		for _, sub := range cmd.Commands() {
			if sub.Name() != "help" {
				walk(sub)
			}
		}
	}
	walk((&program{}).rootCommand())
	if len(d.asked) > 0 {
		t.Errorf("help asked for %v", d.asked)
	}
}
