package templates

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
)

// Fields holds template fields by name, each as JSON.
type Fields = map[string]json.RawMessage

// Defaults are the template fields that templates need not repeat. Those that mean the same for every provider are put
// under the template here; a provider's own are the provider's to apply, since only it knows which of them fit.
type Defaults struct {
	Types     map[string]Fields // by provider type
	Instances map[string]Fields // by provider instance; these win over those of the type
}

// complete puts the defaults of the provider under a draft and checks what all providers share. A default counts as a
// whole: of objects such as tags, the template's replaces the default's.
func (c *Catalog) complete(d draft) (ohfp.Template, error) {
	instance, kind, err := c.provider(d.template)
	if err != nil {
		return ohfp.Template{}, err
	}
	taken := map[string]bool{}
	for _, name := range d.own {
		if shared, ok := sharedField(name); ok {
			taken[shared] = true
		}
	}
	for _, defaults := range []Fields{c.Defaults.Instances[instance], c.Defaults.Types[kind]} {
		if err := d.fill(defaults, taken); err != nil {
			return ohfp.Template{}, err
		}
	}
	t, err := d.written()
	if err != nil {
		return ohfp.Template{}, fmt.Errorf("template %s: %w", t.ID, err)
	}
	if !taken[fieldMaxNumber] {
		return ohfp.Template{}, ohfp.Errorf(ohfp.ErrInvalid, "template %s has no maxNumber; write how many machines may be alive at once, -1 for as many as wanted", t.ID)
	}
	return t, t.Validate()
}

func (c *Catalog) provider(t ohfp.Template) (instance, kind string, err error) {
	if c.Choose == nil {
		return t.ProviderName, t.ProviderType, nil
	}
	return c.Choose(t)
}

// fill adds the shared defaults that neither the draft nor a table before this one has.
func (d *draft) fill(defaults Fields, taken map[string]bool) error {
	for _, name := range slices.Sorted(maps.Keys(defaults)) {
		shared, ok := sharedField(name)
		if !ok || taken[shared] {
			continue
		}
		taken[shared] = true
		if err := d.set(name, defaults[name]); err != nil {
			return fmt.Errorf("template defaults: %w", err)
		}
	}
	return nil
}

// assemble writes the provider's fields as one JSON object, without white space, so that equal ones have equal bytes.
func assemble(fields []specField) (json.RawMessage, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	var out bytes.Buffer
	for i, field := range fields {
		if i == 0 {
			out.WriteByte('{')
		} else {
			out.WriteByte(',')
		}
		name, err := json.Marshal(field.name)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		if err := json.Compact(&out, field.value); err != nil {
			return nil, fmt.Errorf("%s: %w", field.name, err)
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}
