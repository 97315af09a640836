package view

import (
	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/provider"
)

// Reference is something in the cloud that a template names.
type Reference struct {
	Template ohfp.TemplateID `json:"templateId"`
	Provider string          `json:"provider"`
	provider.Resource
}

// References is a list of them.
type References struct {
	References []Reference `json:"references"`
	Problems   []string    `json:"problems,omitempty" doc:"About templates of which that cannot be told"`
}

// Validation is which of them are missing in the cloud.
type Validation struct {
	Checked  int         `json:"checked" doc:"How many references were looked for"`
	Missing  []Reference `json:"missing" doc:"What the cloud does not have, or does not show us"`
	Problems []string    `json:"problems,omitempty"`
}

// Cleaning is what was removed because nothing uses it.
type Cleaning struct {
	DryRun  bool              `json:"dryRun,omitempty"`
	Removed []command.Cleaned `json:"removed"`
	Problem string            `json:"problem,omitempty" doc:"What could not be removed"`
}
