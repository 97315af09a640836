package ohfp_test

import (
	"errors"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
)

// refusedAt is a request of which the provider near has refused the launch whole, with far to fall back on.
func refusedAt(t *testing.T, now time.Time, o ohfp.Outcome) ohfp.Request {
	t.Helper()
	r, _, err := ohfp.NewAcquire("req-1", ohfp.Template{ID: "t", MaxNumber: 10}, 2, ohfp.Origin{}, 10*time.Minute, now)
	if err != nil {
		t.Fatal(err)
	}
	r.Provider, r.Fallbacks = "near", []string{"next", "far"}
	if _, err := r.Intend(ohfp.Order{API: "Run", Token: "a", Count: 2}, now); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Answer(1, o, now); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPlanMoves: another provider is asked only when nothing of the first can come any more, and only in time.
func TestPlanMoves(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	full := ohfp.Outcome{Elsewhere: true, Exhausted: true, Failures: []ohfp.Failure{{Code: "Full"}}}
	denied := ohfp.Outcome{Elsewhere: true, Permanent: true, Failures: []ohfp.Failure{{Code: "Denied"}}}
	tests := map[string]struct {
		outcome ohfp.Outcome
		change  func(r *ohfp.Request)
		at      time.Duration
		moves   bool
	}{
		"full":            {outcome: full, moves: true},
		"denied":          {outcome: denied, moves: true},
		"wrong":           {outcome: ohfp.Outcome{Permanent: true, Failures: []ohfp.Failure{{Code: "Invalid"}}}},
		"other offerings": {outcome: ohfp.Outcome{Failures: []ohfp.Failure{{Code: "Full"}}}},
		"nobody left":     {outcome: full, change: func(r *ohfp.Request) { r.Fallbacks = nil }},
		"a machine":       {outcome: ohfp.Outcome{Elsewhere: true, Machines: []ohfp.Machine{{ID: "i-1", State: ohfp.MachinePending}}}},
		"an earlier one":  {outcome: full, change: func(r *ohfp.Request) { r.Machines = []ohfp.Machine{{ID: "i-1", State: ohfp.MachineTerminated}} }},
		"a group":         {outcome: full, change: func(r *ohfp.Request) { r.Attempts[0].Order.Async, r.Attempts[0].Resource = true, "g" }},
		"a fleet":         {outcome: full, change: func(r *ohfp.Request) { r.Attempts[0].Resource = "f" }, moves: true},
		"doubt":           {outcome: full, change: func(r *ohfp.Request) { r.Attempts[0].Doubtful = true }},
		"time is up":      {outcome: full, at: 11 * time.Minute},
		"rate":            {outcome: denied, change: func(r *ohfp.Request) { r.PutOff(&ohfp.PacedError{At: now.Add(time.Minute)}, now) }},
		"rate is over": {
			outcome: denied, change: func(r *ohfp.Request) { r.PutOff(&ohfp.PacedError{At: now.Add(time.Minute)}, now) },
			at: 20 * time.Minute, moves: true,
		},
	}
	for name, test := range tests {
		r := refusedAt(t, now, test.outcome)
		if test.change != nil {
			test.change(&r)
		}
		moves := false
		actions := ohfp.Plan(r, ohfp.Facts{}, now.Add(test.at))
		for _, action := range actions {
			_, is := action.(ohfp.Move)
			moves = moves || is
		}
		if moves != test.moves {
			t.Errorf("%s: planned %#v", name, actions)
		}
		if name == "rate" && len(actions) > 0 {
			t.Errorf("while the rate puts it off: %#v", actions)
		}
	}
}

// TestMoveTo: the refusal stays with who refused, and those before the one that took it are not asked again.
func TestMoveTo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	r := refusedAt(t, now, ohfp.Outcome{Elsewhere: true, Permanent: true, Failures: []ohfp.Failure{{Code: "Denied", Message: "no"}}})
	r.PassOver("next", "shut")
	events, err := r.MoveTo("far", ohfp.Order{API: "Run", Token: "b", Count: 2, Estimate: ohfp.Estimate{VCPUs: 4}}, now)
	if err != nil {
		t.Fatal(err)
	}
	if r.Provider != "far" || len(r.Fallbacks) > 0 || r.Placement != "; next refused: shut; near refused: Denied: no" || r.Estimate.VCPUs != 4 {
		t.Errorf("the request is %+v", r)
	}
	if len(events) != 2 || events[0].Kind != ohfp.RequestMoved || events[1].Kind != ohfp.AttemptIntended || events[1].Provider != "far" {
		t.Errorf("events are %+v", events)
	}
	if r.ProviderOf(r.Attempts[0]) != "near" || r.ProviderOf(r.Attempts[1]) != "far" {
		t.Errorf("attempts are %+v", r.Attempts)
	}
	for _, name := range []string{"far", "nowhere"} {
		if _, err := r.MoveTo(name, ohfp.Order{}, now); !errors.Is(err, ohfp.ErrConflict) {
			t.Errorf("moving again to %s: %v", name, err)
		}
	}
}
