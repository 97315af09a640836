package view

import (
	"encoding/json"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
	"github.com/openhostfactory/ohfp/provider"
)

// TemplateChange is what became of a template.
type TemplateChange struct {
	ID      ohfp.TemplateID `json:"templateId"`
	Result  string          `json:"result"` // created, updated, deleted, forgotten, or what would be
	Version int64           `json:"version,omitempty"`
	Message string          `json:"message,omitempty"`
}

// TemplateChanges is that of several.
type TemplateChanges struct {
	Templates []TemplateChange `json:"templates"`
}

// TemplateVerdict says whether a template could be used.
type TemplateVerdict struct {
	ID       ohfp.TemplateID     `json:"templateId,omitempty"`
	Valid    bool                `json:"valid"`
	Problems []string            `json:"problems,omitempty"`
	Missing  []provider.Resource `json:"missing,omitempty" doc:"What it refers to and the cloud does not have"`
}

// TemplateVerdicts is that of several.
type TemplateVerdicts struct {
	Templates []TemplateVerdict `json:"templates"`
}

// TemplateRefresh is what the templates are after they were read anew.
type TemplateRefresh struct {
	Templates int      `json:"templates"`
	Refused   int      `json:"refused" doc:"Of them, those that launch nothing"`
	Problems  []string `json:"problems,omitempty"`
	Providers []string `json:"providers,omitempty" doc:"Clouds that were asked again"`
}

// Count takes the templates that there are.
func (r *TemplateRefresh) Count(templates []query.TemplateView, problems []string) {
	r.Templates, r.Refused, r.Problems = len(templates), 0, problems
	for _, t := range templates {
		if t.Template.Refused != "" {
			r.Refused++
		}
	}
}

// TemplateFile is templates as a file holds them.
type TemplateFile struct {
	Templates []json.RawMessage `json:"templates"`
}
