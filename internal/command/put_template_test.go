package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
)

// shelf is a catalog whose file holds one template, and that refuses types that start with x.
type shelf struct{}

func (shelf) Check(_ context.Context, t ohfp.Template) error {
	if string(t.Spec) == `{"type":"x"}` {
		return ohfp.Errorf(ohfp.ErrInvalid, "type x does not exist; use another")
	}
	return nil
}

func (shelf) InFile(id ohfp.TemplateID) string {
	if id == "filed" {
		return "templates.json"
	}
	return ""
}

func (shelf) Forget(context.Context, ohfp.TemplateID) error { return nil }

func TestTemplatesAreChangedWithCare(t *testing.T) {
	t.Parallel()
	now := func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
	records := memory.New(now)
	c := &command.Commands{Store: records, Catalog: shelf{}, Now: now, TemplateEvents: true}
	ann := ohfp.Origin{Face: "cli", Caller: "ann"}
	template := func(id ohfp.TemplateID, spec string) ohfp.Template {
		return ohfp.Template{ID: id, MaxNumber: 5, Spec: json.RawMessage(spec), Source: "elsewhere", Refused: "once", Version: 9}
	}
	put := func(in command.PutTemplate) error {
		in.Origin = ann
		_, err := c.PutTemplate(t.Context(), in)
		return err
	}
	for name, step := range map[string]struct {
		in   command.PutTemplate
		want error
	}{
		"refused by the provider": {command.PutTemplate{Template: template("a", `{"type":"x"}`)}, ohfp.ErrInvalid},
		"no id":                   {command.PutTemplate{Template: template("", `{}`)}, ohfp.ErrInvalid},
		"in a file":               {command.PutTemplate{Template: template("filed", `{}`)}, ohfp.ErrConflict},
		"update of nothing":       {command.PutTemplate{Template: template("a", `{}`), Update: true}, ohfp.ErrNotFound},
	} {
		if err := put(step.in); !errors.Is(err, step.want) {
			t.Errorf("%s: %v, want %v", name, err, step.want)
		}
	}
	if err := put(command.PutTemplate{Template: template("a", `{}`), DryRun: true}); err != nil {
		t.Error(err)
	}
	if own, err := records.Templates(t.Context()); err != nil || len(own) > 0 {
		t.Fatalf("stored %v, %v; want nothing yet", own, err)
	}

	stored, err := c.PutTemplate(t.Context(), command.PutTemplate{Template: template("a", `{"type":"m"}`), Origin: ann})
	if err != nil || stored.Version != 1 || stored.Source != "store" || stored.Refused != "" {
		t.Fatalf("created %+v, %v", stored, err)
	}
	if err := put(command.PutTemplate{Template: template("a", `{}`)}); !errors.Is(err, ohfp.ErrConflict) {
		t.Errorf("created twice: %v", err)
	}
	if err := put(command.PutTemplate{Template: template("a", `{"type":"l"}`), Update: true, Version: 1}); err != nil {
		t.Error(err)
	}
	if err := put(command.PutTemplate{Template: template("a", `{"type":"s"}`), Update: true, Version: 1}); !errors.Is(err, ohfp.ErrConflict) {
		t.Errorf("update of a version that was replaced: %v", err)
	}
	for name, step := range map[string]struct {
		in   command.DeleteTemplate
		want error
	}{
		"in a file":      {command.DeleteTemplate{ID: "filed"}, ohfp.ErrConflict},
		"nobody's":       {command.DeleteTemplate{ID: "b"}, ohfp.ErrNotFound},
		"an old version": {command.DeleteTemplate{ID: "a", Version: 1}, ohfp.ErrConflict},
		"dry":            {command.DeleteTemplate{ID: "a", DryRun: true}, nil},
	} {
		if err := c.DeleteTemplate(t.Context(), step.in); !errors.Is(err, step.want) {
			t.Errorf("delete %s: %v, want %v", name, err, step.want)
		}
	}
	if err := c.DeleteTemplate(t.Context(), command.DeleteTemplate{ID: "a", Version: 2, Origin: ann}); err != nil {
		t.Error(err)
	}

	told, err := records.Events(t.Context(), store.EventFilter{})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []ohfp.EventKind
	for _, e := range told {
		kinds = append(kinds, e.Kind)
		if e.Template != "a" || e.Actor != "cli:ann" || e.At.IsZero() {
			t.Errorf("event %+v does not say who, what and when", e)
		}
	}
	if want := []ohfp.EventKind{ohfp.TemplateCreated, ohfp.TemplateUpdated, ohfp.TemplateDeleted}; !slices.Equal(kinds, want) {
		t.Errorf("events %v, want %v", kinds, want)
	}
}
