package rest

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/view"
)

type providersAnswer struct{ Body view.Providers }

// ProviderInput names a provider instance.
type ProviderInput struct {
	Name string `path:"name" minLength:"1" maxLength:"64" doc:"The provider instance"`
}

type providerHealthAnswer struct{ Body view.ProviderHealth }

type settingsAnswer struct{ Body config.Shown }

type policyInput struct {
	ProviderInput
	Feature []string `query:"feature" doc:"Only what these features need, separated by commas"`
}

type policyAnswer struct{ Body map[string]any }

func addProviders(on *surface) {
	s := on.server
	add(on, route{
		Operation: "providers.list", Method: http.MethodGet, Path: "/api/v1/providers", ID: "listProviders", Tag: "providers",
		Summary: "The configured clouds",
	},
		func(context.Context, *struct{}) (*providersAnswer, error) {
			out := &providersAnswer{}
			out.Body.Providers = s.Providers.Providers()
			return out, nil
		})
	add(on, route{
		Operation: "providers.show", Method: http.MethodGet, Path: "/api/v1/providers/{name}", ID: "getProvider", Tag: "providers",
		Summary: "The settings of a provider", Text: "Secrets are shown as ***.",
	},
		func(_ context.Context, in *ProviderInput) (*settingsAnswer, error) {
			if err := s.known(in.Name); err != nil {
				return nil, err
			}
			shown, err := s.Settings.Settings("providers[" + in.Name + "]")
			return &settingsAnswer{Body: shown}, err
		})
	add(on, route{
		Operation: "providers.health", Method: http.MethodGet, Path: "/api/v1/providers/{name}/health", ID: "getProviderHealth",
		Tag: "providers", Summary: "Whether the cloud lets us in", Text: "Makes one cheap call to it.",
	},
		func(ctx context.Context, in *ProviderInput) (*providerHealthAnswer, error) {
			if err := s.known(in.Name); err != nil {
				return nil, err
			}
			out := &providerHealthAnswer{Body: view.ProviderHealth{Name: in.Name}}
			identity, err := s.Providers.Health(ctx, in.Name)
			if err != nil {
				out.Body.Error = sentence(err)
				return out, nil
			}
			out.Body.Healthy, out.Body.Identity = true, identity
			return out, nil
		})
	add(on, route{
		Operation: "providers.iam-policy", Method: http.MethodGet, Path: "/api/v1/providers/{name}/iam-policy", ID: "getProviderPolicy",
		Tag: "providers", Summary: "What the identity of a provider must be allowed to do, in the cloud's own format",
	},
		func(ctx context.Context, in *policyInput) (*policyAnswer, error) {
			document, err := s.Providers.Policy(ctx, in.Name, in.Feature)
			if err != nil {
				return nil, err
			}
			out := &policyAnswer{}
			return out, json.Unmarshal(document, &out.Body)
		})
}

// known refuses a provider that is not configured.
func (s *Server) known(name string) error {
	for _, p := range s.Providers.Providers() {
		if p.Name == name {
			return nil
		}
	}
	return ohfp.Errorf(ohfp.ErrNotFound, "provider %s does not exist; see /api/v1/providers", name)
}

// usual is the provider that a caller names, or the default one.
func (s *Server) usual(name string) (string, error) {
	for _, p := range s.Providers.Providers() {
		if name == "" && p.Default {
			name = p.Name
		}
	}
	if name == "" {
		return "", ohfp.Errorf(ohfp.ErrInvalid, "no provider is enabled; add one to the configuration")
	}
	return name, nil
}
