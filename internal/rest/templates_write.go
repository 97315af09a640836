package rest

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/internal/view"
)

type newTemplateInput struct {
	Body map[string]any `doc:"A template as template files have it" nullable:"false"`
}

type newTemplateAnswer struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     view.Template
}

type changeTemplateInput struct {
	TemplatePath
	Body map[string]any `doc:"The template as a whole: what it does not say, the template no longer has" nullable:"false"`
}

// TemplatePath names a template and the version that is meant.
type TemplatePath struct {
	ID      string `path:"id" minLength:"1" maxLength:"64" pattern:"^[0-9A-Za-z_-]+$" doc:"The template"`
	IfMatch string `header:"If-Match" doc:"An ETag: 412 when the template has changed since"`
}

type nothing struct{}

type judgeInput struct {
	Online bool           `query:"online" doc:"Look in the cloud for what it refers to"`
	Body   map[string]any `doc:"A template as template files have it" nullable:"false"`
}

type verdictAnswer struct{ Body view.TemplateVerdict }

type refreshTemplatesInput struct {
	Force bool `query:"force" doc:"Drop what is remembered of the clouds, and ask them again"`
}

type refreshedAnswer struct{ Body view.TemplateRefresh }

func addTemplateWrites(on *surface) {
	s := on.server
	add(on, route{
		Operation: "templates.create", Method: http.MethodPost, Path: "/api/v1/templates", ID: "createTemplate", Tag: "templates",
		Summary: "Put a new template into the store", Status: http.StatusCreated, Write: true,
	},
		func(ctx context.Context, in *newTemplateInput) (*newTemplateAnswer, error) {
			t, err := s.parse("", in.Body)
			if err != nil {
				return nil, err
			}
			stored, err := s.Commands.PutTemplate(ctx, command.PutTemplate{Template: t, Origin: callerOf(ctx).Origin()})
			if err != nil {
				return nil, err
			}
			return s.stored(ctx, stored.ID)
		})
	add(on, route{
		Operation: "templates.update", Method: http.MethodPut, Path: "/api/v1/templates/{id}", ID: "updateTemplate", Tag: "templates",
		Summary: "Replace a template of the store", Write: true,
	},
		func(ctx context.Context, in *changeTemplateInput) (*newTemplateAnswer, error) {
			t, err := s.parse(in.ID, in.Body)
			if err != nil {
				return nil, err
			}
			version, err := s.version(ctx, in.TemplatePath)
			if err != nil {
				return nil, err
			}
			what := command.PutTemplate{Template: t, Update: true, Version: version, Origin: callerOf(ctx).Origin()}
			if _, err := s.Commands.PutTemplate(ctx, what); err != nil {
				return nil, err
			}
			return s.stored(ctx, t.ID)
		})
	add(on, route{
		Operation: "templates.delete", Method: http.MethodDelete, Path: "/api/v1/templates/{id}", ID: "deleteTemplate", Tag: "templates",
		Summary: "Remove a template from the store",
		Text:    "Its machines are not touched. It stays listed and launches nothing until it is forgotten.", Status: http.StatusNoContent, Write: true,
	},
		func(ctx context.Context, in *TemplatePath) (*nothing, error) {
			version, err := s.version(ctx, *in)
			if err != nil {
				return nil, err
			}
			return &nothing{}, s.Commands.DeleteTemplate(ctx, command.DeleteTemplate{
				ID: ohfp.TemplateID(in.ID), Version: version, Origin: callerOf(ctx).Origin(),
			})
		})
	add(on, route{
		Operation: "templates.forget", Method: http.MethodPost, Path: "/api/v1/templates/{id}/forget", ID: "forgetTemplate", Tag: "templates",
		Summary: "Stop listing a template that is broken or gone", Status: http.StatusNoContent, Write: true,
	},
		func(ctx context.Context, in *templateName) (*nothing, error) {
			return &nothing{}, s.Commands.ForgetTemplate(ctx, command.ForgetTemplate{ID: ohfp.TemplateID(in.ID)})
		})
	add(on, route{
		Operation: "templates.validate", Method: http.MethodPost, Path: "/api/v1/templates/validate", ID: "validateTemplate", Tag: "templates",
		Summary: "Check a template without storing it", Text: "With the defaults that it would get. No cloud is asked, unless online says so.",
	},
		func(ctx context.Context, in *judgeInput) (*verdictAnswer, error) {
			t, err := s.parse("", in.Body)
			if err != nil {
				return &verdictAnswer{Body: view.TemplateVerdict{ID: t.ID, Problems: []string{sentence(err)}}}, nil
			}
			verdict, err := s.Judge(ctx, t, in.Online)
			return &verdictAnswer{Body: verdict}, err
		})
	add(on, route{
		Operation: "templates.refresh", Method: http.MethodPost, Path: "/api/v1/templates/refresh", ID: "refreshTemplates", Tag: "templates",
		Summary: "Read templates anew, and resolve what they name", Write: true,
	}, s.refreshTemplates)
}

type templateName struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[0-9A-Za-z_-]+$" doc:"The template"`
}

// parse reads a body as a file would be read. The id of the path is that of the body.
func (s *Server) parse(id string, body map[string]any) (ohfp.Template, error) {
	if id != "" {
		for _, name := range []string{"templateId", "template_id"} {
			if given, ok := body[name]; ok && given != id {
				return ohfp.Template{}, ohfp.Errorf(ohfp.ErrInvalid, "body has %s %v, and the path %s; give the same", name, given, id)
			}
			delete(body, name)
		}
		body["templateId"] = id
	}
	content, err := json.Marshal(body)
	if err != nil {
		return ohfp.Template{}, err
	}
	return s.Parse(content)
}

// found is a template as it is listed, with its ETag.
func (s *Server) found(ctx context.Context, id ohfp.TemplateID) (query.TemplateView, view.Template, string, error) {
	listed, err := s.Queries.Template(ctx, id)
	if err != nil {
		return listed, view.Template{}, "", err
	}
	shown := view.NewTemplate(listed, true)
	tag, err := etag(struct {
		view.Template
		Version int64
	}{shown, listed.Template.Version})
	return listed, shown, tag, err
}

// stored answers with a template that has just changed.
func (s *Server) stored(ctx context.Context, id ohfp.TemplateID) (*newTemplateAnswer, error) {
	_, shown, tag, err := s.found(ctx, id)
	return &newTemplateAnswer{ETag: tag, Location: "/api/v1/templates/" + string(id), Body: shown}, err
}

// version is what the store is told that the caller has read, 0 when the caller does not say.
func (s *Server) version(ctx context.Context, in TemplatePath) (int64, error) {
	if in.IfMatch == "" || in.IfMatch == "*" {
		return 0, nil
	}
	listed, _, tag, err := s.found(ctx, ohfp.TemplateID(in.ID))
	if err != nil {
		return 0, err
	}
	if !matches(in.IfMatch, tag) {
		return 0, newProblem(http.StatusPreconditionFailed, "changed", "template "+in.ID+" has changed since it was read; read it again")
	}
	return listed.Template.Version, nil
}

func (s *Server) refreshTemplates(ctx context.Context, in *refreshTemplatesInput) (*refreshedAnswer, error) {
	out := &refreshedAnswer{}
	for _, p := range s.Providers.Providers() {
		if !in.Force || !p.Enabled {
			continue
		}
		if _, err := s.Providers.Refresh(ctx, p.Name); err != nil {
			return nil, err
		}
		out.Body.Providers = append(out.Body.Providers, p.Name)
	}
	list, problems, err := s.Queries.TemplateList(ctx)
	if err != nil {
		return nil, err
	}
	out.Body.Count(list, problems)
	return out, nil
}
