package ohfp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/openhostfactory/ohfp"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind      error
		retryable bool
		unknown   bool
	}{
		{ohfp.ErrInvalid, false, false},
		{ohfp.ErrNotFound, false, false},
		{ohfp.ErrConflict, false, false},
		{ohfp.ErrLimit, false, false},
		{ohfp.ErrCapacity, true, false},
		{ohfp.ErrThrottled, true, true},
		{ohfp.ErrDenied, false, false},
		{ohfp.ErrUnavailable, true, true},
		{ohfp.ErrTimeout, true, true},
	} {
		plain := ohfp.Errorf(tt.kind, "machine %s: %w", "i-1", io.ErrUnexpectedEOF)
		for what, err := range map[string]error{
			"formatted":   plain,
			"wrapped":     fmt.Errorf("launching: %w", plain),
			"joined":      errors.Join(io.EOF, plain),
			"cloud error": &ohfp.CloudError{Kind: tt.kind, Operation: "RunInstances"},
			"bare":        tt.kind,
		} {
			if got := ohfp.KindOf(err); got != tt.kind {
				t.Errorf("%s %v: kind %v", what, tt.kind, got)
			}
			if got := ohfp.Retryable(err); got != tt.retryable {
				t.Errorf("%s %v: retryable %t, want %t", what, tt.kind, got, tt.retryable)
			}
			if got := ohfp.OutcomeUnknown(err); got != tt.unknown {
				t.Errorf("%s %v: outcome unknown %t, want %t", what, tt.kind, got, tt.unknown)
			}
		}
		if !errors.Is(plain, io.ErrUnexpectedEOF) {
			t.Errorf("%v hides its cause", tt.kind)
		}
		if want := "machine i-1: unexpected EOF"; plain.Error() != want {
			t.Errorf("text %q, want %q", plain, want)
		}
	}
	if len(ohfp.Kinds()) != 9 {
		t.Errorf("%d kinds are listed, 9 are tested here", len(ohfp.Kinds()))
	}
}

func TestErrorsWithoutAKind(t *testing.T) {
	t.Parallel()
	for _, err := range []error{io.EOF, context.Canceled, &ohfp.CloudError{Operation: "RunInstances", Code: "Odd"}} {
		if kind := ohfp.KindOf(err); kind != nil {
			t.Errorf("%v has kind %v, want none", err, kind)
		}
		if ohfp.Retryable(err) {
			t.Errorf("%v can be retried; nobody knows whether that helps", err)
		}
		if !ohfp.OutcomeUnknown(err) {
			t.Errorf("%v: an error of no kind says nothing about the outcome", err)
		}
	}
	if ohfp.KindOf(nil) != nil || ohfp.Retryable(nil) || ohfp.OutcomeUnknown(nil) {
		t.Errorf("success has a kind, can be retried or has an unknown outcome")
	}
}

func TestCloudError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  ohfp.CloudError
		want string
	}{
		{ohfp.CloudError{}, ""},
		{ohfp.CloudError{Operation: "RunInstances"}, "RunInstances"},
		{ohfp.CloudError{Code: "Throttling", Message: "slow down"}, "Throttling: slow down"},
		{
			ohfp.CloudError{Operation: "RunInstances", Code: "InvalidAMIID.NotFound", Message: "no such image", RequestID: "r-1"},
			"RunInstances: InvalidAMIID.NotFound: no such image (request id r-1)",
		},
		{ohfp.CloudError{Operation: "RunInstances", Err: io.ErrUnexpectedEOF}, "RunInstances: unexpected EOF"},
		{ohfp.CloudError{Operation: "RunInstances", Message: "no", Err: io.ErrUnexpectedEOF}, "RunInstances: no"},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("text %q, want %q", got, tt.want)
		}
	}
	both := &ohfp.CloudError{Kind: ohfp.ErrDenied, Err: io.EOF}
	if !errors.Is(both, ohfp.ErrDenied) || !errors.Is(both, io.EOF) {
		t.Errorf("a cloud error hides its kind or its cause")
	}
}
