package provider

import (
	"context"

	"github.com/openhostfactory/ohfp"
)

// Examiner is a provider that can say what stands between its account and the templates that go to it.
type Examiner interface {
	// Examine asks the cloud about everything that the templates need. It MUST change nothing: calls that would change
	// something are made as dry runs. One thing that cannot be found out does not spoil the others. Every finding that is no
	// [LevelOK] says what to do.
	Examine(ctx context.Context, templates []ohfp.Template) []Finding
}

// Level is how bad a finding is.
type Level string

// The levels.
const (
	LevelOK      Level = "ok"
	LevelWarning Level = "warning" // it works, or nobody knows, and should be looked at
	LevelFailure Level = "failure" // something does not work before it is mended
)

// Finding is what one look at one thing has shown.
type Finding struct {
	Check string `json:"check"`           // what was looked at, for example subnets
	Level Level  `json:"level"`           //
	About string `json:"about,omitempty"` // which of them: a provider, a template, a file
	Text  string `json:"text"`            // what is so
	Fix   string `json:"fix,omitempty"`   // what to do about it
}
