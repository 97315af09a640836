package rest

import (
	"context"
	"net/http"

	"github.com/openhostfactory/ohfp/internal/view"
	"github.com/openhostfactory/ohfp/provider"
)

type ofProvider struct {
	Provider string `query:"provider" maxLength:"64" doc:"The provider instance; all, or of discover the default one, unless given"`
}

type inventoryAnswer struct{ Body provider.Inventory }

type referencesAnswer struct{ Body view.References }

type validationAnswer struct{ Body view.Validation }

func addInfrastructure(on *surface) {
	s := on.server
	add(on, route{
		Operation: "infrastructure.discover", Method: http.MethodGet, Path: "/api/v1/infrastructure/discover", ID: "discoverInfrastructure",
		Tag: "infrastructure", Summary: "What the account has that templates may refer to",
	},
		func(ctx context.Context, in *ofProvider) (*inventoryAnswer, error) {
			name, err := s.usual(in.Provider)
			if err != nil {
				return nil, err
			}
			found, err := s.Providers.Discover(ctx, name)
			return &inventoryAnswer{Body: found}, err
		})
	add(on, route{
		Operation: "infrastructure.show", Method: http.MethodGet, Path: "/api/v1/infrastructure", ID: "listReferences",
		Tag: "infrastructure", Summary: "What the templates refer to", Text: "No cloud is asked, so nothing of it need exist.",
	},
		func(ctx context.Context, in *ofProvider) (*referencesAnswer, error) {
			list, problems, err := s.Providers.References(ctx, in.Provider)
			return &referencesAnswer{Body: view.References{References: list, Problems: problems}}, err
		})
	add(on, route{
		Operation: "infrastructure.validate", Method: http.MethodGet, Path: "/api/v1/infrastructure/validate", ID: "validateInfrastructure",
		Tag: "infrastructure", Summary: "Which of it the cloud does not have",
	},
		func(ctx context.Context, in *ofProvider) (*validationAnswer, error) {
			wanted, problems, err := s.Providers.References(ctx, in.Provider)
			if err != nil {
				return nil, err
			}
			missing, err := s.Providers.Missing(ctx, wanted)
			return &validationAnswer{Body: view.Validation{Checked: len(wanted), Missing: missing, Problems: problems}}, err
		})
}
