// Package config is everything that an operator can set: one table of settings with their defaults and descriptions, and
// the files, environment variables and flags that they come from.
// It refuses to open anything that a setting names, to understand a provider's own settings, and to let a misspelt one pass.
package config

import (
	"encoding/json"
	"path/filepath"
	"slices"

	"github.com/openhostfactory/ohfp"
)

// Config is what the program runs with. Every path in it is absolute.
type Config struct {
	Instance string // the name that Host Factory gave this provider instance, empty outside Host Factory
	ConfDir  string // where configuration and templates are
	WorkDir  string // where the program keeps its state
	LogDir   string
	Named    string // the configuration file that the user named, empty when the usual ones were looked for

	Providers        []Provider
	DefaultProvider  string                // empty: placement chooses
	ProviderDefaults map[string]FieldTable // template fields by provider type

	Placement  Placement
	Storage    Storage
	Limits     Limits
	Requests   Requests
	Scheduler  Scheduler
	Output     Output
	Cleaning   Cleaning
	Orphans    Orphans
	Daemon     Daemon
	Resilience Resilience

	Interruptions Interruptions

	HostFactory HostFactory
	Templates   Templates
	Events      Events
	API         API
	Auth        Auth
	Audit       Audit
	Access      Access
	MCP         MCP
	Logging     Logging
	Telemetry   Telemetry

	Files   []string          // the files that were read
	Notes   []string          // remarks for the log, about what was read but is not as it seems
	Origins map[string]string // where each setting that is not its default came from: a file and line, a variable or a flag

	Variables map[string]string // what .env files add to the environment; nil when they add nothing
}

// FieldTable holds template fields by name, each as JSON.
type FieldTable = map[string]json.RawMessage

// Provider is one configured provider instance.
type Provider struct {
	Name             string
	Type             string // for example aws
	Enabled          bool
	Priority         int             // lower comes first
	Weight           int             // its share where placement divides requests
	Config           json.RawMessage // the provider's own settings, which only it understands; nil when there are none
	TemplateDefaults FieldTable      // for templates that this instance launches
}

// Sources is where a configuration comes from.
type Sources struct {
	File    string            // the file that the user names; empty: the usual names in the configuration directory
	Environ []string          // as os.Environ gives it
	Flags   map[string]string // settings by name, from the command line
	Dir     string            // where relative names of the user start; empty: the current directory
	Instead map[string][]byte // texts by path that are taken for what is in these files, to see what they would mean
}

// Load reads the configuration. Later sources win: defaults, IBM's file, config and providers files, .env files, Host
// Factory's log settings, environment, flags.
func Load(s Sources) (Config, error) {
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return Config{}, ohfp.Errorf(ohfp.ErrInvalid, "the current directory cannot be found: %w; change to one that exists", err)
	}
	s.Dir = dir
	l := newLoader(s)
	steps := []func() error{
		l.locate, l.readDotEnv, l.applyDefaults, l.readFiles, l.applyPropagated, l.applyEnvironment, l.applyFlags, l.settle,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return Config{}, err
		}
	}
	return l.config, nil
}

// Origin says where the value of a setting came from.
func (c Config) Origin(key string) string {
	if origin, ok := c.Origins[key]; ok {
		return origin
	}
	return "default"
}

// Provider returns the configured instance of that name.
func (c Config) Provider(name string) (Provider, bool) {
	i := slices.IndexFunc(c.Providers, func(p Provider) bool { return p.Name == name })
	if i < 0 {
		return Provider{}, false
	}
	return c.Providers[i], true
}
