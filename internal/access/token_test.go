package access_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/store/memory"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	records := memory.New(clock)
	tokens := access.Tokens{Memory: records, Now: clock}
	ctx := t.Context()
	ann, _, err := tokens.Create(ctx, "ann", access.Operator, 0, "cli:root")
	if err != nil {
		t.Fatal(err)
	}
	anna, _, err := tokens.Create(ctx, "anna", access.Viewer, time.Hour, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := tokens.Create(ctx, "ann", access.Admin, 0, ""); !errors.Is(err, ohfp.ErrConflict) {
		t.Errorf("a second ann: %v", err)
	}
	caller, err := tokens.Recognise(ctx, ann)
	if want := (access.Caller{Name: "ann", By: access.ByToken, Role: access.Operator}); err != nil || caller != want {
		t.Errorf("recognised %+v, %v; want %+v", caller, err, want)
	}
	for _, wrong := range []string{"", "ohfp_", ann + "x", strings.ToUpper(ann), ann[:len(ann)-1]} {
		if _, err := tokens.Recognise(ctx, wrong); !errors.Is(err, ohfp.ErrDenied) {
			t.Errorf("token %q: %v", wrong, err)
		}
	}

	// What is kept does not tell the token.
	kept, err := records.RecallPrefix(ctx, "")
	if err != nil || len(kept) != 4 {
		t.Fatalf("%d memories, %v", len(kept), err)
	}
	for key, value := range kept {
		if strings.Contains(key+string(value), ann) || strings.Contains(key+string(value), ann[5:]) {
			t.Errorf("memory %s holds the token: %s", key, value)
		}
	}

	// To revoke one leaves those whose names start alike.
	if err := tokens.Revoke(ctx, "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.Recognise(ctx, ann); !errors.Is(err, ohfp.ErrDenied) {
		t.Errorf("a revoked token: %v", err)
	}
	if _, err := tokens.Recognise(ctx, anna); err != nil {
		t.Errorf("anna went with ann: %v", err)
	}
	if err := tokens.Revoke(ctx, "ann"); !errors.Is(err, ohfp.ErrNotFound) {
		t.Errorf("revoked twice: %v", err)
	}
	now = now.Add(time.Hour)
	if _, err := tokens.Recognise(ctx, anna); !errors.Is(err, ohfp.ErrDenied) {
		t.Errorf("an expired token: %v", err)
	}
	if list, err := tokens.List(ctx); err != nil || len(list) > 0 {
		t.Errorf("listed %v, %v", list, err)
	}
	for name, role := range map[string]access.Role{"a b": access.Admin, "": access.Admin, "ok": "root"} {
		if _, _, err := tokens.Create(ctx, name, role, 0, ""); !errors.Is(err, ohfp.ErrInvalid) {
			t.Errorf("token %q as %s: %v", name, role, err)
		}
	}
}
