package command_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/provider"
)

// tidy is a provider that has something to clean up.
type tidy struct {
	provider.Provider
	told *provider.Cleaning
	err  error
}

func (p tidy) Clean(_ context.Context, c provider.Cleaning) ([]provider.Resource, error) {
	*p.told = c
	return []provider.Resource{{Kind: "thing", ID: "thing-1"}}, p.err
}

// TestClean: what may still launch is told, and nothing else.
func TestClean(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	instances, group := w.request("small", 2), w.request("group", 2)
	under := w.request("ask", 2)
	clean := func(in command.Clean, failed error) ([]command.Cleaned, provider.Cleaning, error) {
		var told provider.Cleaning
		c := w.process()
		c.Executor.Providers = opened{tidy{w.open(), &told, failed}}
		cleaned, err := c.Clean(t.Context(), in)
		return cleaned, told, err
	}
	orders := func(told provider.Cleaning) int { return len(told.InUse) }
	cleaned, told, err := clean(command.Clean{UnusedFor: time.Hour, DryRun: true}, nil)
	if err != nil || len(cleaned) != 1 || cleaned[0].Provider != "cloud" || cleaned[0].ID != "thing-1" {
		t.Errorf("cleaned %+v, error %v", cleaned, err)
	}
	if told.UnusedFor != time.Hour || !told.DryRun || orders(told) != 3 {
		t.Errorf("with three requests under way, told %+v", told)
	}
	for _, r := range []ohfp.Request{instances, group, under} {
		w.follow(r.ID)
	}
	if _, told, _ := clean(command.Clean{}, nil); orders(told) != 1 || !told.InUse[0].Keeps {
		t.Errorf("with three requests complete, told of the orders %+v, want that of the group", told.InUse)
	}
	for _, m := range w.read(group.ID).Machines {
		w.giveBack(command.Named{ID: m.ID})
	}
	w.follow(group.ID)
	if _, told, _ := clean(command.Clean{}, nil); orders(told) > 1 {
		t.Errorf("with the group given back, told of the orders %+v", told.InUse)
	}
	refusal := ohfp.Errorf(ohfp.ErrDenied, "not you")
	if cleaned, _, err := clean(command.Clean{}, refusal); len(cleaned) != 1 || !errors.Is(err, ohfp.ErrDenied) {
		t.Errorf("refused half way, cleaned %+v, error %v", cleaned, err)
	}
	if _, _, err := clean(command.Clean{UnusedFor: -1}, nil); !errors.Is(err, ohfp.ErrInvalid) {
		t.Errorf("a negative time: %v", err)
	}
	c := w.process()
	if cleaned, err := c.Clean(t.Context(), command.Clean{}); err != nil || len(cleaned) > 0 {
		t.Errorf("at a provider that shares nothing: %v, error %v", cleaned, err)
	}
	if _, err := c.Clean(t.Context(), command.Clean{Provider: "cloud"}); !errors.Is(err, ohfp.ErrInvalid) {
		t.Errorf("of a provider that shares nothing: %v", err)
	}
}
