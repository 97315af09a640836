package access_test

import (
	"errors"
	"testing"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
)

func TestEachRoleMayWhatTheOneBeforeItMay(t *testing.T) {
	t.Parallel()
	for _, rule := range access.Rules() {
		may := false
		for _, role := range access.Roles() {
			may = may || role == rule.Role
			err := access.Caller{Name: "ann", Face: "cli", Role: role}.May(rule.Operation)
			if (err == nil) != may {
				t.Errorf("%s by %s: %v", rule.Operation, role, err)
			}
			var refusal *access.Refusal
			if !may && (!errors.Is(err, ohfp.ErrDenied) || !errors.As(err, &refusal) || refusal.Least != rule.Role) {
				t.Errorf("%s by %s is refused with %v", rule.Operation, role, err)
			}
		}
	}
}

func TestWhatNobodyKnowsNobodyMay(t *testing.T) {
	t.Parallel()
	for _, caller := range []access.Caller{{Role: access.Admin}, {}, {Role: "root"}} {
		if err := caller.May("templates.paint"); !errors.Is(err, ohfp.ErrDenied) {
			t.Errorf("%+v may paint: %v", caller, err)
		}
	}
	for _, role := range []access.Role{"", "root"} {
		if err := (access.Caller{Role: role}).May("templates.list"); !errors.Is(err, ohfp.ErrDenied) {
			t.Errorf("role %q may list templates: %v", role, err)
		}
	}
	if _, err := access.ParseRole("root"); !errors.Is(err, ohfp.ErrInvalid) {
		t.Errorf("role root: %v", err)
	}
}

// TestTheTableIsSound fails when two rows say the same, or one says too little.
func TestTheTableIsSound(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, rule := range access.Rules() {
		for face, name := range map[string]string{
			"operation": string(rule.Operation), "cli": rule.CLI, "rest": rule.REST, "mcp": rule.MCP, "script": rule.Script,
		} {
			if name != "" && seen[face+" "+name] {
				t.Errorf("%s %s is in the table twice", face, name)
			}
			seen[face+" "+name] = true
		}
		if rule.Role == "" || rule.Effect == "" || rule.CLI+rule.REST+rule.MCP+rule.Script == "" {
			t.Errorf("%s has no role, no effect or no face", rule.Operation)
		}
		if rule.Effect != access.Reads && rule.Role == access.Viewer {
			t.Errorf("%s changes something and a viewer may ask for it", rule.Operation)
		}
	}
}
