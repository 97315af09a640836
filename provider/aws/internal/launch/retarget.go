package launch

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
)

// Outcome is what came of an attempt to lower targets.
type Outcome struct {
	Busy    []ohfp.ResourceTarget // of resources that are being changed and can be told a little later
	Refused map[string]error      // by resource
}

// errBusy: another process tells the resource just now.
var errBusy = errors.New("being told by another process")

// retarget lowers the targets of resources that can be told only one at a time. change returns a conflict when AWS wants
// it to be tried again.
func (p Parts) retarget(ctx context.Context, k Keeper, targets []ohfp.ResourceTarget, change func(s Standing, to ohfp.Target) error) Outcome {
	wanted, outcome := map[string]ohfp.Target{}, Outcome{Refused: map[string]error{}}
	for _, t := range targets {
		wanted[t.Resource] = t.Target
	}
	standings, err := k.Look(ctx, sortedKeys(wanted))
	if err != nil {
		for resource := range wanted {
			outcome.Refused[resource] = err
		}
		return outcome
	}
	for _, s := range standings {
		to := least(wanted[s.Resource], s.Target)
		var err error
		switch {
		case s.Doubt != nil:
			err = s.Doubt
		case s.Unseen:
			err = errBusy
		case s.Gone || s.Instant || !s.Keeps && !s.Active || s.Keeps && to == s.Target:
		case s.Busy:
			err = errBusy
		case !s.Keeps:
			err = change(s, to)
		default:
			err = p.tell(ctx, s, to, change)
		}
		switch {
		case errors.Is(err, errBusy) || errors.Is(err, ohfp.ErrConflict):
			outcome.Busy = append(outcome.Busy, ohfp.ResourceTarget{Resource: s.Resource, Target: wanted[s.Resource]})
		case err != nil:
			outcome.Refused[s.Resource] = err
		}
	}
	return outcome
}

// retargetFleets is retarget for fleets, of which only those of type maintain take another target. One of type request
// goes on until it has launched all that it was told; once it holds what is wanted it is stopped, without its machines.
func (p Parts) retargetFleets(
	ctx context.Context, k Keeper, targets []ohfp.ResourceTarget, change func(s Standing, to ohfp.Target) error,
	stop func(ctx context.Context, fleets []string, machines bool) (refused map[string]error),
) Outcome {
	var filled []string
	outcome := p.retarget(ctx, k, targets, func(s Standing, to ohfp.Target) error {
		if s.Keeps {
			return change(s, to)
		}
		if total(to) <= s.Fulfilled {
			filled = append(filled, s.Resource)
		}
		return nil
	})
	for some := range slices.Chunk(filled, lookChunk) {
		maps.Copy(outcome.Refused, stop(ctx, some, false))
	}
	return outcome
}

// told is what a resource was told last, and until when somebody is telling it something else. Targets are absolute, so
// of two returns at once the later call would win, which may be the one with the higher target: machines that the other
// has ended would then be replaced.
type told struct {
	Target  ohfp.Target `json:"target"`
	Telling time.Time   `json:"telling,omitzero"`
}

const (
	// telling is how long one process may take to tell a resource. After that it has died.
	telling = 30 * time.Second
	// keepTold outlives what reads of a resource may lag behind.
	keepTold = time.Hour
)

// tell changes the target of a resource, to no more than it was told before, while nobody else does. A memory that does
// not work forbids nothing: the engine tells again until the resource has the target that it shall have.
func (p Parts) tell(ctx context.Context, s Standing, to ohfp.Target, change func(s Standing, to ohfp.Target) error) error {
	key := p.Prefix + "told/" + s.Resource
	known, ok, err := p.Memory.Recall(ctx, key)
	if err != nil {
		return change(s, to)
	}
	var last told
	if !ok || json.Unmarshal(known, &last) != nil {
		last = told{Target: s.Target}
	}
	switch {
	case p.Now().Before(last.Telling):
		return errBusy
	case !ok:
		known = nil
	}
	mine, err := json.Marshal(told{Target: last.Target, Telling: p.Now().Add(telling)})
	if err != nil {
		return err
	}
	if won, err := p.Memory.Swap(ctx, key, known, mine, keepTold); err == nil && !won {
		return errBusy
	}
	to = least(to, last.Target)
	if err = change(s, to); err == nil || ohfp.OutcomeUnknown(err) {
		last.Target = to // or may be: whoever read the resource before must not raise it again
	}
	// Whoever waits for this one waits no longer, also when the caller has gone.
	if done, failed := json.Marshal(told{Target: last.Target}); failed == nil {
		_, _ = p.Memory.Swap(context.WithoutCancel(ctx), key, mine, done, keepTold)
	}
	return err
}
