package provider_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

func TestRegistry(t *testing.T) {
	t.Parallel()
	opened := ""
	factory := func(_ context.Context, _ json.RawMessage, env provider.Environment) (provider.Provider, error) {
		opened = env.Name
		return nil, nil
	}
	built := provider.Registry{"aws": {Open: factory}}
	all, err := built.With(provider.Registry{"pool": {Open: factory, Settings: func() []provider.Setting {
		return []provider.Setting{{Name: "password", Secret: true}}
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(built) != 1 || len(all.Own("pool")) != 1 || len(all.Own("aws"))+len(all.Own("none")) != 0 {
		t.Errorf("built in %v, all with %v, %v and %v", slices.Collect(maps.Keys(built)), all.Own("pool"), all.Own("aws"), all.Own("none"))
	}
	if _, err := all.Open(t.Context(), "pool", nil, provider.Environment{Name: "hosts"}); err != nil || opened != "hosts" {
		t.Errorf("opened %q, error %v", opened, err)
	}
	if _, err := all.Open(t.Context(), "pond", nil, provider.Environment{}); ohfp.KindOf(err) != ohfp.ErrInvalid || !strings.Contains(err.Error(), "aws, pool") {
		t.Errorf("an unknown type: %v, want an invalid one that lists those there are", err)
	}
	if _, err := built.With(provider.Registry{"aws": {Open: factory}}); ohfp.KindOf(err) != ohfp.ErrConflict {
		t.Errorf("a name that is taken: %v, want a conflict", err)
	}
}

func TestOwnDefaults(t *testing.T) {
	t.Parallel()
	env := provider.Environment{Defaults: map[string]json.RawMessage{
		"max_number": json.RawMessage("1"), "maxInstances": json.RawMessage("1"), "providerApi": json.RawMessage(`"x"`),
		"imageId": json.RawMessage(`"ami-1"`), "keyName": json.RawMessage("null"),
	}}
	if diff := cmp.Diff(map[string]json.RawMessage{"imageId": json.RawMessage(`"ami-1"`)}, env.OwnDefaults()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
