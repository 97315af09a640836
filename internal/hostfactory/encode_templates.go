package hostfactory

import (
	"maps"
	"slices"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/query"
)

type templatesAnswer struct {
	Message   string    `json:"message"`
	Templates []ordered `json:"templates"`
}

// EncodeTemplates writes the answer of getAvailableTemplates. wanted narrows the list unless it is empty. A list without
// templates is an error: Host Factory drops a provider that lists none for good, and asks again after an error.
func EncodeTemplates(views []query.TemplateView, wanted []ohfp.TemplateID) ([]byte, error) {
	out := templatesAnswer{Message: messageTemplates}
	for _, view := range views {
		if len(wanted) == 0 || slices.Contains(wanted, view.Template.ID) {
			out.Templates = append(out.Templates, template(view))
		}
	}
	switch {
	case len(out.Templates) > 0:
		return answer(out)
	case len(wanted) > 0:
		return nil, ohfp.Errorf(ohfp.ErrNotFound, "none of the templates asked for exists, among them %s; see ohfp templates list", wanted[0])
	default:
		return nil, ohfp.Errorf(ohfp.ErrNotFound, "there is no template to list; add one to the provider's template file")
	}
}

// template is one entry: what Host Factory requires, what IBM's plug-in always adds, then the provider's fields.
func template(view query.TemplateView) ordered {
	attributes := maps.Clone(view.Attributes)
	if attributes == nil {
		attributes = map[string]ohfp.Attribute{}
	}
	maps.Copy(attributes, view.Template.Attributes)
	entry := ordered{
		{"templateId", view.Template.ID},
		{"maxNumber", advertised(view.Template.MaxNumber)},
		{"attributes", attributes},
	}
	fields := map[string]any{"pgrpName": nil, "onDemandCapacity": 0}
	maps.Copy(fields, view.Fields)
	for _, required := range entry {
		delete(fields, required.key)
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		entry = append(entry, member{key, fields[key]})
	}
	return entry
}

// advertised is never 0: Host Factory forgets a template with no hosts and does not take it up again. Requests for it
// are refused all the same.
func advertised(maxNumber int) int {
	if maxNumber == 0 {
		return 1
	}
	return maxNumber
}
