package guard

import (
	"encoding/json"
	"time"

	"github.com/sony/gobreaker/v2"
)

// step takes a circuit one failure further: gobreaker's state machine on a state that comes from the memory and goes back
// there. Its own distributed breaker would hold a lock during the call and write after each.
func (b *Breaker) step(r record, known bool, cause error) (gobreaker.SharedState, gobreaker.State, error) {
	from, place := r.Circuit, &slot{}
	if known {
		var err error
		if place.state, err = json.Marshal(from); err != nil {
			return from, from.State, err
		}
	}
	machine, err := b.machine(place, r.Since)
	if err != nil {
		return from, from.State, err
	}
	_, _ = machine.Execute(func() (struct{}, error) { return struct{}{}, cause }) // the error is the cause, or that it is open already
	var to gobreaker.SharedState
	err = json.Unmarshal(place.state, &to)
	return to, to.State, err
}

// state is the state of a circuit now.
func (b *Breaker) state(r record) gobreaker.State {
	place := &slot{}
	var err error
	if place.state, err = json.Marshal(r.Circuit); err != nil {
		return gobreaker.StateClosed
	}
	machine, err := b.machine(place, r.Since)
	if err != nil {
		return gobreaker.StateClosed
	}
	state, err := machine.State()
	if err != nil {
		return gobreaker.StateClosed
	}
	return state
}

func (b *Breaker) machine(place *slot, since time.Time) (*gobreaker.DistributedCircuitBreaker[struct{}], error) {
	return gobreaker.NewDistributedCircuitBreaker[struct{}](place, gobreaker.Settings{
		MaxRequests: 1,
		Timeout:     b.OpenFor,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return int(c.ConsecutiveFailures) >= b.Failures && b.Now().Sub(since) >= min(lasting, b.OpenFor/3)
		},
	})
}

// slot is the place of one state, as gobreaker wants it. Whoever uses it alone needs no lock.
type slot struct{ state []byte }

func (s *slot) Lock(string) error                    { return nil }
func (s *slot) Unlock(string) error                  { return nil }
func (s *slot) GetData(string) ([]byte, error)       { return s.state, nil }
func (s *slot) SetData(_ string, state []byte) error { s.state = state; return nil }
