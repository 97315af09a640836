package aws

import (
	"maps"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/launch"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
	"github.com/openhostfactory/ohfp/provider/aws/internal/strict"
)

// apis maps the launch APIs to the names of their handlers in the configuration.
func apis() map[string]string {
	return map[string]string{
		launch.APIEC2Fleet: "ec2_fleet", launch.APIRunInstances: "run_instances",
		launch.APISpotFleet: "spot_fleet", launch.APIASG: "auto_scaling_group",
	}
}

// handlers says which launch APIs templates may use, and which one they use when they name none.
type handlers struct {
	preferred string
	disabled  map[string]bool
}

// UnmarshalJSON reads {"default": "ec2_fleet", "spot_fleet": {"enabled": true}, …}.
func (h *handlers) UnmarshalJSON(data []byte) error {
	fields, err := strict.Parse(data)
	if err != nil {
		return err
	}
	var preferred string
	targets := map[string]any{"default": &preferred}
	switches := map[string]*handler{}
	for api, name := range apis() {
		switches[api] = &handler{enabled: true}
		targets[name] = switches[api]
	}
	if err := fields.Decode(targets); err != nil {
		return err
	}
	h.disabled = map[string]bool{}
	for api, s := range switches {
		h.disabled[api] = !s.enabled
	}
	if preferred == "" {
		return nil
	}
	if h.preferred, err = apiNamed(preferred); err != nil {
		return ohfp.Errorf(ohfp.ErrInvalid, "default: %w", err)
	}
	if h.disabled[h.preferred] {
		return ohfp.Errorf(ohfp.ErrInvalid, "default is %s, which is not enabled; enable it or choose another", preferred)
	}
	return nil
}

type handler struct{ enabled bool }

// UnmarshalJSON reads {"enabled": true}.
func (h *handler) UnmarshalJSON(data []byte) error {
	fields, err := strict.Parse(data)
	if err != nil {
		return err
	}
	return fields.Decode(map[string]any{"enabled": &h.enabled})
}

// apiNamed reads the name of a launch API as templates (EC2Fleet) or the configuration (ec2_fleet) write it.
func apiNamed(text string) (string, error) {
	plain := strings.ToLower(strings.ReplaceAll(text, "_", ""))
	for api, name := range apis() {
		if plain == strings.ToLower(api) || plain == strings.ReplaceAll(name, "_", "") {
			return api, nil
		}
	}
	return "", ohfp.Errorf(ohfp.ErrInvalid, "providerApi %q is not known; use one of %s", text, strings.Join(slices.Sorted(maps.Keys(apis())), ", "))
}

// choose says by which API a template launches: the one that it names, the configured default, or what its fields ask
// for.
func (h handlers) choose(t ohfp.Template, s spec.Spec) (string, error) {
	api, because := h.preferred, ""
	switch {
	case t.ProviderAPI != "":
		var err error
		if api, err = apiNamed(t.ProviderAPI); err != nil {
			return "", err
		}
	case api != "":
		because = " (the configured default)"
	case s.PriceType != spec.PriceOnDemand && s.Own("fleetRole"):
		api, because = launch.APISpotFleet, " (which fleetRole asks for)"
	case s.PriceType != spec.PriceOnDemand || len(s.Types) > 1 || wantsFleet(s):
		api = launch.APIEC2Fleet
	default:
		api = launch.APIRunInstances
	}
	if h.disabled[api] {
		return "", ohfp.Errorf(ohfp.ErrInvalid, "providerApi %s%s is not enabled; set handlers.%s.enabled, or choose another", api, because, apis()[api])
	}
	return api, nil
}

// API implements provider.Chooser.
func (p *Provider) API(t ohfp.Template) (string, error) {
	s, err := p.decode(t)
	if err != nil {
		return "", ohfp.Errorf(ohfp.ErrInvalid, "template %s: %w", t.ID, err)
	}
	return p.handlers.choose(t, s)
}

// wantsFleet says whether the template sets what only a fleet understands.
func wantsFleet(s spec.Spec) bool {
	return slices.ContainsFunc([]string{
		"allocationStrategy", "allocationStrategyOnDemand", "fleetType", "context", "abisInstanceRequirements",
	}, s.Own)
}
