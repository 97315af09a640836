package providertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp"
)

// Case is one promise of the port.
type Case struct {
	Name  string
	Needs []Capability
	check func(b *bench)
}

// Cases lists every case in the order in which [Run] runs them.
func Cases() []Case {
	return slices.Concat(templateCases(), launchCases(), shortageCases(), observeCases(), terminateCases(), growingCases(), faultCases(), capabilityCases())
}

// The attributes that Run gives to each of its tests, for those who make tables of `go test -json`.
const (
	AttrBackend = "backend"
	AttrAPI     = "api"
	AttrCase    = "case"
	AttrReason  = "reason" // of a test that was skipped: why
)

// Run runs every case as a subtest, each with a harness of its own. The harnesses may stand for one and the same cloud
// as long as nobody else uses it, since the cases run one after the other. What is not tested is a skipped subtest that
// says why.
func Run(t *testing.T, open func(t testing.TB) Harness) {
	t.Helper()
	for _, c := range Cases() {
		t.Run(strings.ReplaceAll(c.Name, " ", "_"), func(t *testing.T) {
			h := open(t)
			t.Attr(AttrBackend, h.Backend)
			t.Attr(AttrAPI, h.API)
			t.Attr(AttrCase, c.Name)
			if gap := h.Gaps[c.Name]; gap != "" {
				c.mustFail(t, h, gap)
			} else {
				c.Run(t, h)
			}
		})
	}
}

// Run checks the case against the harness, or skips it for lack of a capability. Afterwards it ends what the case has
// launched, and fails if anything remains.
func (c Case) Run(tb testing.TB, h Harness) {
	tb.Helper()
	if err := h.check(); err != nil {
		tb.Fatal(err)
	}
	b := &bench{
		TB: tb, h: h, requests: map[string]ohfp.RequestID{}, resources: map[string]bool{}, told: map[string]ohfp.Target{}, ending: map[ohfp.MachineID]bool{},
		foreign: map[ohfp.MachineID]bool{},
	}
	b.p = b.open()
	for _, need := range c.Needs {
		if !h.can(need, b.p) {
			reason := h.Lacks[need]
			if reason == "" {
				tb.Fatalf("the harness has no %s, and its Lacks does not say why", need)
			}
			b.skip(reason)
		}
	}
	defer b.tidy()
	c.check(b)
}

// skip ends a case that does not apply.
func (b *bench) skip(reason string) {
	b.Helper()
	b.Attr(AttrReason, reason)
	b.Skipf("not supported: %s", reason)
}

// mustFail checks that the case fails for a reason that is known, and then skips it.
func (c Case) mustFail(tb testing.TB, h Harness, gap string) {
	tb.Helper()
	r := c.Try(tb, h)
	for _, line := range r.Lines {
		tb.Log(line)
	}
	switch {
	case r.Skipped:
		tb.Errorf("listed as a gap (%s), and yet it does not apply at all: remove it from the list", gap)
	case !r.Failed:
		tb.Errorf("listed as a gap (%s), and yet it passes: remove it from the list", gap)
	default:
		tb.Attr(AttrReason, gap)
		tb.Skipf("known gap: %s", gap)
	}
}
