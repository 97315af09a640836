package rest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/api"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

// Paging is how a list is taken in parts.
type Paging struct {
	Limit  int `query:"limit" minimum:"1" maximum:"10000" default:"50" doc:"At most so many"`
	Offset int `query:"offset" minimum:"0" maximum:"1000000" doc:"Leave out so many at the beginning; for long lists a cursor is faster and misses nothing"`
}

type templatesInput struct {
	Paging
	ProviderAPI string `query:"providerApi" doc:"Only templates of this API of the cloud, for example EC2Fleet"`
	Verbose     bool   `query:"verbose" doc:"All fields, those of the cloud too"`
}

type templatesAnswer struct{ Body view.Templates }

type templateInput struct {
	ID          string `path:"id" minLength:"1" maxLength:"64" pattern:"^[0-9A-Za-z_-]+$" doc:"The template"`
	IfNoneMatch string `header:"If-None-Match" doc:"An ETag: 304 when the template is still the same"`
}

type templateAnswer struct {
	Status int
	ETag   string `header:"ETag" doc:"Of the template as it is"`
	Body   *view.Template
}

type countAnswer struct{ Body api.Count }

func addTemplates(on *surface) {
	s := on.server
	add(on, route{
		Operation: "templates.list", Method: http.MethodGet, Path: "/api/v1/templates", ID: "listTemplates", Tag: "templates",
		Summary: "What machines may be asked for", Text: "No cloud is asked. A template that cannot be used now has the reason under refused.", Holds: filesHold,
	},
		func(ctx context.Context, in *templatesInput) (*templatesAnswer, error) {
			views, problems, err := s.Queries.TemplateList(ctx)
			if err != nil {
				return nil, err
			}
			views = slices.DeleteFunc(views, func(t query.TemplateView) bool {
				return in.ProviderAPI != "" && !strings.EqualFold(t.LaunchedBy(), in.ProviderAPI)
			})
			return &templatesAnswer{Body: view.NewTemplates(part(views, in.Paging), problems, in.Verbose)}, nil
		})
	add(on, route{
		Operation: "templates.list", Method: http.MethodGet, Path: "/api/v1/templates/count", ID: "countTemplates", Tag: "templates",
		Summary: "How many templates there are",
	},
		func(ctx context.Context, _ *struct{}) (*countAnswer, error) {
			views, _, err := s.Queries.TemplateList(ctx)
			return &countAnswer{Body: api.Count{Count: len(views)}}, err
		})
	add(on, route{
		Operation: "templates.show", Method: http.MethodGet, Path: "/api/v1/templates/{id}", ID: "getTemplate", Tag: "templates",
		Summary: "One template with all its fields", Holds: filesHold,
	},
		func(ctx context.Context, in *templateInput) (*templateAnswer, error) {
			_, shown, tag, err := s.found(ctx, ohfp.TemplateID(in.ID))
			if err != nil {
				return nil, err
			}
			if matches(in.IfNoneMatch, tag) {
				return &templateAnswer{Status: http.StatusNotModified, ETag: tag}, nil
			}
			return &templateAnswer{Status: http.StatusOK, ETag: tag, Body: &shown}, nil
		})
}

// part is the page of a list that is short as a whole.
func part[T any](list []T, p Paging) []T {
	list = list[min(p.Offset, len(list)):]
	return list[:min(p.Limit, len(list))]
}

// etag names a version of what is shown.
func etag(shown any) (string, error) {
	content, err := json.Marshal(shown)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`, nil
}

// matches says whether a list of ETags as callers send it has this one.
func matches(sent, tag string) bool {
	for one := range strings.SplitSeq(sent, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}
