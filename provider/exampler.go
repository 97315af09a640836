package provider

import "github.com/openhostfactory/ohfp"

// Exampler is a provider that has templates to begin with.
type Exampler interface {
	// Examples returns a template for each way to launch machines, or for those of one API; an API that does not exist is
	// [ohfp.ErrInvalid]. They leave out what template defaults of the configuration say already.
	Examples(api string) ([]ohfp.Template, error)
}
