package providertest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/openhostfactory/ohfp"
)

// disallowSkip names the variable that turns a missing capability of [Harness.Must] into a failure.
const disallowSkip = "OHFP_TEST_DISALLOW_SKIP"

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

// Run runs every case as a subtest, each with a harness of its own. The harnesses may stand for one and the same cloud
// as long as nobody else uses it, since the cases run one after the other.
func Run(t *testing.T, open func(t testing.TB) Harness) {
	t.Helper()
	var untested []string
	for _, c := range Cases() {
		t.Run(strings.ReplaceAll(c.Name, " ", "_"), func(t *testing.T) {
			for _, missing := range c.Run(t, open(t)) {
				if text := string(missing); !slices.Contains(untested, text) {
					untested = append(untested, text)
				}
			}
		})
	}
	if len(untested) > 0 {
		t.Logf("not tested, for lack of a capability: %s", strings.Join(untested, ", "))
	}
}

// Run checks the case against the harness and returns the capabilities for lack of which it could not. Afterwards it
// ends what the case has launched, and fails if anything remains.
func (c Case) Run(tb testing.TB, h Harness) (missing []Capability) {
	tb.Helper()
	if err := h.check(); err != nil {
		tb.Fatal(err)
	}
	b := &bench{TB: tb, h: h, resources: map[string]bool{}, growing: map[string]bool{}, foreign: map[ohfp.MachineID]bool{}}
	b.p = b.open()
	for _, need := range c.Needs {
		if !h.can(need, b.p) {
			missing = append(missing, need)
		}
	}
	if len(missing) == 0 {
		defer b.tidy()
		c.check(b)
		return nil
	}
	for _, need := range missing {
		if os.Getenv(disallowSkip) == "1" && slices.Contains(h.Must, need) {
			tb.Errorf("not tested: the harness must have %s, and has not (%s is 1)", need, disallowSkip)
		} else {
			tb.Logf("not tested: the harness has no %s", need)
		}
	}
	return missing
}
