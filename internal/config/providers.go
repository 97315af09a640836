package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config/document"
)

// wellFormed says whether Host Factory allows the name of an instance. Its rule is the one for templates.
func wellFormed(name string) bool { return ohfp.TemplateID(name).WellFormed() }

func (f file) applyProviders(field document.Field) error {
	if field.Value.Null() {
		return nil
	}
	if field.Value.Kind != document.List {
		return f.fail(field.Line, "providers is %s; write a list of objects", field.Value.Kind)
	}
	if err := f.claim("providers", field.Line); err != nil {
		return err
	}
	f.config.Providers = []Provider{}
	for i, item := range field.Value.Items {
		p, err := f.provider(i, item)
		if err != nil {
			return err
		}
		if _, twice := f.config.Provider(p.Name); twice {
			return f.fail(item.Line, "providers[%d].name is %q, which another provider has already; give each its own", i, p.Name)
		}
		f.config.Providers = append(f.config.Providers, p)
	}
	return nil
}

func (f file) provider(i int, object document.Node) (Provider, error) {
	var p Provider
	where := fmt.Sprintf("providers[%d]", i)
	if object.Kind != document.Object {
		return p, f.fail(object.Line, "%s is %s; write an object with name, type and config", where, object.Kind)
	}
	keys := p.applyDefaults()
	for _, field := range object.Fields {
		if err := f.providerField(&p, where, keys, field); err != nil {
			return p, err
		}
	}
	switch {
	case p.Name == "":
		return p, f.fail(object.Line, "%s has no name; give it one", where)
	case !wellFormed(p.Name):
		return p, f.fail(object.Line, "%s.name is %q; write %s", where, p.Name, keys[0].Expected)
	case p.Type == "":
		return p, f.fail(object.Line, "%s (%s) has no type; write %s", where, p.Name, keys[1].Expected)
	}
	return p, nil
}

// applyDefaults sets what a provider is when nothing is said, and returns its settings.
func (p *Provider) applyDefaults() []Key {
	keys := providerSettings(p)
	for _, key := range keys {
		if key.Default != "" {
			key.set(input{values: []string{key.Default}})
		}
	}
	return keys
}

func (f file) providerField(p *Provider, where string, keys []Key, field document.Field) error {
	name := where + "." + field.Key
	switch field.Key {
	case "config":
		switch field.Value.Kind {
		case document.Null:
			return nil
		case document.Object:
			p.Config = field.Value.JSON()
			return nil
		default:
			return f.fail(field.Line, "%s is %s; write an object", name, field.Value.Kind)
		}
	case "template_defaults":
		table, err := f.fields(name, field)
		p.TemplateDefaults = table
		return err
	}
	i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == field.Key })
	if advice := instead(foreignProviderSettings(), field.Key); i < 0 && advice != "" {
		return f.fail(field.Line, "%s is not a setting here; %s", name, advice)
	}
	if i < 0 {
		known := []string{"config", "template_defaults"}
		for _, key := range keys {
			known = append(known, key.Name)
		}
		if near := document.Nearest(field.Key, known); near != "" {
			return f.fail(field.Line, "%s is not a setting; did you mean %s?", name, near)
		}
		return f.fail(field.Line, "%s is not a setting; use one of %s", name, strings.Join(known, ", "))
	}
	switch {
	case field.Value.Null():
		return nil
	case field.Value.Kind != document.Scalar || !keys[i].set(input{values: []string{field.Value.Text()}}):
		return f.fail(field.Line, "%s is %s; write %s", name, field.Value.JSON(), keys[i].Expected)
	}
	return nil
}

func (f file) applyProviderDefaults(field document.Field) error {
	const name = "provider_defaults"
	if field.Value.Null() {
		return nil
	}
	if field.Value.Kind != document.Object {
		return f.fail(field.Line, "%s is %s; write an object by provider type", name, field.Value.Kind)
	}
	if err := f.claim(name, field.Line); err != nil {
		return err
	}
	f.config.ProviderDefaults = map[string]FieldTable{}
	for _, kind := range field.Value.Fields {
		where := name + "." + kind.Key
		if kind.Value.Null() {
			continue
		}
		if kind.Value.Kind != document.Object {
			return f.fail(kind.Line, "%s is %s; write an object with template_defaults", where, kind.Value.Kind)
		}
		for _, own := range kind.Value.Fields {
			if advice := instead(foreignProviderSettings(), own.Key); advice != "" {
				return f.fail(own.Line, "%s.%s is not a setting here; %s", where, own.Key, advice)
			}
			if own.Key != "template_defaults" {
				return f.fail(own.Line, "%s.%s is not a setting; use template_defaults", where, own.Key)
			}
			table, err := f.fields(where+".template_defaults", own)
			if err != nil {
				return err
			}
			f.config.ProviderDefaults[kind.Key] = table
		}
	}
	return nil
}

// fields reads template defaults. What tells templates and providers apart cannot have a default.
func (f file) fields(name string, field document.Field) (FieldTable, error) {
	switch field.Value.Kind {
	case document.Null:
		return nil, nil
	case document.Object:
	default:
		return nil, f.fail(field.Line, "%s is %s; write an object of template fields", name, field.Value.Kind)
	}
	table := FieldTable{}
	for _, own := range field.Value.Fields {
		switch strings.ToLower(strings.ReplaceAll(own.Key, "_", "")) {
		case "templateid", "providername", "providertype":
			return nil, f.fail(own.Line, "%s.%s cannot have a default; write it in the template", name, own.Key)
		}
		table[own.Key] = own.Value.JSON()
	}
	return table, nil
}

// settle adds what follows from the rest and checks what only the whole can show.
func (l *loader) settle() error {
	c := &l.config
	switch given := c.Storage.SQL.URL != ""; {
	case c.Storage.Strategy != StrategySQL: // its settings wait until the strategy is chosen
	case c.Storage.SQL.Type == PostgreSQL && !given:
		return ohfp.Errorf(ohfp.ErrInvalid, "%s: storage.sql.type is %s, but storage.sql.url is not set; set it, for example in the environment as OHFP_STORAGE_SQL_URL",
			c.Origin("storage.sql.type"), PostgreSQL)
	case c.Storage.SQL.Type != PostgreSQL && given:
		l.note(c.Origin("storage.sql.url") + ": storage.sql.url has no effect while storage.sql.type is not " + PostgreSQL)
	}
	if c.Providers == nil {
		c.Providers = []Provider{l.providerFromEnvironment()}
		c.Origins["providers"] = "environment"
	} else if err := l.defaultByType(); err != nil {
		return err
	}
	for kind := range c.ProviderDefaults {
		if !slices.ContainsFunc(c.Providers, func(p Provider) bool { return p.Type == kind }) {
			l.note("provider_defaults." + kind + " has no effect, since no provider has that type")
		}
	}
	for _, name := range c.Placement.Fallback {
		if _, ok := c.Provider(name); !ok {
			return ohfp.Errorf(ohfp.ErrInvalid, "%s: placement.fallback has %q, which is not a configured provider", c.Origin("placement.fallback"), name)
		}
	}
	if c.DefaultProvider == "" {
		return nil
	}
	if p, ok := c.Provider(c.DefaultProvider); ok && p.Enabled {
		return nil
	}
	var enabled []string
	for _, p := range c.Providers {
		if p.Enabled {
			enabled = append(enabled, p.Name)
		}
	}
	return ohfp.Errorf(ohfp.ErrInvalid, "%s: default_provider is %q, which is not an enabled provider; use one of %s",
		c.Origin("default_provider"), c.DefaultProvider, strings.Join(enabled, ", "))
}

// providerFromEnvironment is the provider when no file configures one.
func (l *loader) providerFromEnvironment() Provider {
	var p Provider
	p.applyDefaults()
	p.Name = cmp.Or(l.config.Instance, "aws")
	p.Type = cmp.Or(l.env["PROVIDER_TYPE"], "aws")
	if p.Type == "aws" {
		own := map[string]string{}
		for name, variable := range map[string]string{"region": "AWS_REGION", "profile": "AWS_PROFILE"} {
			if value, ok := l.env[variable]; ok {
				own[name] = value
			}
		}
		if len(own) > 0 {
			p.Config, _ = json.Marshal(own) // strings always encode
		}
	}
	return p
}

// defaultByType lets PROVIDER_TYPE choose among configured providers when no setting does.
func (l *loader) defaultByType() error {
	kind := l.env["PROVIDER_TYPE"]
	if kind == "" || l.config.DefaultProvider != "" {
		return nil
	}
	var first *Provider
	for i, p := range l.config.Providers {
		if p.Enabled && p.Type == kind && (first == nil || p.Priority < first.Priority) {
			first = &l.config.Providers[i]
		}
	}
	if first == nil {
		return ohfp.Errorf(ohfp.ErrInvalid, "environment: PROVIDER_TYPE is %q, but no enabled provider has that type; unset it or configure one", kind)
	}
	l.config.DefaultProvider = first.Name
	l.config.Origins["default_provider"] = "environment PROVIDER_TYPE"
	return nil
}
