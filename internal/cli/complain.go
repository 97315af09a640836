package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// errInterrupted is what somebody who presses Ctrl-C is told.
var errInterrupted = errors.New("interrupted")

// problem is an error as programs read it, one line on standard error. Its code is the kind of the error, or usage,
// interrupted or internal.
type problem struct {
	Code    string       `json:"code"`
	Message string       `json:"message"`
	Retry   bool         `json:"retry"` // the same may work later without anybody changing anything
	Cloud   *cloudsWords `json:"cloud,omitempty"`
}

// cloudsWords are what the cloud said, for its documentation and its support.
type cloudsWords struct {
	Operation string `json:"operation,omitempty"`
	Code      string `json:"code,omitempty"`
	RequestID string `json:"requestId,omitempty"`
}

func newProblem(err error) problem {
	v := problem{Code: "internal", Message: err.Error(), Retry: ohfp.Retryable(err)}
	var usage usageError
	var cloud *ohfp.CloudError
	switch kind := ohfp.KindOf(err); {
	case errors.As(err, &usage):
		v.Code = "usage"
	case errors.Is(err, errInterrupted):
		v.Code = "interrupted"
	case kind != nil:
		v.Code = strings.ReplaceAll(kind.Error(), " ", "_")
	}
	if errors.As(err, &cloud) {
		v.Cloud = &cloudsWords{Operation: cloud.Operation, Code: cloud.Code, RequestID: cloud.RequestID}
	}
	return v
}

// asksForJSON says whether a program reads the answers: --format json is on the command line. Without it answers are JSON
// too, and errors are for people. It looks before the line is parsed, because that may fail.
func asksForJSON(args []string) bool {
	for i, arg := range args {
		if arg == "--format=json" || arg == "--format" && i+1 < len(args) && args[i+1] == "json" {
			return true
		}
	}
	return false
}

// complain writes to standard error; when that fails there is nobody left to tell.
func (p *program) complain(err error) {
	if p.plain || !p.tell("error", newProblem(err)) {
		fmt.Fprintf(p.errw, "ohfp: %v\n", err)
	}
}

// note tells a person something beside the answer.
func (p *program) note(format string, args ...any) {
	if p.global.Quiet {
		return
	}
	text := fmt.Sprintf(format, args...)
	if p.plain || !p.tell("note", map[string]string{"message": text}) {
		fmt.Fprintf(p.errw, "ohfp: %s\n", text)
	}
}

// tell writes one line of JSON to standard error.
func (p *program) tell(what string, value any) bool {
	line, err := json.Marshal(map[string]any{what: value})
	if err != nil {
		return false
	}
	fmt.Fprintf(p.errw, "%s\n", line)
	return true
}
