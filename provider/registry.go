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

	// Called is told of every call to the cloud that has ended, each try of it by itself, for those who count them. It does
	// not hold the call up. Nil: nobody counts.
	Called func(ctx context.Context, c Call)
}

// Call is a call to a cloud that has ended.
type Call struct {
	Operation string // by the cloud's own name, for example RunInstances
	Took      time.Duration
	Err       error // with its kind; nil: it succeeded
}

// OwnDefaults is [Environment.Defaults] without the fields that mean the same for every provider, which have been applied
// to templates already, and without those that are null. What a provider does not know of the rest it MUST refuse by name.
func (e Environment) OwnDefaults() map[string]json.RawMessage {
	own := map[string]json.RawMessage{}
	for name, value := range e.Defaults {
		switch strings.ToLower(strings.ReplaceAll(name, "_", "")) {
		case "name", "description", "providername", "providertype", "providerapi", "maxnumber", "maxinstances",
			"capacityunit", "timeout", "attributes":
		default:
			if string(value) != "null" {
				own[name] = value
			}
		}
	}
	return own
}

// Factory opens a provider from its part of the configuration, which only it understands and which it MUST decode
// strictly. Opening makes no call to the cloud.
type Factory func(ctx context.Context, config json.RawMessage, env Environment) (Provider, error)

// Type is a type of provider.
type Type struct {
	Open Factory
	// Settings describes what the Factory decodes, for documentation, the schema of configuration files and to know which
	// values are secret. Nil: the type has no settings that anybody should know of.
	Settings func() []Setting
}

// Registry maps provider types, as written in the configuration, to what they are.
type Registry map[string]Type

// With returns the types of both. A type that both have is [ohfp.ErrConflict]: a configuration that names it must mean one
// thing.
func (r Registry) With(own Registry) (Registry, error) {
	all := maps.Clone(r)
	for kind, what := range own {
		if _, taken := r[kind]; taken {
			return nil, ohfp.Errorf(ohfp.ErrConflict, "provider type %s exists already; give yours another name", kind)
		}
		all[kind] = what
	}
	return all, nil
}

// Own describes the settings of a type, of which there are none when it does not exist.
func (r Registry) Own(kind string) []Setting {
	if settings := r[kind].Settings; settings != nil {
		return settings()
	}
	return nil
}

// Open opens a provider of the given type.
func (r Registry) Open(ctx context.Context, kind string, config json.RawMessage, env Environment) (Provider, error) {
	found, ok := r[kind]
	if !ok {
		known := slices.Sorted(maps.Keys(r))
		return nil, ohfp.Errorf(ohfp.ErrInvalid, "provider %s has type %q, which does not exist; use one of %s", env.Name, kind, strings.Join(known, ", "))
	}
	return found.Open(ctx, config, env)
}
