package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config/directories"
	"github.com/openhostfactory/ohfp/internal/config/document"
)

// loader gathers a configuration from its sources.
type loader struct {
	sources Sources
	env     directories.Environment
	config  Config
	keys    []Key
	lines   map[string]string // of variables that a .env file gives, where
}

func newLoader(s Sources) *loader {
	l := &loader{sources: s, env: directories.NewEnvironment(s.Environ)}
	l.config.Origins = map[string]string{}
	l.keys = settings(&l.config)
	return l
}

func (l *loader) note(text string) { l.config.Notes = append(l.config.Notes, text) }

// set gives a setting a value and remembers where it came from.
func (l *loader) set(key Key, origin, base string, values ...string) error {
	if !key.set(input{values: values, base: base, home: l.env.Home()}) {
		if key.Secret {
			return ohfp.Errorf(ohfp.ErrInvalid, "%s: %s is not as it should be; write %s", origin, key.Name, key.Expected)
		}
		return ohfp.Errorf(ohfp.ErrInvalid, "%s: %s is %q; write %s", origin, key.Name, strings.Join(values, ","), key.Expected)
	}
	l.config.Origins[key.Name] = origin
	return nil
}

// key finds a setting by its name or an alias.
func (l *loader) key(name string) (Key, bool) {
	i := slices.IndexFunc(l.keys, func(k Key) bool { return k.Name == name || slices.Contains(k.Aliases, name) })
	if i < 0 {
		return Key{}, false
	}
	return l.keys[i], true
}

func (l *loader) applyDefaults() error {
	for _, key := range l.keys {
		if key.Default == "" || key.set == nil {
			continue
		}
		value := l.placeholders().Replace(key.Default)
		if err := l.set(key, "default", l.config.ConfDir, value); err != nil {
			return err
		}
	}
	clear(l.config.Origins)
	return nil
}

func (l *loader) applyFlags() error {
	for _, name := range slices.Sorted(maps.Keys(l.sources.Flags)) {
		key, ok := l.key(name)
		if !ok || key.set == nil {
			return ohfp.Errorf(ohfp.ErrInvalid, "flag: %s is not a setting%s", name, l.suggestion(name, ""))
		}
		if err := l.set(key, "flag", l.sources.Dir, key.split(l.sources.Flags[name])...); err != nil {
			return err
		}
	}
	return nil
}

// suggestion ends the message about an unknown setting: with a neighbour that is spelt almost so, with a setting of that
// name in another section, or with all neighbours.
func (l *loader) suggestion(name, section string) string {
	var known, here []string
	for _, key := range l.keys {
		if key.set != nil {
			known = append(known, key.Name)
		}
	}
	known = append(known, "providers", "provider_defaults", "events.sinks")
	for _, key := range known {
		if rest, ok := strings.CutPrefix(key, section); ok {
			word, _, _ := strings.Cut(rest, ".")
			here = append(here, word)
		}
	}
	here = slices.Compact(here)
	word := strings.TrimPrefix(name, section)
	if near := document.Nearest(word, here); near != "" {
		return "; did you mean " + section + near + "?"
	}
	if near := document.Nearest(name, known); near != "" && section == "" {
		return "; did you mean " + near + "?"
	}
	for _, key := range known {
		if strings.HasSuffix(key, "."+word) {
			return "; did you mean " + key + "?"
		}
	}
	return "; use one of " + strings.Join(here, ", ")
}
