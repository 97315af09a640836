// Package hostfactory is the wire contract of IBM Spectrum Symphony Host Factory: it reads the inputs of the five calls
// in every form in which Host Factory and its relatives write them, and writes the one JSON object that each call
// answers with.
// It refuses to decide anything about requests and machines: commands and queries do, and [Face] only puts the two
// together.
package hostfactory

import "github.com/openhostfactory/ohfp"

// Action is one of the five calls, by the name of its script.
type Action string

// The five calls.
const (
	GetAvailableTemplates Action = "getAvailableTemplates"
	RequestMachines       Action = "requestMachines"
	RequestReturnMachines Action = "requestReturnMachines"
	GetRequestStatus      Action = "getRequestStatus"
	GetReturnRequests     Action = "getReturnRequests"
)

// Actions lists the five calls in the order in which a cluster makes them.
func Actions() []Action {
	return []Action{
		GetAvailableTemplates, RequestMachines, GetRequestStatus, GetReturnRequests, RequestReturnMachines,
	}
}

// Partial is how a request that brought fewer machines than asked for is reported. Public material does not settle what
// Host Factory does with the good machines of a request that ended with errors.
type Partial string

// The reports of partial success. In both, the good machines are listed with result succeed.
const (
	PartialWithError Partial = "complete_with_error" // the default: says that some are missing
	PartialComplete  Partial = "complete"            // for requestors that give everything back after an error
)

// ParsePartial reads the configured value; empty means the default.
func ParsePartial(text string) (Partial, error) {
	switch p := Partial(text); p {
	case "":
		return PartialWithError, nil
	case PartialWithError, PartialComplete:
		return p, nil
	default:
		return "", ohfp.Errorf(ohfp.ErrInvalid, "partial result %q is unknown; use complete_with_error or complete", text)
	}
}
