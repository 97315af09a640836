package config

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config/document"
)

// Value is a setting as it is.
type Value struct {
	Key     string `json:"key"`
	Value   any    `json:"value"` // null when nothing is set; *** for a secret
	Default any    `json:"default"`
	Origin  string `json:"origin,omitempty"` // default, a file and line, a variable or a flag
	Secret  bool   `json:"secret,omitempty"`
}

// OwnSecret says whether a setting of a provider type, by its name below config, is shown to nobody; or a default for its
// templates, by its name after [TemplateDefaults].
type OwnSecret func(kind, name string) bool

// TemplateDefaults is what the names of defaults for templates begin with.
const TemplateDefaults = "template_defaults."

// Values lists every setting with its value, in the order of the documentation; those of lists by the name of their
// entry, as providers[aws].priority.
func (c Config) Values(secret OwnSecret) []Value {
	list := []Value{}
	defaults := placeholdersOf(c)
	for _, key := range settings(&c) {
		if key.get == nil {
			continue
		}
		v := key.value(key.Name, c.Origin(key.Name))
		if key.Default != "" {
			v.Default = defaults.Replace(key.Default)
		}
		list = append(list, v)
	}
	for _, p := range c.Providers {
		where, origin := "providers["+p.Name+"].", c.Origin("providers")
		for _, key := range providerSettings(&p) {
			list = append(list, key.value(where+key.Name, origin))
		}
		for name, value := range leaves("", p.Config) {
			v := Value{Key: where + "config." + name, Value: value, Origin: origin}
			if secret(p.Type, name) {
				v.Value, v.Secret = hidden, true
			}
			list = append(list, v)
		}
		list = append(list, fieldValues(where, p.TemplateDefaults, origin, secret, p.Type)...)
	}
	for _, kind := range slices.Sorted(maps.Keys(c.ProviderDefaults)) {
		list = append(list, fieldValues("provider_defaults."+kind+".", c.ProviderDefaults[kind], c.Origin("provider_defaults"), secret, kind)...)
	}
	for _, s := range c.Events.Sinks {
		fits := append([]string{"name", "type", "kinds"}, fitting(s.Type)...)
		for _, key := range sinkSettings(&s) {
			if slices.Contains(fits, key.Name) {
				list = append(list, key.value("events.sinks["+s.Name+"]."+key.Name, c.Origin("events.sinks")))
			}
		}
	}
	return list
}

// hidden stands for the value of a secret.
const hidden = "***"

func (k Key) value(name, origin string) Value {
	v := Value{Key: name, Value: k.get(), Origin: origin, Secret: k.Secret}
	if v.Value == "" {
		v.Value = nil
	}
	if k.Default != "" {
		v.Default = k.Default
	}
	return v
}

// leaves are the values in an object by their names, in its order. Lists are values.
func leaves(prefix string, raw json.RawMessage) func(yield func(string, any) bool) {
	return func(yield func(string, any) bool) {
		root, err := document.Parse("x.json", raw)
		if err != nil || len(raw) == 0 {
			return // there is nothing
		}
		var walk func(prefix string, n document.Node) bool
		walk = func(prefix string, n document.Node) bool {
			if n.Kind == document.Object && len(n.Fields) > 0 {
				for _, field := range n.Fields {
					if !walk(strings.TrimPrefix(prefix+"."+field.Key, "."), field.Value) {
						return false
					}
				}
				return true
			}
			return yield(prefix, n.JSON())
		}
		walk(prefix, root)
	}
}

func fieldValues(where string, table FieldTable, origin string, secret OwnSecret, kind string) []Value {
	var list []Value
	for _, name := range slices.Sorted(maps.Keys(table)) {
		v := Value{Key: where + TemplateDefaults + name, Value: table[name], Origin: origin}
		if secret(kind, TemplateDefaults+name) {
			v.Value, v.Secret = hidden, true
		}
		list = append(list, v)
	}
	return list
}

func placeholdersOf(c Config) *strings.Replacer {
	l := loader{config: c}
	return l.placeholders()
}

// Select returns the values of a setting, or of all in a section. None is an error that names the nearest.
func Select(values []Value, name string) ([]Value, error) {
	if name == "" {
		return values, nil
	}
	name = canonical(name)
	var found []Value
	var known []string
	for _, v := range values {
		if v.Key == name || strings.HasPrefix(v.Key, name+".") || strings.HasPrefix(v.Key, name+"[") {
			found = append(found, v)
		}
		known = append(known, v.Key)
	}
	switch {
	case len(found) > 0:
		return found, nil
	case slices.Contains([]string{"providers", "provider_defaults", "events.sinks", "events"}, name):
		return []Value{}, nil
	}
	l := newLoader(Sources{})
	if advice, ok := Foreign(name); ok {
		return nil, ohfp.Errorf(ohfp.ErrNotFound, "%s is not a setting here; %s", name, advice)
	}
	if near := document.Nearest(name, known); near != "" {
		return nil, ohfp.Errorf(ohfp.ErrNotFound, "%s is not a setting; did you mean %s?", name, near)
	}
	return nil, ohfp.Errorf(ohfp.ErrNotFound, "%s is not a setting%s", name, l.suggestion(name, ""))
}

// canonical is the name of a setting, for an alias, and with the entry of a list in brackets.
func canonical(name string) string {
	l := newLoader(Sources{})
	if key, ok := l.key(name); ok {
		return key.Name
	}
	for _, list := range []string{"providers", "events.sinks"} {
		rest, ok := strings.CutPrefix(name, list+".")
		if !ok {
			continue
		}
		entry, rest, below := strings.Cut(rest, ".")
		if name = list + "[" + entry + "]"; below {
			name += "." + rest
		}
	}
	return name
}
