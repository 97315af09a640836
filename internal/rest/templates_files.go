package rest

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/view"
)

type exampleInput struct {
	Body struct {
		Provider       string   `json:"provider,omitempty" maxLength:"64" doc:"For this provider instance; the default one unless given"`
		ProviderAPI    string   `json:"providerApi,omitempty" maxLength:"64" doc:"Only for this API of the cloud, for example EC2Fleet"`
		Subnets        []string `json:"subnetIds,omitempty" maxItems:"100" nullable:"false" doc:"Put these subnets into them"`
		SecurityGroups []string `json:"securityGroupIds,omitempty" maxItems:"100" nullable:"false" doc:"Put these security groups into them"`
	}
}

type exportInput struct {
	ID []string `query:"id" maxItems:"1000" doc:"Only these templates, separated by commas"`
}

type templateFileAnswer struct{ Body view.TemplateFile }

type importInput struct {
	Update bool           `query:"update" doc:"Replace templates that the store has already"`
	DryRun bool           `query:"dryRun" doc:"Say what would be taken, and take nothing"`
	Body   map[string]any `doc:"A file of templates: ours, IBM's, or that of the Python system" nullable:"false"`
}

type importAnswer struct{ Body view.TemplateChanges }

// sent is how a body is called where files have names.
const sent = "the body"

func addTemplateFiles(on *surface) {
	s := on.server
	add(on, route{
		Operation: "templates.generate", Method: http.MethodPost, Path: "/api/v1/templates/generate", ID: "generateTemplates", Tag: "templates",
		Summary: "Example templates, one for each way to launch machines", Text: "Nothing is stored: change them and import them.",
	},
		func(ctx context.Context, in *exampleInput) (*templateFileAnswer, error) {
			name, err := s.usual(in.Body.Provider)
			if err != nil {
				return nil, err
			}
			file, err := s.Templates.TemplateExamples(ctx, name, in.Body.ProviderAPI, map[string][]string{
				"subnetIds": in.Body.Subnets, "securityGroupIds": in.Body.SecurityGroups,
			})
			return &templateFileAnswer{Body: file}, err
		})
	add(on, route{
		Operation: "templates.export", Method: http.MethodGet, Path: "/api/v1/templates/export", ID: "exportTemplates", Tag: "templates",
		Summary: "Templates as files hold them", Text: "As they are written, without defaults. User data is part of them.",
	},
		func(ctx context.Context, in *exportInput) (*templateFileAnswer, error) {
			ids := make([]ohfp.TemplateID, 0, len(in.ID))
			for _, id := range in.ID {
				ids = append(ids, ohfp.TemplateID(id))
			}
			file, err := s.Templates.TemplateDocuments(ctx, ids...)
			return &templateFileAnswer{Body: file}, err
		})
	add(on, route{
		Operation: "templates.import", Method: http.MethodPost, Path: "/api/v1/templates/import", ID: "importTemplates", Tag: "templates",
		Summary: "Take the templates of a file into the store", Text: "What cannot be taken is told with its reason (its result is \"not taken\"), and the rest is taken.", Write: true,
	}, s.importTemplates)
}

func (s *Server) importTemplates(ctx context.Context, in *importInput) (*importAnswer, error) {
	dryRun(ctx, in.DryRun)
	content, err := json.Marshal(in.Body)
	if err != nil {
		return nil, err
	}
	changes, _, err := s.Templates.TakeTemplates(ctx, sent, content, command.PutTemplate{
		Update: in.Update, DryRun: in.DryRun, Origin: callerOf(ctx).Origin(),
	})
	if err != nil {
		return nil, err
	}
	return &importAnswer{Body: view.TemplateChanges{Templates: append([]view.TemplateChange{}, changes...)}}, nil
}
