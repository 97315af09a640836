package app

import (
	"io"
	"time"

	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
	inmemory "github.com/openhostfactory/ohfp/store/memory"
)

// Options are what differs between the program and its tests.
type Options struct {
	Stderr    io.Writer                       // where the log goes that has no file
	LookupEnv func(key string) (string, bool) // the environment
	Now       func() time.Time
	// ListingOnly: only templates will be asked for. The store is opened for no longer than it takes to look into it, and need
	// not be there.
	ListingOnly bool
	// Apart: what clouds tell is forgotten with the App. It is for a look at another place than the configured one.
	Apart bool

	Registry provider.Registry // every provider type there is; nil: [Registry]

	// Running is the program whose store, log and counters this one goes on with, for a configuration that was read again;
	// nil: it opens its own.
	Running *App

	// What a test puts in the place of the program's own; nil leaves that.
	Records store.Store       // outlives the App: its owner closes it
	Step    func(name string) // is told which step of a request is reached
}

func (o Options) registry() provider.Registry {
	if o.Registry != nil {
		return o.Registry
	}
	return Registry()
}

// memory is what providers share, unless what they learn now is true elsewhere only.
func (o Options) memory(shared provider.Memory) provider.Memory {
	if o.Apart {
		return inmemory.New(o.Now)
	}
	return shared
}

func (o Options) step() func(string) {
	if o.Step != nil {
		return o.Step
	}
	return step(o.LookupEnv)
}
