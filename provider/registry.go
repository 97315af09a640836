package provider

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
)

// Environment is what the program gives to every provider that it opens.
type Environment struct {
	Name         string // the provider instance's name
	Installation ohfp.InstallationID
	Memory       Memory
	Log          *slog.Logger
	Now          func() time.Time
	ConfDir      string                          // where relative paths in templates start
	LookupEnv    func(key string) (string, bool) // the environment of the program
	Unpaced      bool                            // the operator wants calls made whatever the cloud's rates are
	Defaults     map[string]json.RawMessage      // template_defaults of its type and instance, by field name; the provider applies its own
}

// Factory opens a provider from its part of the configuration, which only it understands and which it MUST decode
// strictly. Opening makes no call to the cloud.
type Factory func(ctx context.Context, config json.RawMessage, env Environment) (Provider, error)

// Registry maps provider types, as written in the configuration, to their factories.
type Registry map[string]Factory

// Open opens a provider of the given type.
func (r Registry) Open(ctx context.Context, kind string, config json.RawMessage, env Environment) (Provider, error) {
	factory, ok := r[kind]
	if !ok {
		known := slices.Sorted(maps.Keys(r))
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "provider %s has type %q, which does not exist; use one of %s", env.Name, kind, strings.Join(known, ", "))
	}
	return factory(ctx, config, env)
}
