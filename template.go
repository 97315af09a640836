package ohfp

import (
	"encoding/json"
	"time"
)

// Unlimited is the maxNumber that means "as many as wanted"; [UnlimitedMachines] still bounds it.
const Unlimited = -1

// UnlimitedMachines is how many machines of an unlimited template may be alive: Host Factory's own upper bound.
const UnlimitedMachines = 10_000

// CapacityUnit says what the count of a request means when a template's machine types have weights.
type CapacityUnit string

// The capacity units.
const (
	// CapacityDefault leaves it to the provider: IBM counts units for spot and heterogeneous templates.
	CapacityDefault CapacityUnit = ""
	// CapacityMachines counts machines whatever their weight.
	CapacityMachines CapacityUnit = "machines"
	// CapacityUnits counts the weights of machine types.
	CapacityUnits CapacityUnit = "units"
)

// Template describes machines that may be asked for. The fields here mean the same for every provider; Spec holds the
// provider's own, which only the provider decodes, strictly.
type Template struct {
	ID           TemplateID           `json:"templateId"`
	Name         string               `json:"name,omitempty"`
	Description  string               `json:"description,omitempty"`
	ProviderName string               `json:"providerName,omitempty"` // a configured instance; empty: placement chooses
	ProviderType string               `json:"providerType,omitempty"` // for example aws
	ProviderAPI  string               `json:"providerApi,omitempty"`  // for example EC2Fleet; empty: the provider chooses
	MaxNumber    int                  `json:"maxNumber"`              // machines or units alive at once, or Unlimited
	CapacityUnit CapacityUnit         `json:"capacityUnit,omitempty"` // what a count means
	Timeout      time.Duration        `json:"timeout,omitempty"`      // how long a request may take; 0: the configured default
	Attributes   map[string]Attribute `json:"attributes,omitempty"`   // the operator's own, kept verbatim
	Spec         json.RawMessage      `json:"spec,omitempty"`         // the provider's fields

	Source  string `json:"source,omitempty"`  // where it was read: a file, or "store"
	Refused string `json:"refused,omitempty"` // why nothing is launched from it, empty when launches are fine
	Version int64  `json:"version,omitempty"` // of a template of the store, set by it; 0 for one of a file
}

// Limit is how many machines or units of the template may be alive or in flight at once.
func (t Template) Limit() int {
	if t.MaxNumber == Unlimited {
		return UnlimitedMachines
	}
	return t.MaxNumber
}

// Validate checks the shared fields. The provider checks Spec.
func (t Template) Validate() error {
	switch {
	case t.ID == "":
		return Errorf(ErrInvalid, "template has no templateId; give it 1 to 64 of the characters 0-9 A-Z a-z _ -")
	case !t.ID.WellFormed():
		return Errorf(ErrInvalid, "templateId %q is not allowed; use 1 to 64 of the characters 0-9 A-Z a-z _ -", t.ID)
	case t.MaxNumber < Unlimited || t.MaxNumber > UnlimitedMachines:
		return Errorf(ErrInvalid, "template %s has maxNumber %d; use -1 (unlimited) or 0 to %d", t.ID, t.MaxNumber, UnlimitedMachines)
	case t.Timeout < 0:
		return Errorf(ErrInvalid, "template %s has timeout %s; use a positive duration", t.ID, FormatDuration(t.Timeout))
	}
	switch t.CapacityUnit {
	case CapacityDefault, CapacityMachines, CapacityUnits:
		return nil
	default:
		return Errorf(ErrInvalid, "template %s has capacityUnit %q; use machines or units", t.ID, t.CapacityUnit)
	}
}

// CheckCount checks how many machines a request may ask of the template at all, whatever is alive already.
func (t Template) CheckCount(count int) error {
	switch {
	case t.Refused != "":
		return Errorf(ErrInvalid, "template %s launches nothing: %s", t.ID, t.Refused)
	case count < 1:
		return Errorf(ErrInvalid, "template %s launches 1 machine or more, not %d", t.ID, count)
	case t.MaxNumber == 0:
		return Errorf(ErrLimit, "template %s launches no machines: its maxNumber is 0; raise it to launch", t.ID)
	case count > t.Limit():
		return Errorf(ErrLimit, "template %s launches 1 to %s, not %d; ask for fewer or raise its maxNumber", t.ID, Count(t.Limit(), "machine"), count)
	}
	return nil
}
