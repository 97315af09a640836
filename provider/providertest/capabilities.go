package providertest

import (
	"encoding/json"
	"strconv"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

func capabilityCases() []Case {
	return []Case{
		{Name: "attributes are those that Host Factory schedules by", Needs: []Capability{CanAttribute}, check: attributes},
		{Name: "the listing of a template can be shown", Needs: []Capability{CanList}, check: listing},
		{Name: "health tells the identity", Needs: []Capability{CanHealth}, check: health},
	}
}

func attributes(b *bench) {
	attributer, ok := b.p.(provider.Attributer)
	if !ok {
		b.Fatalf("the provider is no Attributer")
	}
	for kind, t := range b.h.Templates {
		var generated map[string]ohfp.Attribute
		var err error
		calls := b.calls(func() { generated, err = attributer.Attributes(t) })
		if err != nil {
			b.Errorf("attributes of template %s: %v", kind, err)
			continue
		}
		if calls != (Calls{}) {
			b.Errorf("attributes of template %s made the calls %+v; they must be known without the cloud", kind, calls)
		}
		if generated["type"].Type != ohfp.AttributeString || generated["type"].Value == "" {
			b.Errorf("template %s has the type attribute %v, want text", kind, generated["type"])
		}
		for _, name := range []string{"ncpus", "ncores", "nram"} {
			value, err := strconv.Atoi(generated[name].Value)
			if generated[name].Type != ohfp.AttributeNumeric || err != nil || value < 1 {
				b.Errorf("template %s has the %s attribute %v, want a positive number", kind, name, generated[name])
			}
		}
	}
}

func listing(b *bench) {
	lister, ok := b.p.(provider.Lister)
	if !ok {
		b.Fatalf("the provider is no Lister")
	}
	for kind, t := range b.h.Templates {
		var shown map[string]any
		var err error
		calls := b.calls(func() { shown, err = lister.Listing(t) })
		if err != nil || len(shown) == 0 {
			b.Errorf("listing template %s: %v, error %v", kind, shown, err)
			continue
		}
		if calls != (Calls{}) {
			b.Errorf("listing template %s made the calls %+v; it must need no cloud", kind, calls)
		}
		if _, err := json.Marshal(shown); err != nil {
			b.Errorf("the listing of template %s cannot be written as JSON: %v", kind, err)
		}
	}
}

func health(b *bench) {
	checker, ok := b.p.(provider.HealthChecker)
	if !ok {
		b.Fatalf("the provider is no HealthChecker")
	}
	var identity string
	var err error
	calls := b.calls(func() { identity, err = checker.Health(b.Context()) })
	if err != nil || identity == "" {
		b.Errorf("health: identity %q, error %v", identity, err)
	}
	if calls.Mutating > 0 {
		b.Errorf("health made %d mutating calls", calls.Mutating)
	}
}
