package providertest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/fake"
	"github.com/openhostfactory/ohfp/provider/providertest"
)

const name = "fake-a"

// wrap turns the provider that a harness opens into another one, to break it.
type wrap func(cloud *fake.Cloud, p *fake.Provider) provider.Provider

func whole(_ *fake.Cloud, p *fake.Provider) provider.Provider { return p }

// harness opens a new cloud whose templates are launched by the given API.
func harness(api string, broken wrap) providertest.Harness {
	clock := fake.NewClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	cloud := fake.New(clock.Now, fake.Settings{
		LaunchDelay: 40 * time.Second, AddressDelay: 50 * time.Second, TerminateDelay: 30 * time.Second, VisibleAfter: 2 * time.Second,
		ModifyDelay: 20 * time.Second,
	})
	memory := fake.NewMemory(clock.Now)
	template := func(id ohfp.TemplateID, spec string) ohfp.Template {
		return ohfp.Template{ID: id, ProviderType: fake.Type, ProviderAPI: api, MaxNumber: 100, Spec: json.RawMessage(spec)}
	}
	way := map[string]providertest.Kind{fake.APIRequest: providertest.Filling, fake.APIGroup: providertest.Keeping}[api]
	if way == "" {
		way = providertest.Plain
	}
	lacks := map[providertest.Capability]string{
		providertest.CanPlain:   "the machines come later",
		providertest.CanFilling: api + " does not go on by itself until it has all",
		providertest.CanKeeping: api + " replaces nothing",
	}
	delete(lacks, providertest.Capability(way))
	unknownAPI := template("bad", `{"type":"small"}`)
	unknownAPI.ProviderAPI = "Teleport"
	return providertest.Harness{
		Name: name,
		New: func(tb testing.TB) provider.Provider {
			tb.Helper()
			p, err := cloud.Open(provider.Environment{Name: name, Installation: "0123456789abcdef", Memory: memory, Now: clock.Now})
			if err != nil {
				tb.Fatal(err)
			}
			return broken(cloud, p)
		},
		API: api, Backend: "fake",
		Templates: map[providertest.Kind]ohfp.Template{
			way:                   template("plain", `{"type":"small"}`),
			providertest.Several:  template("several", `{"type":"medium","zones":["zone-a","zone-b"]}`),
			providertest.Weighted: template("weighted", `{"types":{"huge":4},"zones":["zone-a"]}`),
		},
		Advance:         clock.Advance,
		Live:            func(testing.TB) []ohfp.MachineID { return cloud.Live() },
		UnknownMachine:  "m-99999999",
		UnknownResource: "fleet-99999999",
		Bad: map[string]ohfp.Template{
			"no type":         template("bad", `{}`),
			"an unknown type": template("bad", `{"type":"gigantic"}`),
			"a bad weight":    template("bad", `{"types":{"small":0}}`),
			"type and types":  template("bad", `{"type":"small","types":{"large":2}}`),
			"an unnamed zone": template("bad", `{"type":"small","zones":[""]}`),
			"a broken spec":   template("bad", `{"type":`),
			"an unknown API":  unknownAPI,
		},
		Resources: func(testing.TB) []string { return cloud.Fleets() },
		Calls: func() providertest.Calls {
			var calls providertest.Calls
			for op, n := range cloud.Calls() {
				if op.Mutating() {
					calls.Mutating += n
				} else {
					calls.Reading += n
				}
			}
			return calls
		},
		Offerings: func(order ohfp.Order) []string { return strings.Split(order.Offering, ", ") },
		Exhaust:   cloud.SetCapacity,
		Foreign:   func(testing.TB) ohfp.MachineID { return cloud.AddForeign() },
		Lose: func(tb testing.TB, id ohfp.MachineID) {
			tb.Helper()
			if err := cloud.Lose(id, "interrupted"); err != nil {
				tb.Fatal(err)
			}
		},
		Throttle: func(n int) {
			cloud.Heal()
			cloud.FailNext(fake.OpLaunch, fake.Throttled(fake.OpLaunch), min(n, 100))
		},
		Deny: func(denied bool) {
			cloud.Heal()
			if denied {
				cloud.FailNext(fake.OpLaunch, fake.Denied(fake.OpLaunch), 100)
			}
		},
		DropReply: func() { cloud.DropReply(fake.OpLaunch) },
		CutReads: func(cut bool) {
			cloud.Heal()
			if cut {
				cloud.CutRead(1)
			}
		},
		RefuseTargets: func(tb testing.TB, resource string, refused bool) {
			tb.Helper()
			if err := cloud.RefuseTargets(resource, refused); err != nil {
				tb.Fatal(err)
			}
		},
		Hang:         func() func() { return cloud.Hang(fake.OpLaunch) },
		ObserveCalls: 1,
		Lacks:        lacks,
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, api := range []string{fake.APIInstances, fake.APIFleet, fake.APIRequest, fake.APIGroup} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			providertest.Run(t, func(testing.TB) providertest.Harness { return harness(api, whole) })
		})
	}
}

// play runs one case against a harness and tells how it went.
func play(t *testing.T, caseName string, h providertest.Harness) providertest.Result {
	t.Helper()
	for _, c := range providertest.Cases() {
		if c.Name == caseName {
			return c.Try(t, h)
		}
	}
	t.Fatalf("there is no case %q", caseName)
	return providertest.Result{}
}

func TestBrokenProvidersFail(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		api    string
		broken wrap
		fails  []string // the cases that must notice
	}{
		{"launches anew each time", fake.APIInstances, relauncher, []string{
			"the same order twice launches once", "an order whose answer was lost launches once", "one order from eight processes at once",
		}},
		{"launches while it prepares", fake.APIInstances, eager, []string{"prepare changes nothing"}},
		{"gives every attempt one token", fake.APIInstances, sameToken, []string{
			"orders of different asks have different tokens", "different orders launch different machines",
		}},
		{"leaves out the resource of machines", fake.APIFleet, nameless, []string{"launch brings a resource and machines"}},
		{"calls a shortage an error", fake.APIInstances, allOrNothing, []string{"fewer than asked for are machines and failures"}},
		{"hides that there is no capacity", fake.APIInstances, unkind, []string{
			"none at all is a capacity error and leaves nothing", "denial names the action",
			"throttling is told as such and the order can be repeated",
		}},
		{"calls every read complete", fake.APIInstances, overconfident, []string{"a read that broke off is not complete"}},
		{"asks request by request", fake.APIInstances, chatty, []string{"many requests are observed in few calls"}},
		{"looks only at what the record lists", fake.APIInstances, blind, []string{
			"machines that the record does not know are seen by request",
		}},
		{"fails on unknown machines", fake.APIInstances, fussy, []string{
			"an unknown resource or machine does not spoil the others",
			"unknown machines count as ended and do not spoil the others",
		}},
		{"ends the whole request", fake.APIInstances, overzealous, []string{"terminate ends exactly the machines named"}},
		{"retires what still lives", fake.APIFleet, reckless, []string{"retire refuses while a machine lives"}},
		{"never retires", fake.APIFleet, hoarder, []string{
			"retire removes what is empty and may be repeated", "launch brings a resource and machines",
		}},
		{"lists the machines of others", fake.APIInstances, greedy, []string{
			"owned lists everything of this installation", "the machines of others are never touched",
		}},
		{"tells local time", fake.APIInstances, local, []string{"machines come up with all that their users need"}},
		{"sets no targets", fake.APIGroup, untargeted, []string{
			"Keeping: machines ended with a lower target are not replaced", "Keeping: with target 0 it launches nothing more",
			"Keeping: machines are not ended while its target cannot be set",
		}},
		{"ends machines whose target was refused", fake.APIGroup, ruthless, []string{"Keeping: machines are not ended while its target cannot be set"}},
		{"tells nothing of resources", fake.APIGroup, silent, []string{"Keeping: its machines come by themselves"}},
		{"tells nothing of what fills", fake.APIRequest, silent, []string{"Filling: a shortage is told and waited out"}},
		{"knows resources by name only", fake.APIGroup, closed, []string{"Keeping: it is found by its request when the answer was lost"}},
		{"makes a resource for each call", fake.APIGroup, relauncher, []string{"Keeping: the same order twice makes one resource"}},
		{"retires with machines alive", fake.APIRequest, reckless, []string{"Filling: it is not retired while a machine of it lives"}},
		{"ignores its context", fake.APIInstances, deaf, []string{
			"calls return promptly when their context has ended", "calls that hang return promptly when their context ends",
		}},
		{"accepts any template", fake.APIInstances, uncritical, []string{
			"bad templates are refused before anything is changed", "unknown fields are refused by name",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, name := range tt.fails {
				if r := play(t, name, harness(tt.api, whole)); r.Failed || r.Skipped {
					t.Errorf("case %q fails for a provider that is right:\n%s", name, strings.Join(r.Lines, "\n"))
				}
				if r := play(t, name, harness(tt.api, tt.broken)); !r.Failed {
					t.Errorf("case %q passes for a provider that %s", name, tt.name)
				}
			}
		})
	}
}

func TestMissingCapabilities(t *testing.T) {
	t.Parallel()
	const needsExhaust = "none at all is a capacity error and leaves nothing"
	h := harness(fake.APIInstances, whole)
	h.Exhaust = nil
	if r := play(t, needsExhaust, h); !r.Failed || len(r.Lines) != 1 || !strings.Contains(r.Lines[0], "Exhaust") {
		t.Errorf("a capability that is missing without a reason: %+v, want a failure that names it", r)
	}
	h.Lacks = map[providertest.Capability]string{providertest.CanExhaust: "it is endless"}
	if r := play(t, needsExhaust, h); r.Failed || !r.Skipped || len(r.Lines) != 1 || !strings.Contains(r.Lines[0], "it is endless") {
		t.Errorf("a capability that is missing for a reason: %+v, want one line that says it", r)
	}
	if r := play(t, "retire refuses while a machine lives", harness(fake.APIInstances, whole)); r.Failed || !r.Skipped {
		t.Errorf("nothing to retire: %+v, want it skipped", r)
	}
}

func TestHarnessIsChecked(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(*providertest.Harness){
		"no New":               func(h *providertest.Harness) { h.New = nil },
		"no Advance":           func(h *providertest.Harness) { h.Advance = nil },
		"no Live":              func(h *providertest.Harness) { h.Live = nil },
		"no name":              func(h *providertest.Harness) { h.Name = "" },
		"no way to launch":     func(h *providertest.Harness) { delete(h.Templates, providertest.Plain) },
		"no such capability":   func(h *providertest.Harness) { h.Lacks = map[providertest.Capability]string{"Levitate": "heavy"} },
		"no reason":            func(h *providertest.Harness) { h.Lacks = map[providertest.Capability]string{providertest.CanBad: ""} },
		"no such gap":          func(h *providertest.Harness) { h.Gaps = map[string]string{"levitates": "heavy"} },
		"no unknown machine":   func(h *providertest.Harness) { h.UnknownMachine = "" },
		"no unknown resources": func(h *providertest.Harness) { h.UnknownResource = "" },
	} {
		h := harness(fake.APIInstances, whole)
		spoil(&h)
		if r := play(t, "good templates are valid", h); !r.Failed {
			t.Errorf("a harness with %s is accepted", what)
		}
	}
}
