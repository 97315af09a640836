package providertest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
)

func templateCases() []Case {
	return []Case{
		{Name: "good templates are valid", check: func(b *bench) {
			for kind, t := range b.h.Templates {
				if err := b.p.Validate(b.Context(), t); err != nil {
					b.Errorf("template %s: %v", kind, err)
				}
			}
		}},
		{Name: "bad templates are refused before anything is changed", Needs: []Capability{CanBad}, check: badTemplates},
		{Name: "unknown fields are refused by name", check: unknownField},
	}
}

func badTemplates(b *bench) {
	for _, what := range slices.Sorted(maps.Keys(b.h.Bad)) {
		var validated, prepared error
		calls := b.calls(func() {
			validated = b.p.Validate(b.Context(), b.h.Bad[what])
			ask := b.ask(b.h.plain(), 1)
			ask.Template = b.h.Bad[what]
			_, prepared = b.p.Prepare(b.Context(), ask)
		})
		if ohfp.KindOf(validated) != ohfp.ErrInvalid {
			b.Errorf("validating a template with %s: error %v, want one of kind %q", what, validated, ohfp.ErrInvalid)
		}
		if ohfp.KindOf(prepared) != ohfp.ErrInvalid {
			b.Errorf("preparing a template with %s: error %v, want one of kind %q", what, prepared, ohfp.ErrInvalid)
		}
		if calls.Mutating > 0 {
			b.Errorf("a template with %s caused %d mutating calls", what, calls.Mutating)
		}
	}
}

func unknownField(b *bench) {
	const field = "noSuchFieldAnywhere"
	t := b.h.Templates[b.h.plain()]
	fields := map[string]json.RawMessage{}
	if len(t.Spec) > 0 {
		if err := json.Unmarshal(t.Spec, &fields); err != nil {
			b.Fatalf("the spec of template %s is no JSON object: %v", t.ID, err)
		}
	}
	fields[field] = json.RawMessage(`1`)
	text, err := json.Marshal(fields)
	if err != nil {
		b.Fatal(err)
	}
	t.Spec = text
	err = b.p.Validate(b.Context(), t)
	b.wantKind("validating a template with an unknown field", err, ohfp.ErrInvalid)
	if !strings.Contains(err.Error(), field) {
		b.Errorf("the error does not name the field %s: %v", field, err)
	}
}
